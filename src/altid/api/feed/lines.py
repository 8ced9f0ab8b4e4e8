"""What is answered below /feed: NDJSON, one resource a line, the last line about the whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from altid.api.messages import Response
from altid.fhir import json
from altid.record.heartbeat import Heartbeat
from altid.record.stored import Stored, compose, instant

NDJSON, JSON = "application/x-ndjson", "application/json"
ANSWER_BYTES_MAX = 8 * 1024 * 1024
"""A little more than this ends a page, however few resources it has: documents may be large."""


def line(stored: Stored, named: str, value: str | int) -> bytes:
    """One version; its place in the order is `named`, "n" or "cursor". The body is not parsed anew."""
    head = {
        named: value,
        "type": stored.type,
        "id": stored.id,
        "version": stored.version,
        "at": instant(stored.last_updated),
    }
    body = b"null" if stored.body is None else compose(stored)
    return json.dumps(head)[:-1] + b',"body":' + body + b"}\n"


def answer(lines: Iterable[bytes], last: dict[str, Any]) -> Response:
    return Response(200, b"".join(lines) + json.dumps(last) + b"\n", type=NDJSON)


def as_json(content: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(content), type=JSON)


def beat(found: Heartbeat | None) -> dict[str, str] | None:
    if found is None:
        return None
    return {"at": exact(found), "durability": found.durability, "site": found.site}


def exact(found: Heartbeat) -> str:
    """With microseconds: it is no version's time."""
    return found.at.isoformat().replace("+00:00", "Z")
