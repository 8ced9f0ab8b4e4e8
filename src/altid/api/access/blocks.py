"""What patients have blocked: shown, set and lifted on their behalf."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from altid.access import blocks, refusal
from altid.access.audit.event import Action
from altid.access.blocks import Block, Wanted
from altid.access.refusal import Refusal
from altid.access.settings import moment
from altid.api.access import answering
from altid.api.access.asking import Asked, RefusedError, single
from altid.api.access.consents import as_bundle
from altid.api.access.telling import patient_in, refuse, tell


async def show(asked: Asked) -> Response:
    """`?patient=`: what the patient has blocked, and had."""
    patient, found = await _blocks(asked)
    if isinstance(found, Refusal):
        return await refuse(asked, found, "blocks", patient)
    now = moment(asked.desk.clock())
    return answering.as_json({"patient": patient, "blocks": [_block(each, now) for each in found]})


async def show_as_consents(asked: Asked) -> Response:
    """`?patient=`: the same as FHIR."""
    patient, found = await _blocks(asked)
    if isinstance(found, Refusal):
        return await refuse(asked, found, "blocks", patient)
    return answering.as_json(as_bundle(found, moment(asked.desk.clock())))


async def put(asked: Asked) -> Response:
    """`patient` and `asked` (how the patient asked for it); `person` or `place`, or neither for everybody;
    `from` and `to` (RFC 3339), one or both, or neither for all of the record."""
    patient = patient_in(asked.text("patient"))
    wanted = Wanted(
        patient,
        asked.text("asked"),
        asked.optional("person") or None,
        asked.optional("place") or None,
        blocks.period_of(_time(asked.optional("from")), _time(asked.optional("to"))),
    )
    made = await blocks.put(asked.desk, asked.caller, asked.identity, wanted)
    if isinstance(made, Refusal):
        return await refuse(asked, made, "block-set", patient)
    await tell(asked, Action.ADMINISTER, "block-set", (patient,), type_="Block", id_=made)
    return answering.as_json({"block": made}, 201)


async def lift(asked: Asked) -> Response:
    """`block` (its id) and `asked`."""
    named = asked.text("block")
    lifted = await blocks.lift(asked.desk, asked.caller, asked.identity, named, asked.text("asked"))
    if isinstance(lifted, Refusal):
        return await refuse(asked, lifted, "block-lift")
    await tell(asked, Action.ADMINISTER, "block-lift", (lifted.patient,), type_="Block", id_=lifted.id)
    return answering.nothing_more()


async def _blocks(asked: Asked) -> tuple[str, list[Block] | Refusal]:
    patient = patient_in(single(asked.query).get("patient", ""))
    found = await blocks.of_patient(asked.desk, asked.caller, asked.identity, patient)
    if not isinstance(found, Refusal):
        await tell(asked, Action.READ, "blocks", (patient,), type_="Block")
    return patient, found


def _time(text: str | None) -> datetime | None:
    """With its zone. Raises `RefusedError`."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(refusal.INVALID_REQUEST) from None
    if time.tzinfo is None:
        raise RefusedError(refusal.INVALID_REQUEST)
    return time


def _block(one: Block, now: datetime) -> dict[str, Any]:
    shown = {
        "block": one.id,
        "holds": one.holds(now),
        "person": one.person,
        "place": one.organisation,
        "from": one.period and one.period.low,
        "to": one.period and one.period.high,
        "since": one.since,
        "until": one.until,
        "set_by": one.set_by,
        "asked": one.asked,
        "lifted_by": one.lifted_by,
        "lift_asked": one.lift_asked,
    }
    return {name: value for name, value in shown.items() if value is not None}
