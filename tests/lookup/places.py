"""A little place for tests: a copy with wards and patients, people, and a record to talk to."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from altid.access.passwords import Passwords
from altid.lookup.change import Change, Position
from altid.lookup.copy import Copy
from altid.lookup.entry.line import Answer, LineDownError

KEY = bytes(range(32))
WARD, NEXT_DOOR, HOSPITAL, REGION = "100", "200", "10", "1"
PASSWORD = "en lang og god sætning"
PIN = "482913"
HERS, THEIRS, NEW = "hers", "theirs", "new"
"""Patients: admitted in the ward, next door, and nowhere."""


def new_copy(path: Path) -> Copy:
    """With the region's places and patients."""
    copy = Copy.create(path, KEY)
    keep(copy, *region())
    return copy


_versions = itertools.count(1)


def keep(copy: Copy, *resources: dict[str, Any]) -> None:
    """As if the feed had brought these."""
    now = datetime.now(UTC)
    changes = [
        Change(one["resourceType"], one["id"], next(_versions), now, json.dumps(one).encode())
        for one in resources
    ]
    copy.apply(changes, Position("record", "1", str(next(_versions))))


def leave(copy: Copy, type_: str, id_: str) -> None:
    """As if the feed had said that this was deleted."""
    gone = Change(type_, id_, next(_versions), datetime.now(UTC), None)
    copy.apply([gone], Position("record", "1", str(next(_versions))))


def region() -> list[dict[str, Any]]:
    """Two wards of one hospital, and who lies there."""
    return [
        organisation("region", REGION, None, "Regionen"),
        organisation("hospital", HOSPITAL, "region", "Hospitalet"),
        organisation("ward", WARD, "hospital", "Afsnit A"),
        organisation("next", NEXT_DOOR, "hospital", "Afsnit B"),
        {
            "resourceType": "Location",
            "id": "bed",
            "managingOrganization": {"reference": "Organization/ward"},
        },
        admission("one", HERS, location="bed"),
        admission("two", THEIRS, organisation="next"),
    ]


def organisation(id_: str, number: str, part_of: str | None, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Organization",
        "id": id_,
        "name": name,
        "identifier": [{"system": "urn:oid:1.2.208.176.1.1", "value": number}],
    }
    if part_of is not None:
        made["partOf"] = {"reference": f"Organization/{part_of}"}
    return made


def admission(
    id_: str, patient: str, *, organisation: str = "", location: str = "", status: str = "in-progress"
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": id_,
        "status": status,
        "class": {"code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    if organisation:
        made["serviceProvider"] = {"reference": f"Organization/{organisation}"}
    if location:
        made["location"] = [{"location": {"reference": f"Location/{location}"}}]
    return made


def hashed(*secrets: str) -> list[str]:
    """argon2id hashes, as the record has them."""

    async def make() -> list[str]:
        passwords = Passwords(1, random.Random(4))
        try:
            return [await passwords.hash(secret) for secret in secrets]
        finally:
            passwords.close()

    return asyncio.run(make())


_PASSWORD_HASH, _PIN_HASH = hashed(PASSWORD, PIN)


def account(username: str = "nina", **changed: Any) -> dict[str, Any]:
    return {
        "id": f"id-of-{username}",
        "username": username,
        "name": "Nina Nør",
        "roles": ["nurse"],
        "organisations": [WARD],
        "practitioner": None,
        "password": _PASSWORD_HASH,
        "disabled": False,
        **changed,
    }


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def told(**changed: Any) -> dict[str, Any]:
    """What the record says at `/feed/entry`."""
    reentry = {
        "account": "id-of-nina",
        "workplace": "pc",
        "role": "nurse",
        "organisation": WARD,
        "pin": _PIN_HASH,
        "expires": in_hours(8),
    }
    return {
        "at": in_hours(0),
        "revoked": False,
        "accounts": [account()],
        "blocks": [],
        "lists": [],
        "overrides": [],
        "reentries": [reentry],
        **changed,
    }


@dataclass
class Record:
    """The other end of the line: keeps looks in order, tells who may come in."""

    entry: dict[str, Any] = field(default_factory=told)
    looks: list[dict[str, Any]] = field(default_factory=list)
    is_away: bool = False
    status: int = 200
    loses_answers: bool = False
    """Keeps what it was sent, and its answer does not arrive."""

    async def __call__(self, method: str, path: str, body: bytes | None) -> Answer:
        if self.is_away:
            raise LineDownError
        if self.status != 200:
            return Answer(self.status, b"{}")
        if (method, path) == ("GET", "/feed/entry"):
            return Answer(200, json.dumps(self.entry).encode())
        assert (method, path) == ("POST", "/feed/looks")
        self._take(json.loads(body or b""))
        if self.loses_answers:
            self.loses_answers = False
            raise LineDownError
        return Answer(200, json.dumps({"last": len(self.looks)}).encode())

    def _take(self, sent: dict[str, Any]) -> None:
        for look in sent["looks"]:
            if look["sequence"] <= len(self.looks):
                continue
            assert look["sequence"] == len(self.looks) + 1
            before = self.looks[-1]["hash"] if self.looks else "00" * 32
            assert look["before"] == before
            self.looks.append(look)

    @property
    def actions(self) -> list[str]:
        return [look["event"]["action"] for look in self.looks]
