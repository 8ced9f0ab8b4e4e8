"""Servers that answer only while their site is the live record."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from altid.server import live as live_module
from altid.server.live import OnlyWhileLive


class _Lease:
    """A lease that holds for so many looks."""

    is_two_sites = True
    ended = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)

    def __init__(self, looks: int) -> None:
        self._looks = looks

    @property
    def holds(self) -> bool:
        self._looks -= 1
        return self._looks >= 0


async def _record(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the record"})


def _status(method: str, looks: int, path: str = "/fhir/Patient/1") -> tuple[int, bytes]:
    status, _, body = _answer(method, looks, path)
    return status, body


def _answer(
    method: str, looks: int, path: str = "/fhir/Patient/1", app: Any = None, length: int = 0
) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        headers = [(b"content-length", b"%d" % length)]
        scope = {"type": "http", "method": method, "path": path, "headers": headers}
        live = OnlyWhileLive(app or _record, _Lease(looks), hold_s=0)  # type: ignore[arg-type]
        await live(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(run())
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], dict(sent[0]["headers"]), body


def test_while_the_lease_holds_the_record_answers() -> None:
    assert _status("GET", looks=2) == (200, b"the record")


def test_without_a_lease_nobody_gets_the_record() -> None:
    for method in ("GET", "PUT", "POST"):
        status, body = _status(method, looks=0)
        assert status == 503
        assert b"the record" not in body


def test_what_was_read_while_the_lease_ran_out_is_not_sent() -> None:
    status, body = _status("GET", looks=1)
    assert status == 503
    assert b"the record" not in body


class _Lapse(_Lease):
    """A lease that holds but for some looks."""

    def __init__(self, without: range) -> None:
        self._number, self._without = -1, without

    @property
    def holds(self) -> bool:
        self._number += 1
        return self._number not in self._without


@pytest.mark.parametrize("without", [range(2), range(1, 3)], ids=["when it asks", "before it is told"])
def test_a_reader_waits_for_a_lease_that_soon_holds_again(without: range) -> None:
    reads: list[int] = []
    sent: list[dict[str, Any]] = []

    async def record(_scope: Any, _receive: Any, send: Any) -> None:
        reads.append(len(reads) + 1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"read %d" % reads[-1]})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/fhir/Patient/1"}
    live = OnlyWhileLive(record, _Lapse(without), hold_s=10)  # type: ignore[arg-type]
    asyncio.run(live(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 200
    assert sent[1:] == [{"type": "http.response.body", "body": b"read %d" % reads[-1]}]


def test_health_is_told_at_once() -> None:
    assert _status("GET", looks=0, path="/health/ready")[0] == 503


def test_a_write_that_was_done_is_told_even_so() -> None:
    assert _status("PUT", looks=1) == (200, b"the record")


def test_the_process_is_alive_without_a_lease() -> None:
    assert _status("GET", looks=0, path="/health/live") == (200, b"the record")


def test_a_site_that_is_not_live_says_since_when_in_both_languages() -> None:
    status, headers, body = _answer("GET", looks=0)
    assert status == 503
    assert headers[b"altid-stale-since"] == b"2026-03-04T05:06:07.089Z"
    (issue,) = json.loads(body)["issue"]
    assert "stale since 2026-03-04T05:06:07.089Z" in issue["diagnostics"]
    assert "forældet siden 2026-03-04T05:06:07.089Z" in issue["details"]["text"]


def test_a_reader_is_told_how_safe_the_record_is() -> None:
    assert _answer("GET", looks=2)[1][b"altid-durability"] == b"two-sites"


def test_a_writer_who_waits_at_a_site_that_is_live_no_more_is_sent_to_the_other() -> None:
    committed: list[bool] = []

    async def hang(_scope: Any, _receive: Any, _send: Any) -> None:
        commit = asyncio.create_task(_commit(committed))
        try:
            await asyncio.Event().wait()
        finally:
            await commit

    status, headers, body = _answer("POST", looks=2, app=hang)
    assert status == 504
    assert b"altid-stale-since" in headers
    assert json.loads(body)["issue"][0]["code"] == "timeout"
    assert committed == [True]


async def _commit(committed: list[bool]) -> None:
    await asyncio.sleep(0)
    committed.append(True)


def test_a_writer_whom_others_cancel_is_not_answered_for() -> None:
    async def cancelled(_scope: Any, _receive: Any, _send: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        _answer("POST", looks=9, app=cancelled)


@pytest.mark.parametrize(
    "path", ["/fhir/Patient/_search", "/fhir/_search", "/fhir/Patient/1/$everything", "/fhir/_search/"]
)
def test_what_was_read_by_post_while_the_lease_ran_out_is_not_sent(path: str) -> None:
    status, headers, body = _answer("POST", looks=1, path=path, length=1)
    assert status == 503
    assert headers[b"altid-nothing-done"] == b"true"
    assert b"the record" not in body


@pytest.mark.parametrize("path", ["/fhir", "/fhir/"])
def test_a_bundle_that_was_answered_while_the_lease_ran_out_is_told_as_unknown(path: str) -> None:
    assert _status("POST", looks=2, path=path) == (200, b"the record")
    status, body = _status("POST", looks=1, path=path)
    assert status == 504
    assert b"the record" not in body


@pytest.mark.parametrize("header", [(b"content-length", b"1"), (b"transfer-encoding", b"chunked")])
def test_what_came_with_a_body_is_not_read_twice(header: tuple[bytes, bytes]) -> None:
    reads, sent = [], []

    async def record(scope: Any, receive: Any, send: Any) -> None:
        reads.append(await receive())
        await _record(scope, receive, send)

    async def receive() -> dict[str, Any]:
        assert not reads, "the body is gone: this would wait for the client to hang up"
        return {"type": "http.request", "body": b"1"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/fhir/Patient", "headers": [header]}
    live = OnlyWhileLive(record, _Lapse(range(1, 2)), hold_s=10)  # type: ignore[arg-type]
    asyncio.run(live(scope, receive, send))
    assert sent[0]["status"] == 503


def test_a_writer_who_was_sent_away_is_not_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_LOOK_EVERY_S", 0.001)
    watched: list[Any] = []

    async def slow_to_leave(_scope: Any, _receive: Any, _send: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await _watch_ends()
            watched.append("left in peace")

    assert _answer("POST", looks=1, app=slow_to_leave)[0] == 504
    assert watched == ["left in peace"]


def test_a_writer_who_is_being_answered_is_not_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_LOOK_EVERY_S", 0.001)

    async def slow_to_answer(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await _watch_ends()
        await send({"type": "http.response.body", "body": b"stored"})

    status, _, body = _answer("POST", looks=1, app=slow_to_answer)
    assert (status, body) == (201, b"stored")


async def _watch_ends() -> None:
    """Until nobody looks after writers any more."""
    async with asyncio.timeout(30):
        watches = [task for task in asyncio.all_tasks() if "_send_writers_away" in str(task)]
        await asyncio.gather(*watches)


def test_below_orders_a_refusal_says_by_its_word_that_it_may_be_sent_again() -> None:
    status, headers, body = _answer("POST", 0, "/orders")
    assert (status, headers[b"altid-receipt"]) == (503, b"transient-error")
    assert json.loads(body)["extension"][0]["valueCode"] == "transient-error"
    assert b"altid-receipt" not in _answer("POST", 0, "/fhir")[1]
