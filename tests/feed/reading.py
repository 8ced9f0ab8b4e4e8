"""A plain reader of the feed: what it was told, as a table, and the digests that follow from it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from altid.access.identity import Role
from altid.fhir.search.about import patients_in
from tests.guards import token

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WAIT_S_MAX = 60.0


@dataclass
class Reader:
    client: httpx.Client
    cursor: str = ""
    epoch: str = ""
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By "Type/id": the newest version as it was told."""

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """What the server says once it has a past to tell of."""
        end_s = time.monotonic() + WAIT_S_MAX
        while True:
            response = self.client.get(f"/feed/{path}", params=parameters)
            if response.status_code != 503 or time.monotonic() > end_s:
                return response

    def lines(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        response = self.get(path, **parameters)
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    def load(self, count: int = 500) -> None:
        """Everything that is there, from the beginning."""
        self.held, self.cursor, after = {}, "", 0
        while True:
            *told, last = self.lines("snapshot", after=after, count=count)
            self.take(told)
            self.cursor, self.epoch = self.cursor or last["cursor"], last["epoch"]
            after = last["after"]
            if last["done"]:
                return

    def follow(self, **parameters: Any) -> dict[str, Any]:
        """What came since, until there is no more; the last line."""
        while True:
            *told, last = self.lines("changes", after=self.cursor, epoch=self.epoch, **parameters)
            self.take(told)
            self.cursor = last["cursor"]
            if last["caught_up"]:
                return last

    def take(self, told: list[dict[str, Any]]) -> None:
        for one in told:
            key = f"{one['type']}/{one['id']}"
            if self.held.get(key, {"version": 0})["version"] < one["version"]:
                self.held[key] = one

    @property
    def names(self) -> set[str]:
        return {key for key, one in self.held.items() if one["body"] is not None}

    def digests(self) -> dict[int, tuple[int, str]]:
        """Computed from what it holds, by the contract's words alone."""
        groups: dict[int, tuple[int, int]] = {}
        for key, one in self.held.items():
            if one["body"] is None:
                continue
            about = sorted(patients_in(one["body"]))
            name = about[0] if about else key
            group = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") >> (256 - 10)
            at = (datetime.fromisoformat(one["at"]) - _EPOCH) // timedelta(microseconds=1)
            digest = hashlib.sha256(f"{key}/{one['version']}/{at}".encode()).digest()[:16]
            count, value = groups.get(group, (0, 0))
            groups[group] = count + 1, value ^ int.from_bytes(digest, "big")
        return {group: (count, f"{value:032x}") for group, (count, value) in groups.items()}

    def told_digests(self) -> tuple[str, dict[int, tuple[int, str]]]:
        """Those of the record, and the cursor where they hold."""
        answer = self.get("digests", after=self.cursor or "0.0").json()
        return answer["cursor"], {one["group"]: (one["count"], one["digest"]) for one in answer["groups"]}

    def is_same(self) -> bool:
        """Whether it equals the record once it has read to just there."""
        until, told = self.told_digests()
        self.follow(until=until)
        return self.digests() == told


@contextmanager
def reader_of(server: str, dsn: str, client: str, *scopes: str, role: Role = Role.SYSTEM) -> Iterator[Reader]:
    made = token(dsn, subject=client, name=client, role=role, scopes=scopes)
    headers = {"authorization": f"Bearer {made}"}
    with httpx.Client(base_url=server, timeout=30, headers=headers) as http:
        yield Reader(http)


def register(dsn: str, client: str, scope: str, organisation: str = "") -> None:
    execute(
        dsn,
        """
        INSERT INTO client (id, name, organisation, jwks, scopes, created)
        VALUES ($1, $1, $2, '{"keys": []}', ARRAY[$3], now())
        """,
        client,
        organisation,
        scope,
    )


def execute(dsn: str, statement: str, *arguments: Any) -> list[Any]:
    async def asked() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    return asyncio.run(asked())


def wait_until(condition: Any) -> None:
    end_s = time.monotonic() + WAIT_S_MAX
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.03)
