"""Reading HTTP responses off a connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.response import HEAD_BYTES_MAX, HttpError, Response, ResponseParser


def with_length(status: int, body: bytes) -> bytes:
    head = f'HTTP/1.1 {status} Some Reason\r\nContent-Length: {len(body)}\r\nETag: W/"1"\r\n\r\n'
    return head.encode() + body


def in_chunks(status: int, pieces: list[bytes]) -> bytes:
    head = f"HTTP/1.1 {status} OK\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return head + chunks + b"0\r\n\r\n"


def test_a_response_is_read_with_its_headers() -> None:
    (response,) = ResponseParser().feed(with_length(200, b"body"))
    assert (response.status, response.body, response.header(b"etag")) == (200, b"body", b'w/"1"')


def test_a_header_that_is_not_there_is_none() -> None:
    (response,) = ResponseParser().feed(with_length(200, b""))
    assert response.header(b"location") is None


def test_no_content_has_no_body_and_needs_no_length() -> None:
    assert ResponseParser().feed(b"HTTP/1.1 204 No Content\r\n\r\n") == [Response(204, b"\r\n", b"")]


def test_half_a_response_is_none_yet() -> None:
    parser = ResponseParser()
    assert parser.feed(with_length(200, b"body")[:-1]) == []
    assert [response.body for response in parser.feed(b"y")] == [b"body"]


@pytest.mark.parametrize(
    "data",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"a" * (HEAD_BYTES_MAX + 1),
    ],
)
def test_what_is_not_http_is_an_error(data: bytes) -> None:
    with pytest.raises(HttpError):
        ResponseParser().feed(data)


BODIES = st.binary(max_size=40)
SENT = st.one_of(
    st.tuples(st.sampled_from([200, 201, 404, 500]), BODIES).map(lambda it: (it, with_length(*it))),
    st.tuples(st.sampled_from([200, 404]), st.lists(BODIES, max_size=4)).map(
        lambda it: ((it[0], b"".join(it[1])), in_chunks(*it))
    ),
    st.just(((204, b""), b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n")),
)


@given(st.lists(SENT, max_size=5), st.data())
def test_responses_are_the_same_however_they_arrive(
    sent: list[tuple[tuple[int, bytes], bytes]], data: st.DataObject
) -> None:
    stream = b"".join(raw for _, raw in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    parser = ResponseParser()
    found: list[Response] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += parser.feed(stream[start:end])
    assert [(response.status, response.body) for response in found] == [expected for expected, _ in sent]


@given(
    st.binary(max_size=80),
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: "]),
)
def test_no_bytes_break_the_parser(tail: bytes, start: bytes) -> None:
    try:
        responses = ResponseParser().feed(start + tail)
    except HttpError:
        return
    assert all(100 <= response.status <= 999 or response.status < 100 for response in responses)
