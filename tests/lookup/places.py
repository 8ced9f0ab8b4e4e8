"""A little place for tests: a file as the copy's is, people, wards and patients, and a record to talk to."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlcipher3

from altid.access.passwords import Passwords
from altid.lookup.entry import relations
from altid.lookup.entry.line import Answer, LineDownError

KEY = bytes(range(32))
WARD, NEXT_DOOR, HOSPITAL, REGION = "100", "200", "10", "1"
PASSWORD = "en lang og god sætning"
PIN = "482913"
HERS, THEIRS, NEW = "hers", "theirs", "new"
"""Patients: admitted in the ward, next door, and nowhere."""


@dataclass(frozen=True)
class Version:
    type: str
    id: str
    body: bytes | None


class File:
    """As much of a copy as entry asks of one (`altid.lookup.entry.tables.Tables`)."""

    def __init__(self, path: Path, key: bytes = KEY) -> None:
        self.path, self.key = path, key
        connection = self._open()
        connection.executescript((files("altid.lookup") / "tables" / "20_entry.sql").read_text())
        connection.execute("CREATE TABLE IF NOT EXISTS meta_text (name text PRIMARY KEY, value text)")
        connection.close()

    @contextmanager
    def reading(self) -> Iterator[Any]:
        connection = self._open()
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def writing(self) -> Iterator[Any]:
        connection = self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            connection.close()

    def meta(self, name: str) -> str | None:
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta_text WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_meta(self, name: str, value: str) -> None:
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta_text VALUES (?, ?)", (name, value))

    def keep(self, *resources: dict[str, Any]) -> None:
        """As if the feed had brought these."""
        versions = [Version(one["resourceType"], one["id"], json.dumps(one).encode()) for one in resources]
        with self.writing() as connection:
            relations.keep(connection, versions)

    def _open(self) -> Any:
        connection = sqlcipher3.connect(str(self.path), isolation_level=None)
        connection.execute(f"PRAGMA key = \"x'{self.key.hex()}'\"")
        return connection


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
