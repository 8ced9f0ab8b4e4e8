"""*MinSpærring*: what patients have blocked, set and lifted on their behalf (sundhedsloven § 42 a, 42 b).

A block is of all of the record or of what is from a period, for everybody, one person, or one place with what
lies beneath. Somebody of the staff sets it when the patient asks, and notes how that was. None is ever
deleted: one that was lifted says when, by whom, and how the patient asked for that. Whom a block names can't
lift it. What blocks do is in `grounds`; only broken glass goes beyond them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from altid.access import accounts, refusal
from altid.access.accounts import Account
from altid.access.desk import Desk
from altid.access.door import Caller, way, writing
from altid.access.grounds import SOR, sor_term
from altid.access.identity import Identity, Role
from altid.access.refusal import Code, Refusal
from altid.access.settings import moment
from altid.fhir import json
from altid.fhir.search import query
from altid.fhir.search.hidden import Period
from altid.record.database import Connection
from altid.record.keys import term_keys
from altid.record.search import search
from altid.record.stored import compose
from altid.record.visibility import EVERYTHING

SETS = frozenset({Role.DOCTOR, Role.NURSE, Role.SECRETARY})
"""Who does it for patients. No grounds are needed: who has blocked everybody gives nobody any, and may ask
anybody of the staff; nothing of the record is shown by it."""
NOTE_CHARACTERS_MIN, NOTE_CHARACTERS_MAX = 5, 500
OPEN = Period(datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
"""What stands for an end that a period does not have."""
SHOWN_MAX = 200
"""Blocks of one patient, lifted ones too."""
_NAMED_CHARACTERS_MAX = 200

NOT_FOR_ROLE = Refusal(
    Code.NOT_POSSIBLE,
    403,
    "Doctors, nurses and secretaries set and lift blocks for patients; your role does not.",
    "Læger, sygeplejersker og lægesekretærer sætter og ophæver spærringer for patienter; din rolle gør ikke.",
)
_NOTE = refusal.not_possible(
    f"Note how the patient asked for it, in {NOTE_CHARACTERS_MIN} to {NOTE_CHARACTERS_MAX} characters.",
    f"Notér, hvordan patienten bad om det, med {NOTE_CHARACTERS_MIN} til {NOTE_CHARACTERS_MAX} tegn.",
)
_NOBODY = refusal.not_possible(
    "Nobody known has that name: give the person's user name, or the whole name as it is shown here.",
    "Ingen kendt har det navn: skriv personens brugernavn eller hele navnet, som det vises her.",
)
_SEVERAL = refusal.not_possible(
    "Several people have that name: give the user name.",
    "Flere har det navn: skriv brugernavnet.",
)
_NOWHERE = refusal.not_possible(
    "No known place has that name or number: give its SOR number, or its whole name.",
    "Intet kendt sted har det navn eller nummer: skriv SOR-nummeret eller hele navnet.",
)
_SEVERAL_PLACES = refusal.not_possible(
    "Several places have that name: give the SOR number.",
    "Flere steder har det navn: skriv SOR-nummeret.",
)
_PERIOD = refusal.not_possible(
    "A period ends after it begins.",
    "En periode slutter, efter at den begynder.",
)
_ONE = refusal.not_possible(
    "A block is against one person or one place, not both: set two.",
    "En spærring er mod én person eller ét sted, ikke begge: sæt to.",
)
_NO_PATIENT = refusal.not_possible("There is no such patient.", "Patienten findes ikke.")
_NOT_OPEN = refusal.not_possible(
    "There is no such block any more: it was lifted already.",
    "Spærringen er der ikke længere: den er allerede ophævet.",
)
_ONES_OWN = Refusal(
    Code.NOT_POSSIBLE,
    403,
    "The block is against you: somebody else lifts it when the patient asks.",
    "Spærringen er mod dig: en anden ophæver den, når patienten beder om det.",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A block as it is asked for. Without `person` and `place` it is against everybody."""

    patient: str
    asked: str = field(repr=False)
    """How the patient asked for it."""
    person: str | None = None
    """A user name, or a whole name that only one has."""
    place: str | None = None
    """A SOR number, or a whole name that only one place has."""
    period: Period | None = None
    """What is blocked; None for all of the record."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block. What is not known of one from earlier is None."""

    id: str
    patient: str
    account: str | None
    """None for anybody."""
    person: str | None
    """The account's name."""
    organisation: str | None
    """A SOR number; None for any place."""
    period: Period | None
    since: datetime
    until: datetime | None
    set_by: str | None
    """A name."""
    asked: str | None = field(repr=False)
    lifted_by: str | None
    lifted_at: datetime | None
    lift_asked: str | None = field(repr=False)

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or self.until > now)


def period_of(low: datetime | None, high: datetime | None) -> Period | None:
    """A period that may be open at an end; None where it is at both: then all of the record is meant."""
    if low is None and high is None:
        return None
    return Period(low or OPEN.low, high or OPEN.high)


