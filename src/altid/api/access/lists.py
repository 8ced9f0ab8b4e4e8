"""One's own list of patients."""

from __future__ import annotations

from starlette.responses import Response

from altid.access import lists
from altid.access.audit.event import Action
from altid.access.desk import Desk
from altid.access.door import Caller, way
from altid.access.grounds import Reach
from altid.access.identity import Identity
from altid.access.lists import Reason
from altid.access.reaching import Reaches
from altid.access.refusal import Refusal
from altid.api.access import answering
from altid.api.access.asking import Asked
from altid.api.access.telling import patient_in, refuse, tell


async def show(asked: Asked) -> Response:
    """One's own list."""
    found = await lists.listed(asked.desk, asked.caller, asked.identity)
    if isinstance(found, Refusal):
        return answering.refused(found, asked.language)
    await tell(asked, Action.SEARCH, "list", tuple(each.patient for each in found))
    return answering.as_json(
        {"patients": [{"patient": one.patient, "added": one.added, "until": one.until} for one in found]}
    )


async def add(asked: Asked) -> Response:
    """`patient` (an id) and `hours`; `kind` and `reason` where the glass must be broken for it."""
    identity, patient, kind = asked.identity, patient_in(asked.text("patient")), asked.optional("kind")
    reason = None if kind is None else Reason(kind, asked.text("reason"))
    reach = await _reach(asked.desk, asked.caller, asked.guard.reaches, identity)
    if isinstance(reach, Refusal):
        return answering.refused(reach, asked.language)
    hours = asked.number("hours")
    added = await lists.add(asked.desk, asked.caller, identity, reach, patient, hours, reason)
    if isinstance(added, Refusal):
        return await refuse(asked, added, "list-add", patient)
    asked.guard.reaches.forget(identity)
    if added.override is not None:
        await tell(asked, Action.OVERRIDE, "override", (patient,), type_="Override", id_=added.override)
    await tell(asked, Action.ADMINISTER, "list-add", (patient,))
    told = {"patient": patient, "until": added.until, "override": added.override}
    return answering.as_json({name: value for name, value in told.items() if value is not None})


async def remove(asked: Asked) -> Response:
    """`patient`."""
    patient = patient_in(asked.text("patient"))
    removed = await lists.remove(asked.desk, asked.caller, asked.identity, patient)
    if isinstance(removed, Refusal):
        return answering.refused(removed, asked.language)
    asked.guard.reaches.forget(asked.identity)
    if removed:
        await tell(asked, Action.ADMINISTER, "list-remove", (patient,))
    return answering.nothing_more()


@way
async def _reach(desk: Desk, caller: Caller, reaches: Reaches, identity: Identity) -> Reach | Refusal:
    return await reaches.of(identity, fresh=True)
