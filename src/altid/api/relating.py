"""Whoever admits or books somebody makes the grounds themselves: it is kept, and somebody else follows it up.

Nobody who admits a stranger at night may be kept waiting for a permission; nobody may open a record by a
made-up admission unseen, either. So it goes through, and stands among the broken glass with what made it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from altid.access import overrides
from altid.access.audit.event import Action
from altid.access.permit import Note
from altid.access.policy import VISIT_OPENS
from altid.api.messages import Request
from altid.fhir.search.about import patients_about
from altid.record.database import Connection
from altid.record.write import Write


def may_relate(request: Request, letter: str, type_: str) -> bool:
    """Whether a write may make grounds that there are none of before."""
    is_free = letter == "c" and type_ in VISIT_OPENS and not request.permit.is_bound(letter, type_)
    return is_free and not request.permit.is_for_everyone


async def related(request: Request, letter: str, prepared: Write) -> frozenset[str]:
    """The patients whom the writer has no grounds for, and may have by this write."""
    if not may_relate(request, letter, prepared.type):
        return frozenset()
    named = patients_about(prepared.type, prepared.id, prepared.refs)
    return frozenset([patient for patient in named if not await request.permit.has_grounds([patient])])


async def keep(connection: Connection, request: Request, prepared: Write, patients: Iterable[str]) -> None:
    """Keep the relation to each of them, in the transaction that makes it."""
    made, now = f"{prepared.type}/{prepared.id}", datetime.now(UTC)
    for patient in sorted(patients):
        kept = await overrides.keep_relation(connection, request.permit.identity, patient, made, now)
        request.permit.note(
            Note(Action.OVERRIDE, "Override", kept, patients=(patient,), operation="relation")
        )
