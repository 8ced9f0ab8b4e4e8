"""`/handover`: what of the wards' orders nobody may rely on yet, for who comes and for who goes.

Three who know of something stand side by side: this browser (its script tells what it holds), other browsers
and servers that died (`orders.waiting`), and the record itself: what is not signed, not accepted, or found
uncertain by reconciliation. Whoever has no grounds for a patient sees that there is something, not what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Outcome
from altid.access.permit import Permit
from altid.orders.policy import told_of
from altid.orders.proofs.showing import read_standing
from altid.orders.verdict import Uncertain
from altid.orders.waiting import Held, held
from altid.record.database import Connection
from altid.screen.views import unconfirmed, ward
from altid.screen.views.moments import ZONE
from altid.screen.views.unconfirmed import Unconfirmed, unconfirmed_of
from altid.screen.views.ward import WardRow
from altid.web import ward_todo
from altid.web.gate import Service, Visit, gated
from altid.web.loading import UNREACHABLE, read_chart
from altid.web.me import PlaceNames, me_of
from altid.web.needs import Need
from altid.web.reconciling import Line, groups_of
from altid.web.rendering import page
from altid.web.rights import closed_of
from altid.web.ward_reading import WardList, read_ward
from altid.web.wards import Wards

PAGE = "/handover"
WARDS_MAX = 8
"""Of one place of work; a list that is longer is nobody's to hand over. Which are left out, the page says."""

_NEED = Need(unconfirmed.KINDS)
_NOT_READ = Unconfirmed(is_known=False)


@dataclass(frozen=True, slots=True)
class Handed:
    """What is open for one patient. `orders`: of the record; `held`: not known to be registered; `uncertain`:
    found by reconciliation. Nothing is said where `may_know` is False."""

    row: WardRow
    may_know: bool
    orders: Unconfirmed
    held: tuple[Held, ...] = ()
    uncertain: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class HandedWard:
    """`patients`: those for whom something is open, in the order of the beds. `is_known`: False where
    something could not be read, so that there may be more."""

    listed: WardList
    patients: tuple[Handed, ...]
    is_known: bool


def handover_routes(service: Service, names: PlaceNames, wards: Wards) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return await _show(visit, names, wards)

    return [Route(PAGE, gated(service, show), methods=["GET"])]


async def _show(visit: Visit, names: PlaceNames, wards: Wards) -> Response:
    me = await me_of(visit, names)
    if not (visit.permit.may("s", "Patient") and visit.permit.may("s", "Encounter")):
        visit.note(Action.SEARCH, "handover", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    own = await wards.of(visit)
    async with visit.service.database.reading() as connection:
        standing = await read_standing(connection, visit.service.guard.desk.secret)
        listed = standing.found.listed if standing.found else ()
        handed = [await _ward(connection, visit, each.id, listed) for each in own[:WARDS_MAX]]
    shown = [each for each in handed if each is not None]
    patients = sorted({one.row.who.identity.id for each in shown for one in each.patients})
    visit.note(Action.SEARCH, "handover", type="orders", patients=tuple(patients))
    now = datetime.now(UTC)
    return page(
        "handover.html",
        visit.words,
        me=me,
        wards=shown,
        left_out=[each.name for each in own[WARDS_MAX:]],
        now=now,
        today=now.astimezone(ZONE).date(),
    )


async def _ward(
    connection: Connection, visit: Visit, identity: str, listed: Sequence[Uncertain]
) -> HandedWard | None:
    kinds = (*ward.KINDS, *ward_todo.KINDS)
    closed = frozenset(kind for kind in kinds if not visit.permit.may("s", kind))
    found = await read_ward(connection, identity, await visit.permit.visible("s"), closed)
    if found is None:
        return None
    uncertain = {one.patient for one in listed}
    rows = [row for row in found.rows if _is_open(row) or row.who.identity.id in uncertain]
    knowing = await told_of(visit.permit, {row.who.identity.id for row in rows})
    waiting = await _held(connection, sorted(knowing))
    lines = _lines(listed, knowing, visit)
    patients = [
        Handed(
            row,
            True,
            await _orders(connection, visit.permit, who),
            waiting.get(who, ()) if waiting is not None else (),
            lines.get(who, ()),
        )
        if (who := row.who.identity.id) in knowing
        else Handed(row, False, _NOT_READ)
        for row in rows
    ]
    is_known = waiting is not None and all(_is_known(row) for row in found.rows)
    return HandedWard(found, tuple(patients), is_known)


def _is_open(row: WardRow) -> bool:
    return bool(row.who.unconfirmed or row.todo.waits)


def _is_known(row: WardRow) -> bool:
    return row.who.unconfirmed is not None and row.todo.waits is not None


async def _held(connection: Connection, patients: Sequence[str]) -> Mapping[str, tuple[Held, ...]] | None:
    try:
        return await held(connection, patients)
    except UNREACHABLE:
        return None


async def _orders(connection: Connection, permit: Permit, patient: str) -> Unconfirmed:
    closed = await closed_of(permit, unconfirmed.KINDS, patient)
    chart = await read_chart(connection, patient, await permit.visible("r"), closed.types, _NEED)
    return unconfirmed_of(chart) if chart is not None else _NOT_READ


def _lines(listed: Sequence[Uncertain], knowing: frozenset[str], visit: Visit) -> dict[str, tuple[Line, ...]]:
    """What reconciliation found, by patient, whatever ward they were in when it was signed."""
    found: dict[str, tuple[Line, ...]] = {}
    for patient in {one.patient for one in listed} & knowing:
        own = [one for one in listed if one.patient == patient]
        groups = groups_of(own, knowing, {}, visit.words.language)
        found[patient] = tuple(line for group in groups for line in group.lines)
    return found
