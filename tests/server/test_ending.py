"""What a browser is told when its server ends in the middle of a request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from altid.server.ending import AnswersToTheEnd


async def _never(_scope: Any, _receive: Any, _send: Any) -> None:
    await asyncio.Event().wait()


async def _half(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.Event().wait()


def _cancelled(app: Any, path: str) -> list[dict[str, Any]]:
    """What is sent by an application that is cancelled while it waits."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        scope = {"type": "http", "method": "POST", "path": path, "headers": []}
        task = asyncio.create_task(AnswersToTheEnd(app)(scope, None, send))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    return sent


def test_what_is_broken_off_is_answered_as_unknown() -> None:
    start, body = _cancelled(_never, "/orders")
    headers = dict(start["headers"])
    assert (start["status"], headers[b"altid-receipt"]) == (504, b"transient-error")
    outcome = json.loads(body["body"])
    assert outcome["issue"][0]["code"] == "timeout"
    assert outcome["extension"][0]["valueCode"] == "transient-error"
    assert b"altid-nothing-done" not in headers


def test_only_orders_have_a_receipt() -> None:
    start, body = _cancelled(_never, "/fhir/Patient")
    assert start["status"] == 504
    assert b"altid-receipt" not in dict(start["headers"])
    assert json.loads(body["body"])["resourceType"] == "OperationOutcome"


def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    assert [message["type"] for message in _cancelled(_half, "/orders")] == ["http.response.start"]
