"""Results into the record: all of a message in one transaction, once; or kept for a person, never dropped.

A message is known by its sender, its control id and its content. What can't be placed (nobody has this
number, there is no such order, it is of somebody else) is held with its bytes, and tried again whenever its
sender or a person says so.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from altid.access.audit.event import Action, Event, Outcome, Who
from altid.fhir import json
from altid.fhir.validation import validate
from altid.hl7.results import ENDED, UNFINISHED, Reported, reports
from altid.hl7.text import Hl7Error, Message, parse
from altid.hl7.values import national_numbers
from altid.orders.downstream.dispatcher import Tell
from altid.record.database import Connection, Database
from altid.record.keys import lock_key, term_key
from altid.record.stored import Stored, compose
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import MUST_BE_NEW, Write, update
from altid.record.write_key import client_id, client_key

KIND = "ORU^R01"
LIST_MAX = 1_000

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a message. `code` is empty where it is in the record; `patients` are ids."""

    code: str
    patients: tuple[str, ...] = ()
    written: tuple[tuple[str, str], ...] = ()
    """Type and id of what it has written, now or before."""


class _HeldError(Exception):
    """It has no place. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _ChangedError(Exception):
    """Somebody has changed what is about to be ended: look again."""


async def place(database: Database, source: str, data: bytes, message: Message) -> Placed:
    """Put a message's results into the record, or hold it. Raises as `run_transaction` does: then nothing is
    known to be kept, and its sender must send it again."""
    for _ in range(_CHANGES_MAX):
        try:
            done = await run_transaction(database, lambda open_: _place(open_, source, data, message))
        except _ChangedError:
            continue
        except _HeldError as error:
            await run_transaction(
                database, partial(_hold, source=source, data=data, message=message, code=error.code)
            )
            return Placed(error.code)
        return done.result
    await run_transaction(database, lambda open_: _hold(open_, source, data, message, "order-changes"))
    return Placed("order-changes")


async def try_again(database: Database, tell: Tell) -> None:
    """Place what a person wants tried again."""
    async with database.writing() as connection:
        rows = await connection.fetch(_WANTED)
    for row in rows:
        placed = await place(database, row["source"], row["message"], parse(row["message"]))
        await tell(events_of(row["source"], placed))


def events_of(source: str, placed: Placed) -> list[Event]:
    """What the audit is told: each resource that was written, or that one was held."""
    at_us, who = time.time_ns() // 1_000, Who(source, source, "system", "")
    outcome = Outcome.REFUSED if placed.code else Outcome.DONE
    event = Event(at_us, Action.UPDATE, outcome, who, placed.patients, operation="results")
    written = placed.written or (("DiagnosticReport", ""),)
    return [replace(event, type=type_, id=id_) for type_, id_ in written]


async def listed(connection: Connection) -> list[dict[str, Any]]:
    """What is held, oldest first, without its content."""
    return [dict(row) for row in await connection.fetch(_LISTED, LIST_MAX)]


async def decide(connection: Connection, number: int, state: str, by: str, reason: str) -> bool:
    """Have it tried again ("waiting") or give it up ("discarded"); whether it was held."""
    return await connection.fetchval(_DECIDE, number, state, by, reason) is not None


def digest_of(data: bytes) -> bytes:
    """Of all behind the header: that says when it was sent, which may be another time."""
    return hashlib.sha256(data.partition(b"\r")[2]).digest()


async def _place(open_: Transaction, source: str, data: bytes, message: Message) -> Placed:
    connection = open_.connection
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1)", lock_key(f"inbound {source} {message.control_id}")
    )
    known = await connection.fetch(_KNOWN, source, message.control_id)
    is_there = any(row["state"] == "applied" and row["digest"] == digest_of(data) for row in known)
    if not is_there and any(row["state"] == "applied" for row in known):
        raise _HeldError("control-id-used")
    try:
        numbers, reported = national_numbers(message), reports(message, source, client_id)
    except Hl7Error as error:
        raise _HeldError(error.code) from None
    if not all(one.order for one in reported):
        raise _HeldError("no-order-number")
    patient = await _patient(connection, numbers)
    if is_there:  # told again all the same: the audit may have missed it the first time
        return Placed("", (patient,), tuple(_made_by(reported)))
    resources = [one for each in reported for one in await _resources(connection, each, patient)]
    writes = _writes(resources)
    keys = [
        client_key(f"{source}|{message.control_id}", f"{one.type}/{one.id}", one.body or b"")
        for one in writes
    ]
    written = await open_.write(writes, keys) if writes else []
    if any(one.outcome == "conflict" for one in written):
        raise _ChangedError
    if any(one.outcome == "mismatch" for one in written):
        raise _HeldError("control-id-used")
    await connection.execute(_APPLIED, source, message.control_id, digest_of(data))
    return Placed("", (patient,), tuple((one.type, one.id) for one in writes))


def _made_by(reported: list[Reported]) -> Iterator[tuple[str, str]]:
    for each in reported:
        for one in (each.report, *each.observations):
            yield one["resourceType"], one["id"]


async def _hold(open_: Transaction, source: str, data: bytes, message: Message, code: str) -> None:
    await open_.connection.execute(_HOLD, source, message.control_id, digest_of(data), code, data)


async def _patient(connection: Connection, numbers: list[tuple[str, str]]) -> str:
    """The one who has all of these numbers that anybody has."""
    found: set[str] = set()
    for system, value in numbers:
        rows = await connection.fetch(_WITH_NUMBER, term_key(f"Patient.identifier={system}|{value}"))
        found |= {row["id"] for row in rows}
    if not found:
        raise _HeldError("unknown-patient")
    if len(found) > 1:
        raise _HeldError("several-patients")
    return found.pop()


async def _resources(
    connection: Connection, reported: Reported, patient: str
) -> list[tuple[Resource, int | None]]:
    """What is to be written, each with the version that it must have now (None: any)."""
    order = await _current(connection, "ServiceRequest", reported.order)
    if order is None:
        raise _HeldError("unknown-order")
    subject = {"reference": f"Patient/{patient}"}
    if order[0].get("subject", {}).get("reference") != subject["reference"]:
        raise _HeldError("order-of-another-patient")
    based = {"subject": subject, "basedOn": [{"reference": f"ServiceRequest/{reported.order}"}]}
    made: list[tuple[Resource, int | None]] = []
    for resource in ({**one, **based} for one in (reported.report, *reported.observations)):
        if any(issue.severity in ("error", "fatal") for issue in validate(resource)):
            raise _HeldError("not-valid")
        version, status = await _standing(connection, resource)
        if status in ("", *UNFINISHED) or resource["status"] not in UNFINISHED:
            made.append((resource, version))
    if reported.report["status"] in ENDED:
        made += await _ended(connection, order, reported.order, reported.report["id"])
    return made


async def _standing(connection: Connection, resource: Resource) -> tuple[int, str]:
    """The version and the status that it has now. What is final, corrected or taken back is not overwritten
    by a preliminary one: that was sent before, and came late."""
    type_ = resource["resourceType"]
    row = await connection.fetchrow(_LATEST, type_, resource["id"])
    if row is None:
        return MUST_BE_NEW, ""
    status = "" if row["body"] is None else _resource(type_, row).get("status", "")
    return row["version"], str(status)


async def _ended(
    connection: Connection, order: tuple[Resource, int], id_: str, report: str
) -> list[tuple[Resource, int | None]]:
    """The order and its tasks, done. An order that somebody has ended otherwise stays as it is."""
    made: list[tuple[Resource, int | None]] = []
    if order[0].get("status") in ("active", "on-hold"):
        made.append(({**order[0], "status": "completed"}, order[1]))
    rows = await connection.fetch(_TASKS, term_key(f"Task.focus=ServiceRequest/{id_}"))
    for row in rows:
        task = _resource("Task", row)
        if task.get("status") not in ("completed", "cancelled", "failed", "rejected", "entered-in-error"):
            output = {
                "type": {"text": "DiagnosticReport"},
                "valueReference": {"reference": f"DiagnosticReport/{report}"},
            }
            done = {**task, "status": "completed", "output": [*task.get("output", ()), output]}
            made.append((done, row["version"]))
    return made


def _writes(resources: list[tuple[Resource, int | None]]) -> list[Write]:
    """In the order that all lock rows in; several reports of one order end it once."""
    by_place = {(one["resourceType"], one["id"]): (one, expected) for one, expected in resources}
    return [
        update(one, expected) for _, (one, expected) in sorted(by_place.items(), key=lambda item: item[0])
    ]


async def _current(connection: Connection, type_: str, id_: str) -> tuple[Resource, int] | None:
    row = await connection.fetchrow(_CURRENT, type_, id_)
    return None if row is None else (_resource(type_, row), row["version"])


def _resource(type_: str, row: Any) -> Resource:
    found: Resource = json.loads(
        compose(Stored(type_, row["id"], row["version"], row["last_updated"], row["body"]))
    )
    return found


_CHANGES_MAX = 5
_KNOWN = "SELECT state, digest FROM inbound WHERE source = $1 AND control_id = $2"
_WITH_NUMBER = """
SELECT id FROM resource WHERE type = 'Patient' AND body IS NOT NULL AND terms @> ARRAY[$1::uuid] LIMIT 2
"""
_CURRENT = """
SELECT id, version, last_updated, body FROM resource WHERE type = $1 AND id = $2 AND body IS NOT NULL
"""
_LATEST = "SELECT id, version, last_updated, body FROM resource WHERE type = $1 AND id = $2"
_TASKS = """
SELECT id, version, last_updated, body FROM resource
 WHERE type = 'Task' AND body IS NOT NULL AND terms @> ARRAY[$1::uuid] ORDER BY id LIMIT 100
"""
_APPLIED = """
INSERT INTO inbound (source, control_id, digest, state) VALUES ($1, $2, $3, 'applied')
ON CONFLICT (source, control_id, digest) DO UPDATE
   SET state = 'applied', code = '', message = NULL, told = now()
"""
# What a person gave up stays so, and is held again only if its sender sends it again.
_HOLD = """
INSERT INTO inbound (source, control_id, digest, state, code, message) VALUES ($1, $2, $3, 'held', $4, $5)
ON CONFLICT (source, control_id, digest) DO UPDATE SET state = 'held', code = $4, message = $5, told = now()
 WHERE inbound.state <> 'applied'
"""
_WANTED = "SELECT source, message FROM inbound WHERE state = 'waiting' ORDER BY number LIMIT 50"
_LISTED = """
SELECT number, source, control_id, state, code, arrived, told FROM inbound
 WHERE state IN ('held', 'waiting') ORDER BY number LIMIT $1
"""
_DECIDE = """
UPDATE inbound SET state = $2, by = $3, reason = $4, told = now()
 WHERE number = $1 AND state = 'held' RETURNING number
"""
