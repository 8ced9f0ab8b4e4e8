"""*Min liste*: patients whom somebody keeps in sight for a shift, some days or a week.

Who is on call follows patients who are moved or go home meanwhile. So a patient may be put on one's list whom
one has grounds for by one's place of work, or had some days ago. For everybody else the glass is broken, with
the same reason and the same follow-up, and the entry ends with it: a list makes grounds from nothing for
nobody. Being on the list is no ground for staying there. What the patient has blocked it does not open. It is
of one role at one place of work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from altid.access import overrides, refusal
from altid.access.desk import Desk
from altid.access.door import Caller, way, writing
from altid.access.glass import OVERRIDE_S, OverrideError
from altid.access.grounds import TREATING, Reach
from altid.access.identity import Identity
from altid.access.places import here
from altid.access.refusal import Code, Refusal
from altid.access.settings import moment
from altid.fhir.search.parameters import reference_terms
from altid.record.database import Connection
from altid.record.keys import name_key, term_keys

HOURS = (12, 72, 168)
"""For how long somebody may choose: a shift on call, some days, a week. No longer at once: who still treats
the patient then has grounds, and says so anew."""
LISTED_MAX = 50
"""Of one person in a role: more than anybody follows in a shift on call."""
FORMER_DAYS = 14
"""So long after somebody went home there are results to answer and calls to make."""

NOT_FOR_ROLE = Refusal(
    Code.NOT_POSSIBLE,
    403,
    "Your role has no list of patients.",
    "Din rolle har ingen patientliste.",
)
NEEDS_REASON = Refusal(
    Code.NEEDS_REASON,
    403,
    "The patient is not and was not lately in treatment where you work, or has blocked the record. Break the "
    "glass with a kind and a reason.",
    "Patienten er ikke og har ikke for nylig været i behandling, hvor du arbejder, eller har spærret "
    "journalen. Brug værdispring med en type og en begrundelse.",
)
_NO_SUCH_SPAN = refusal.not_possible(
    "A patient is listed for 12, 72 or 168 hours.",
    "En patient kan stå på listen i 12, 72 eller 168 timer.",
)
_FULL = refusal.not_possible(
    f"Your list has {LISTED_MAX} patients: take somebody off first.",
    f"Din liste har {LISTED_MAX} patienter: tag først nogen af.",
)
_NO_PATIENT = refusal.not_possible("There is no such patient.", "Patienten findes ikke.")


@dataclass(frozen=True, slots=True)
class Reason:
    """For breaking the glass (`overrides`)."""

    kind: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Added:
    """`override`: id of the glass that was broken for it, if one was."""

    patient: str
    until: datetime
    override: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry."""

    patient: str
    added: datetime
    until: datetime


@way
async def add(
    desk: Desk,
    caller: Caller,
    identity: Identity,
    reach: Reach,
    patient: str,
    hours: int,
    reason: Reason | None = None,
) -> Added | Refusal:
    """Put a patient on one's list, or leave them there for longer.

    `reach`: a fresh one. `reason` is used only where there are no grounds without it.
    """
    if identity.role not in TREATING or not identity.is_own_session:
        return NOT_FOR_ROLE
    if hours not in HOURS:
        return _NO_SUCH_SPAN
    now = moment(desk.clock())
    try:
        async with writing(desk, caller) as connection, connection.transaction():
            return await _add(connection, identity, reach, patient, now, timedelta(hours=hours), reason)
    except OverrideError as error:
        return refusal.not_possible(error.text_en, error.text_da)


@way
async def remove(desk: Desk, caller: Caller, identity: Identity, patient: str) -> bool | Refusal:
    """Whether the patient was on one's list."""
    async with writing(desk, caller) as connection:
        whose = identity.subject, identity.role, identity.organisation
        return await connection.fetchval(_REMOVE, *whose, patient) is not None


@way
async def listed(desk: Desk, caller: Caller, identity: Identity) -> list[Listed] | Refusal:
    """One's list, those first who leave it first."""
    async with desk.database.reading() as connection:
        whose = identity.subject, identity.role, identity.organisation
        rows = await connection.fetch(_LISTED, *whose, moment(desk.clock()), LISTED_MAX)
    return [Listed(*row) for row in rows]


async def _add(
    connection: Any,
    identity: Identity,
    reach: Reach,
    patient: str,
    now: datetime,
    span: timedelta,
    reason: Reason | None,
) -> Added | Refusal:
    if not await connection.fetchval(_IS_PATIENT, patient):
        return _NO_PATIENT
    whose = identity.subject, identity.role, identity.organisation
    if await connection.fetchval(_COUNT, *whose, patient, now) >= LISTED_MAX:
        return _FULL
    until, override = now + span, None
    if not await _is_or_was_here(connection, identity, reach, patient, now):
        opened = await connection.fetchval(_OPENED, *whose, patient, now)
        if opened is None:
            if reason is None:
                return NEEDS_REASON
            override = await overrides.break_glass(
                connection, identity, patient, reason.kind, reason.text, now
            )
            opened = now + timedelta(seconds=OVERRIDE_S)
        until = min(until, opened)
    kept = await connection.fetchval(_ADD, *whose, patient, now, until)
    return Added(patient, kept, override)


async def _is_or_was_here(
    connection: Connection, identity: Identity, reach: Reach, patient: str, now: datetime
) -> bool:
    if patient in reach.own.blocked:
        return False
    if patient in reach.place.patients:
        return True
    of_place = await here(connection, identity.organisation)
    was_here = (f"Encounter.{code}={each}" for code in ("service-provider", "location") for each in of_place)
    return bool(
        await connection.fetchval(
            _WAS_HERE,
            term_keys(reference_terms("Encounter", "patient", "Patient", patient)),
            term_keys(was_here),
            term_keys(["Encounter.status=finished"]),
            name_key("Encounter.date"),
            now - timedelta(days=FORMER_DAYS),
        )
    )


_IS_PATIENT = "SELECT EXISTS (SELECT FROM resource WHERE type = 'Patient' AND id = $1 AND body IS NOT NULL)"
_WAS_HERE = """
SELECT EXISTS (
    SELECT FROM resource r JOIN index_date d ON d.rid = r.rid AND d.key = $4
     WHERE r.terms && $1::uuid[] AND r.terms && $2::uuid[] AND r.terms && $3::uuid[]
       AND r.body IS NOT NULL AND d.high >= $5)
"""
_OPENED = """
SELECT max(until) FROM override
 WHERE account = $1 AND coalesce(role, $2) = $2 AND organisation = $3 AND patient = $4 AND until > $5
"""
_COUNT = """
SELECT count(*) FROM personal_list
 WHERE account = $1 AND role = $2 AND organisation = $3 AND patient <> $4 AND until > $5
"""
_ADD = """
INSERT INTO personal_list AS l (account, role, organisation, patient, added, until)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account, role, organisation, patient)
DO UPDATE SET added = excluded.added, until = greatest(l.until, excluded.until)
RETURNING until
"""
_REMOVE = """
DELETE FROM personal_list
 WHERE account = $1 AND role = $2 AND organisation = $3 AND patient = $4
RETURNING 1
"""
_LISTED = """
SELECT patient, added, until FROM personal_list
 WHERE account = $1 AND role = $2 AND organisation = $3 AND until > $4
 ORDER BY until, patient LIMIT $5
"""
