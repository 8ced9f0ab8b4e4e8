"""HL7 as text: whatever a name holds, it arrives as it was, and makes no segment of its own."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.hl7.text import Hl7Error, escape, field, message, parse, segment, unescape

TEXTS = st.text(st.characters(codec="utf-8"), max_size=80)
TRICKY = st.text(st.sampled_from("|^~\\&\r\n\x0b\x1c.brFSTREX0DæøåÆØÅ "), max_size=40)
HEADER = "MSH|^~\\&|LAB||ALTID||20261128||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8"


@given(TEXTS | TRICKY)
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert unescape(escape(text)) == text


@given(TEXTS | TRICKY)
def test_no_text_ends_its_component_segment_or_frame(text: str) -> None:
    assert not set(escape(text)) & set("|^~&\r\n\x0b\x1c")


@given(st.lists(TEXTS | TRICKY, min_size=1, max_size=5))
def test_components_come_back_through_a_whole_message(texts: list[str]) -> None:
    sent = message([HEADER, segment("PID", {5: field(*texts), 9: "behind"})])
    person = parse(sent).segments[1]
    assert [person.text(5, number) for number in range(1, len(texts) + 1)] == texts
    assert person.text(9) == "behind"


@pytest.mark.parametrize("charset", ["UNICODE UTF-8", "8859/1"])
def test_danish_letters_are_read_in_the_charset_that_msh_18_names(charset: str) -> None:
    text = f"{HEADER.replace('UNICODE UTF-8', charset)}\rPID|||||Sørensen^Åse Ærø\r"
    read = parse(text.encode("utf-8" if "UTF" in charset else "iso-8859-1"))
    assert (read.segments[1].text(5), read.segments[1].text(5, 2)) == ("Sørensen", "Åse Ærø")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no-header"),
        (b"PID|1\r", "no-header"),
        (b"MSH|#~\\&|x\r", "no-header"),
        (HEADER.replace("UNICODE UTF-8", "JAS2020").encode(), "unknown-charset"),
        (HEADER.encode() + b"\rPID|\xe6\xf8\r", "wrong-charset"),
        (HEADER.encode() + b"\rnot a segment\r", "no-segment"),
    ],
)
def test_what_can_not_be_read_says_why_without_quoting(data: bytes, code: str) -> None:
    with pytest.raises(Hl7Error) as caught:
        parse(data)
    assert str(caught.value) == code


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail_otherwise(data: bytes) -> None:
    with suppress(Hl7Error):
        parse(HEADER.encode() + b"\r" + data)
