"""What the endpoints about patients tell the audit, and how they read whom it is about."""

from __future__ import annotations

import re

from starlette.responses import Response

from altid.access import entries, refusal
from altid.access.audit.event import Action, Outcome, who_of
from altid.access.refusal import Refusal
from altid.api.access import answering
from altid.api.access.asking import Asked, RefusedError

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


async def tell(
    asked: Asked,
    action: Action,
    operation: str,
    patients: tuple[str, ...] = (),
    *,
    outcome: Outcome = Outcome.DONE,
    type_: str = "",
    id_: str = "",
) -> None:
    """One event. Raises `AuditUnavailableError`."""
    who = who_of(asked.identity)
    await entries.keep(
        asked.guard, asked.origin(), action, outcome, who, operation, patients, type_=type_, id_=id_
    )


async def refuse(asked: Asked, refused: Refusal, operation: str, patient: str = "") -> Response:
    """The refusal as an answer. What the role may not is an event; what was only written wrongly is none."""
    if refused.status == 403:
        patients = (patient,) if patient else ()
        await tell(asked, Action.ADMINISTER, operation, patients, outcome=Outcome.REFUSED)
    return answering.refused(refused, asked.language)


def patient_in(text: str) -> str:
    """The id of a patient. Raises `RefusedError`."""
    if not _ID.fullmatch(text):
        raise RefusedError(refusal.INVALID_REQUEST)
    return text
