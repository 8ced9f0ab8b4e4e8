"""*Værdispring*: breaking the glass before a patient, for a while and with a reason; and following it up.

Every broken glass is looked at afterwards by somebody else. What it opens ends by itself.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from altid.access.glass import BREAK, OVERRIDE_S, OverrideError, checked_reason
from altid.access.identity import Identity, Role
from altid.record.database import Connection

FINDINGS = ("justified", "unjustified")
FOLLOW_UP = frozenset({Role.AUDITOR})
"""Who judges it: nobody who treats, so nobody who breaks glass in the same role."""
REMARK_CHARACTERS_MAX = 1_000
OPEN_MAX = 200
"""Shown at once; the oldest come first, so none is forgotten."""


@dataclass(frozen=True, slots=True)
class Override:
    """A broken glass that nobody has followed up yet."""

    id: str
    account: str
    name: str
    """Of the person; the account's id where there is no such account any more."""
    patient: str
    organisation: str
    kind: str
    reason: str
    began: datetime
    until: datetime


async def break_glass(
    connection: Connection, identity: Identity, patient: str, kind: str, reason: str, now: datetime
) -> str:
    """Grounds for one patient from now on, in this role and at this place; gives the id. Raises
    `OverrideError`."""
    if identity.role not in BREAK or not identity.is_own_session:
        raise OverrideError("Your role can't break the glass.", "Din rolle kan ikke bruge værdispring.")
    kept = checked_reason(kind, reason)
    if not await connection.fetchval(_IS_PATIENT, patient):
        raise OverrideError("There is no such patient.", "Patienten findes ikke.")
    made = str(uuid.uuid4())
    until = now + timedelta(seconds=OVERRIDE_S)
    await connection.execute(
        _ADD,
        made,
        identity.subject,
        identity.role,
        identity.organisation,
        patient,
        kind,
        kept,
        now,
        until,
    )
    return made


async def keep_relation(
    connection: Connection, identity: Identity, patient: str, made: str, now: datetime
) -> str:
    """Somebody without other grounds has made the relation to a patient themselves, by `made`, "Encounter/1":
    kept to be followed up, once however often it is said; gives the id. It opens nothing by itself."""
    kept = str(uuid.uuid5(_RELATION, f"{made} {patient}"))
    reason = f"Oprettede {made} uden anden behandlingsrelation til patienten."
    await connection.execute(
        f"{_ADD} ON CONFLICT DO NOTHING",
        kept,
        identity.subject,
        identity.role,
        identity.organisation,
        patient,
        "incomplete-relation",
        reason,
        now,
        now,
    )
    return kept


async def still_open(connection: Connection, *, limit: int = OPEN_MAX) -> list[Override]:
    """Those that nobody has followed up, the oldest first."""
    return [Override(*row) for row in await connection.fetch(_OPEN, min(limit, OPEN_MAX))]


async def follow_up(
    connection: Connection, identity: Identity, override: str, finding: str, remark: str, now: datetime
) -> None:
    """Somebody else's judgement, once; another account of the same person is not somebody else. Raises
    `OverrideError`."""
    if identity.role not in FOLLOW_UP or not identity.is_own_session:
        raise OverrideError("Your role follows nothing up.", "Din rolle følger ikke op på værdispring.")
    kept = " ".join(remark.split())
    if finding not in FINDINGS or len(kept) > REMARK_CHARACTERS_MAX or not kept.isprintable():
        raise OverrideError(
            f"Choose a finding; a remark has at most {REMARK_CHARACTERS_MAX} characters.",
            f"Vælg en vurdering; en bemærkning har højst {REMARK_CHARACTERS_MAX} tegn.",
        )
    if finding == "unjustified" and not kept:
        raise OverrideError(
            "Say in the remark why it was not justified.",
            "Skriv i bemærkningen, hvorfor det ikke var berettiget.",
        )
    try:
        named = str(uuid.UUID(override))
    except ValueError:
        raise _not_open() from None
    if await connection.fetchval(_FOLLOW_UP, named, identity.subject, now, finding, kept) is None:
        raise _not_open()


def _not_open() -> OverrideError:
    return OverrideError(
        "It was followed up already, or it is your own.",
        "Det er allerede fulgt op, eller det er dit eget.",
    )


_RELATION = uuid.UUID("6f2c1c5e-0b7e-4d0b-9a34-4f6a8d1c7b52")
"""Of the ids of relations (RFC 9562 §5.5), so that a write that is tried again keeps one."""
_IS_PATIENT = "SELECT EXISTS (SELECT FROM resource WHERE type = 'Patient' AND id = $1 AND body IS NOT NULL)"
_ADD = """
INSERT INTO override (id, account, role, organisation, patient, kind, reason, began, until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_OPEN = """
SELECT o.id::text, o.account, coalesce(a.name, o.account), o.patient, o.organisation, o.kind, o.reason,
       o.began, o.until
  FROM override o LEFT JOIN account a ON a.id::text = o.account
 WHERE o.finding IS NULL
 ORDER BY o.began, o.id
 LIMIT $1
"""
_FOLLOW_UP = """
UPDATE override
   SET followed_up_by = $2, followed_up_at = $3, finding = $4, remark = nullif($5, '')
 WHERE id = $1 AND finding IS NULL AND account <> $2 AND NOT EXISTS (
       SELECT FROM account mine JOIN account theirs USING (practitioner)
        WHERE mine.id::text = $2 AND theirs.id::text = override.account)
RETURNING 1
"""
