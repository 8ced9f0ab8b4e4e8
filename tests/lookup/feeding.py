"""A record that lives in memory and speaks the feed, for tests of what reads it: it can stop, and go back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from altid.fhir.search.about import patients_in
from altid.lookup.change import Change
from altid.lookup.entry.line import Answer, LineDownError
from altid.lookup.rows import microseconds, part_of

BEGAN = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)


def patient(identity: str, family: str = "Holm", **elements: Any) -> dict[str, Any]:
    name = [{"family": family, "given": ["Ida"]}]
    return {"resourceType": "Patient", "id": identity, "name": name, **elements}


def observation(
    identity: str, of: str, value: float = 4.0, at: str = "2026-11-28T06:00:00Z"
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {"text": "Kalium;P"},
        "subject": {"reference": f"Patient/{of}"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": "mmol/L"},
    }


@dataclass
class Record:
    """Current versions, and all changes in their order. A line to it: `await record("GET", path, None)`."""

    epoch: str = "1"
    page: int = 3
    batch: int = 4
    is_down: bool = False
    wards: dict[str, str] = field(default_factory=dict)
    """Patients whom a ward's copy keeps."""
    current: dict[tuple[str, str], Change] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def put(self, *resources: dict[str, Any]) -> None:
        for resource in resources:
            self._write(resource["resourceType"], resource["id"], orjson.dumps(resource))

    def delete(self, type_: str, id_: str) -> None:
        self._write(type_, id_, None)

    def lose(self, count: int, *, epoch: str) -> None:
        """A failover after which the last changes never happened."""
        kept = self.log[: max(0, len(self.log) - count)]
        self.log, self.current, self.epoch = [], {}, epoch
        for change in kept:
            self.log.append(change)
            self.current[change.type, change.id] = change

    def _write(self, type_: str, id_: str, body: bytes | None) -> None:
        known = self.current.get((type_, id_))
        at = BEGAN + timedelta(milliseconds=len(self.log))
        change = Change(type_, id_, known.version + 1 if known else 1, at, body)
        self.current[type_, id_] = change
        self.log.append(change)

    # What it answers

    async def __call__(self, method: str, path: str, body: bytes | None) -> Answer:
        if self.is_down:
            raise LineDownError
        self.asked.append(path)
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        where = parts.path.removeprefix("/feed/").split("/")
        answer = getattr(self, f"_{where[0]}")
        return answer(query, *where[1:])  # type: ignore[no-any-return]

    def _snapshot(self, query: dict[str, str]) -> Answer:
        """In the order in which resources were first written, as the record's numbers are."""
        order = list(dict.fromkeys((one.type, one.id) for one in self.log))
        after = int(query.get("after", 0))
        some = [self.current[key] for key in order[after : after + self.page]]
        last = after + len(some)
        told = {
            "after": last,
            "done": last >= len(order),
            "cursor": str(len(self.log)),
            "epoch": self.epoch,
            "total": len(order),
        }
        return _lines([one for one in some if one.body is not None], told)

    def _changes(self, query: dict[str, str]) -> Answer:
        if query["epoch"] != self.epoch:
            return Answer(409, orjson.dumps({"epoch": self.epoch}))
        after = int(query["after"])
        until = int(query.get("until", len(self.log)))
        some = self.log[after : min(after + self.batch, until)]
        cursor = after + len(some)
        caught_up = cursor >= until
        beat = {"at": (BEGAN + timedelta(milliseconds=len(self.log))).isoformat()} if caught_up else None
        told = {"cursor": str(cursor), "epoch": self.epoch, "caught_up": caught_up, "heartbeat": beat}
        return _lines(some, told)

    def _digests(self, query: dict[str, str]) -> Answer:
        groups: dict[int, list[int]] = {}
        for one in self.current.values():
            if one.body is not None:
                text = f"{one.type}/{one.id}/{one.version}/{microseconds(one.at)}"
                value = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
                groups.setdefault(group_of(one), []).append(value)
        told = [
            {"group": number, "count": len(values), "digest": xor(values).to_bytes(16, "big").hex()}
            for number, values in groups.items()
        ]
        return Answer(200, orjson.dumps({"cursor": str(len(self.log)), "epoch": self.epoch, "groups": told}))

    def _group(self, query: dict[str, str], numbers: str) -> Answer:
        wanted = {int(number) for number in numbers.split(",")}
        some = [one for one in self.current.values() if one.body and group_of(one) in wanted]
        return _lines(some, {"after": 0, "done": True})

    def _patients(self, query: dict[str, str]) -> Answer:
        return Answer(200, orjson.dumps({"patients": sorted(self.wards)}))

    def _patient(self, query: dict[str, str], identity: str) -> Answer:
        some = [
            one
            for one in self.current.values()
            if one.body and identity in patients_in(orjson.loads(one.body))
        ]
        return _lines(some, {"after": 0, "done": True})


def group_of(change: Change) -> int:
    assert change.body is not None
    about = sorted(patients_in(orjson.loads(change.body)))
    return part_of(about[0] if about else f"{change.type}/{change.id}")


def xor(values: Sequence[int]) -> int:
    total = 0
    for value in values:
        total ^= value
    return total


def _lines(changes: Sequence[Change], last: dict[str, Any]) -> Answer:
    lines = [
        orjson.dumps(
            {
                "type": one.type,
                "id": one.id,
                "version": one.version,
                "at": one.at.isoformat(),
                "body": orjson.loads(one.body) if one.body is not None else None,
            }
        )
        for one in changes
    ]
    return Answer(200, b"\n".join([*lines, orjson.dumps(last)]))
