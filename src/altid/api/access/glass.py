"""*Værdispring*: breaking the glass before a patient, and following up what others did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from altid.access import overrides, refusal
from altid.access.audit.event import Action, Outcome
from altid.access.desk import Desk
from altid.access.door import Caller, way, writing
from altid.access.glass import OVERRIDE_S, OverrideError
from altid.access.identity import Identity
from altid.access.overrides import FOLLOW_UP, Override
from altid.access.refusal import Code, Refusal
from altid.access.settings import moment
from altid.api.access import answering
from altid.api.access.asking import Asked
from altid.api.access.telling import patient_in, refuse, tell


async def break_(asked: Asked) -> Response:
    """`patient`, `kind` and `reason`."""
    identity, patient = asked.identity, patient_in(asked.text("patient"))
    made = await _broken(
        asked.desk, asked.caller, identity, patient, asked.text("kind"), asked.text("reason").strip()
    )
    if isinstance(made, Refusal):
        return await _told(asked, made, Action.OVERRIDE, "override", patient)
    asked.guard.reaches.forget(identity)
    await tell(asked, Action.OVERRIDE, "override", (patient,), type_="Override", id_=made)
    until = moment(asked.desk.clock()) + timedelta(seconds=OVERRIDE_S)
    return answering.as_json({"override": made, "patient": patient, "until": until}, 201)


async def waiting(asked: Asked) -> Response:
    """Broken glass that nobody has followed up yet."""
    if not _follows_up(asked):
        return await refuse(asked, refusal.NOT_FOR_ROLE, "follow-up")
    found = await _still_open(asked.desk, asked.caller)
    if isinstance(found, Refusal):
        return answering.refused(found, asked.language)
    patients = tuple(dict.fromkeys(each.patient for each in found))
    await tell(asked, Action.SEARCH, "follow-up", patients, type_="Override")
    return answering.as_json({"overrides": [_override(each) for each in found]})


async def follow_up(asked: Asked) -> Response:
    """`override` (its id), `finding` and a `remark`, which must be there where it was not justified."""
    if not _follows_up(asked):
        return await refuse(asked, refusal.NOT_FOR_ROLE, "follow-up")
    override, finding = asked.text("override"), asked.text("finding")
    remark = (asked.optional("remark") or "").strip()
    refused = await _followed_up(asked.desk, asked.caller, asked.identity, override, finding, remark)
    if refused is not None:
        return await _told(asked, refused, Action.FOLLOW_UP, "follow-up")
    await tell(asked, Action.FOLLOW_UP, "follow-up", type_="Override", id_=override)
    return answering.nothing_more()


@way
async def _broken(
    desk: Desk, caller: Caller, identity: Identity, patient: str, kind: str, reason: str
) -> str | Refusal:
    try:
        async with writing(desk, caller) as connection:
            now = moment(desk.clock())
            return await overrides.break_glass(connection, identity, patient, kind, reason, now)
    except OverrideError as error:
        return refusal.not_possible(error.text_en, error.text_da)


@way
async def _still_open(desk: Desk, caller: Caller) -> list[Override] | Refusal:
    async with desk.database.reading() as connection:
        return await overrides.still_open(connection)


@way
async def _followed_up(
    desk: Desk, caller: Caller, identity: Identity, override: str, finding: str, remark: str
) -> Refusal | None:
    try:
        async with writing(desk, caller) as connection:
            now = moment(desk.clock())
            await overrides.follow_up(connection, identity, override, finding, remark, now)
    except OverrideError as error:
        return refusal.not_possible(error.text_en, error.text_da)
    return None


async def _told(
    asked: Asked, refused: Refusal, action: Action, operation: str, patient: str = ""
) -> Response:
    """What was tried and refused is an event; that the database is away is none."""
    if refused.code is Code.NOT_POSSIBLE:
        patients = (patient,) if patient else ()
        await tell(asked, action, operation, patients, type_="Override", outcome=Outcome.REFUSED)
    return answering.refused(refused, asked.language)


def _follows_up(asked: Asked) -> bool:
    return asked.identity.is_own_session and asked.identity.role in FOLLOW_UP


def _override(one: Override) -> dict[str, Any]:
    return {
        "override": one.id,
        "subject": one.account,
        "name": one.name,
        "patient": one.patient,
        "organisation": one.organisation,
        "kind": one.kind,
        "reason": one.reason,
        "began": one.began,
        "until": one.until,
    }
