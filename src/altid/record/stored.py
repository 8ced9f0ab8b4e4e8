"""A stored version and the bytes that it is sent as.

The row holds type, id, version and time as columns and the rest of the JSON as `body`, which begins behind
`meta.lastUpdated`. `compose` and `split` are each other's inverse, but for the order of the first members.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from altid.fhir import json

_SERVER_META = ("versionId", "lastUpdated")
_HEAD = ("resourceType", "id", "meta")


class Stored(NamedTuple):
    """One version. `body` is None when this version is a deletion."""

    type: str
    id: str
    version: int
    last_updated: datetime
    body: bytes | None

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


class Found(NamedTuple):
    """A version that is current, with its literal references ("code=Type/id")."""

    stored: Stored
    refs: list[str]


def split(resource: dict[str, Any]) -> bytes:
    """The part of a resource that is stored as its body."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _SERVER_META}
    rest = {name: value for name, value in resource.items() if name not in _HEAD}
    return _members(meta) + _members(rest)


def compose(stored: Stored) -> bytes:
    """The whole JSON of a version. A deletion has none: `ValueError`."""
    if stored.body is None:
        raise ValueError("a deleted version has no content")
    head = (
        f'{{"resourceType":"{stored.type}","id":"{stored.id}",'
        f'"meta":{{"versionId":"{stored.version}","lastUpdated":"{instant(stored.last_updated)}"'
    )
    return head.encode() + stored.body


@lru_cache(maxsize=1_024)
def instant(moment: datetime) -> str:
    """FHIR `instant` in UTC with milliseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _members(members: dict[str, Any]) -> bytes:
    """The members with a comma before and the closing brace behind."""
    return b"," + json.dumps(members)[1:] if members else b"}"