@way
async def put(desk: Desk, caller: Caller, identity: Identity, wanted: Wanted) -> str | Refusal:
    """Set a block; gives its id. It holds within seconds."""
    if not _may(identity):
        return NOT_FOR_ROLE
    note = _note(wanted.asked)
    if note is None:
        return _NOTE
    if wanted.person and wanted.place:
        return _ONE
    if wanted.period is not None and wanted.period.low >= wanted.period.high:
        return _PERIOD
    async with writing(desk, caller) as connection:
        if not await connection.fetchval(_IS_PATIENT, wanted.patient):
            return _NO_PATIENT
        person = await _person(connection, wanted.person) if wanted.person else None
        if isinstance(person, Refusal):
            return person
        place = await _place(connection, wanted.place) if wanted.place else None
        if isinstance(place, Refusal):
            return place
        low, high = wanted.period or (None, None)
        made = str(uuid.UUID(bytes=desk.rng.randbytes(16), version=4))
        against = person.id if person else None
        now = moment(desk.clock())
        await connection.execute(
            _SET, made, wanted.patient, against, place, low, high, now, identity.subject, note
        )
    return made


@way
async def lift(desk: Desk, caller: Caller, identity: Identity, block: str, asked: str) -> Block | Refusal:
    """End a block, as the patient asks; gives what it was. `asked`: how the patient asked for that."""
    if not _may(identity):
        return NOT_FOR_ROLE
    note = _note(asked)
    if note is None:
        return _NOTE
    try:
        named = str(uuid.UUID(block))
    except ValueError:
        return _NOT_OPEN
    now = moment(desk.clock())
    async with writing(desk, caller) as connection, connection.transaction():
        row = await connection.fetchrow(_FIND, named)
        if row is None or not _block(row).holds(now):
            return _NOT_OPEN
        if row["account"] == identity.subject:
            return _ONES_OWN
        if await connection.fetchval(_LIFT, named, now, identity.subject, note) is None:
            return _NOT_OPEN
        return _block(row)


@way
async def of_patient(desk: Desk, caller: Caller, identity: Identity, patient: str) -> list[Block] | Refusal:
    """All blocks of a patient, the newest first."""
    if not _may(identity):
        return NOT_FOR_ROLE
    async with desk.database.reading() as connection:
        return [_block(row) for row in await connection.fetch(_OF_PATIENT, patient, SHOWN_MAX)]


def _may(identity: Identity) -> bool:
    return identity.role in SETS and identity.is_own_session


def _note(text: str) -> str | None:
    kept = " ".join(text.split())
    is_good = NOTE_CHARACTERS_MIN <= len(kept) <= NOTE_CHARACTERS_MAX and kept.isprintable()
    return kept if is_good else None


async def _person(connection: Connection, named: str) -> Account | Refusal:
    account = await accounts.find(connection, named)
    if account is not None:
        return account
    found = await accounts.of_name(connection, named[:_NAMED_CHARACTERS_MAX])
    if len(found) == 1:
        return found[0]
    return _SEVERAL if found else _NOBODY


async def _place(connection: Connection, named: str) -> str | Refusal:
    """Its SOR number."""
    named = " ".join(named.split())
    if not named or len(named) > _NAMED_CHARACTERS_MAX:
        return _NOWHERE
    if named.isascii() and named.isdigit():
        known = await connection.fetchval(_IS_PLACE, term_keys([sor_term(named)]))
        return named if known else _NOWHERE
    asked = query.parse("Organization", (("name:exact", named.replace(",", "\\,")),))
    page = await search(connection, asked, EVERYTHING, count=2)
    numbers = [_number(json.loads(compose(found.stored))) for found in page.found]
    if len(numbers) > 1:
        return _SEVERAL_PLACES
    return next(filter(None, numbers), _NOWHERE)


def _number(organisation: Any) -> str | None:
    values = (each.get("value") for each in organisation.get("identifier", ()) if each.get("system") == SOR)
    return next((value for value in values if isinstance(value, str)), None)


def _block(row: Any) -> Block:
    low, high = row["data_low"], row["data_high"]
    return Block(
        id=row["id"],
        patient=row["patient"],
        account=row["account"],
        person=row["person"],
        organisation=row["organisation"],
        period=None if low is None else Period(low, high),
        since=row["since"],
        until=row["until"],
        set_by=row["setter"],
        asked=row["asked"],
        lifted_by=row["lifter"],
        lifted_at=row["lifted_at"],
        lift_asked=row["lift_asked"],
    )


_IS_PATIENT = "SELECT EXISTS (SELECT FROM resource WHERE type = 'Patient' AND id = $1 AND body IS NOT NULL)"
_IS_PLACE = """
SELECT EXISTS (
    SELECT FROM resource WHERE type = 'Organization' AND body IS NOT NULL AND terms @> $1::uuid[])
"""
_SET = """
INSERT INTO patient_block (id, patient, account, organisation, data_low, data_high, since, set_by, asked)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_BLOCK = """
SELECT b.id::text, b.patient, b.account, coalesce(p.name, b.account) AS person, b.organisation, b.data_low,
       b.data_high, b.since, b.until, coalesce(s.name, b.set_by) AS setter, b.asked,
       coalesce(l.name, b.lifted_by) AS lifter, b.lifted_at, b.lift_asked
  FROM patient_block b
  LEFT JOIN account p ON p.id::text = b.account
  LEFT JOIN account s ON s.id::text = b.set_by
  LEFT JOIN account l ON l.id::text = b.lifted_by
"""
_FIND = f"{_BLOCK} WHERE b.id = $1"
_OF_PATIENT = f"{_BLOCK} WHERE b.patient = $1 ORDER BY b.since DESC, b.id LIMIT $2"
_LIFT = """
UPDATE patient_block SET until = $2, lifted_at = $2, lifted_by = $3, lift_asked = $4
 WHERE id = $1 AND lifted_at IS NULL AND (until IS NULL OR until > $2)
RETURNING 1
"""
