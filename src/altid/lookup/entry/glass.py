"""*Værdispring* at this place: by the record's rules, kept among the looks first, followed up at the
record."""

from __future__ import annotations

import asyncio
import random
import time
import uuid

from altid.access.audit.event import Action, Outcome, who_of
from altid.access.glass import BREAK, OVERRIDE_S, OverrideError, checked_reason
from altid.lookup.entry.events import Origin
from altid.lookup.entry.looks import Looks
from altid.lookup.entry.person import Person
from altid.lookup.entry.tables import Tables


def may_break(person: Person) -> bool:
    """Whoever came in by a ward's code is nobody whom it could be asked of afterwards."""
    return person.identity.role in BREAK and not person.is_by_code


async def break_glass(
    tables: Tables,
    looks: Looks,
    origin: Origin,
    person: Person,
    patient: str,
    kind: str,
    reason: str,
    rng: random.Random,
) -> None:
    """Grounds for one patient from now on, for a shift. Raises `OverrideError`, `AuditUnavailableError`."""
    who = who_of(person.identity)
    try:
        if not may_break(person):
            raise OverrideError("You can't break the glass here.", "Du kan ikke bruge værdispring her.")
        kept = checked_reason(kind, reason)
    except OverrideError:
        outcome = Outcome.REFUSED
        await looks.record(
            origin.event(who, Action.OVERRIDE, "override", (patient,), outcome=outcome, type="Override")
        )
        raise
    made, until_s = str(uuid.UUID(bytes=rng.randbytes(16), version=4)), time.time() + OVERRIDE_S
    event = origin.event(
        who, Action.OVERRIDE, "override", (patient,), type="Override", id=made, override=made
    )
    await looks.record(event, {"kind": kind, "reason": kept, "until": f"{until_s:.0f}"})
    await asyncio.to_thread(_keep, tables, made, person, patient, until_s)


def _keep(tables: Tables, made: str, person: Person, patient: str, until_s: float) -> None:
    identity = person.identity
    row = (made, identity.subject, identity.role, identity.organisation, patient, until_s)
    with tables.writing() as connection:
        connection.execute("INSERT INTO broken_glass VALUES (?, ?, ?, ?, ?, ?, 1)", row)
