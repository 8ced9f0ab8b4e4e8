"""Which orders are not certain, by hospital and ward, and what to do about each: `/reconciliation`.

Whoever has grounds for a patient sees whose order it is; all others who oversee orders see keys and counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Outcome
from altid.access.identity import Role
from altid.orders.policy import OPERATORS, READERS, told_of
from altid.orders.proofs.showing import read_standing
from altid.orders.todo import NAMES, action_name, said
from altid.orders.verdict import Reconciliation, Uncertain, Ward
from altid.orders.whereabouts import patient_names
from altid.screen.views.moments import ZONE
from altid.screen.words import Language
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page

PAGE = "/reconciliation"
OVERSEEING = OPERATORS - {Role.SYSTEM}


@dataclass(frozen=True, slots=True)
class Line:
    """One order as it is shown; whose it is, only to whoever may know."""

    why: str
    todo: str
    key: str
    action: str
    at: datetime
    sites: tuple[str, ...]
    order: str = ""
    patient: str = ""
    name: str = ""
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The orders of one ward."""

    ward: Ward
    lines: tuple[Line, ...]


def reconciliation_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return await _show(visit, names)

    return [Route(PAGE, gated(service, show), methods=["GET"])]


async def _show(visit: Visit, names: PlaceNames) -> Response:
    me = await me_of(visit, names)
    if visit.identity.role not in OVERSEEING:
        visit.note(Action.SEARCH, "reconciliation", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    async with visit.service.database.reading() as connection:
        standing = await read_standing(connection, visit.service.guard.desk.secret)
        found = standing.found
        listed = found.listed if found else ()
        shown = await told_of(visit.permit, {one.patient for one in listed if one.patient})
        named = await patient_names(connection, shown) if visit.permit.may("r", "Patient") else {}
    visit.note(Action.SEARCH, "reconciliation", type="orders", patients=tuple(sorted(shown)))
    return page(
        "reconciliation.html",
        visit.words,
        me=me,
        found=found,
        standing=standing,
        **_grouped(found, shown, named, visit.words.language),
        keys_only=visit.identity.role not in READERS,
        may_open=visit.permit.may("r", "Patient"),
        now=datetime.now(ZONE),
    )


def _grouped(
    found: Reconciliation | None, shown: frozenset[str], names: Mapping[str, str], language: Language
) -> dict[str, Any]:
    if found is None:
        return {"groups": (), "beside": ()}
    return {
        "groups": groups_of(found.uncertain, shown, names, language),
        "beside": groups_of(found.not_sent_again, shown, names, language),
    }


def groups_of(
    listed: Sequence[Uncertain], shown: frozenset[str], names: Mapping[str, str], language: Language
) -> tuple[Group, ...]:
    """By hospital and ward, in the order in which they are listed; those of no known ward come last."""
    wards = sorted({one.ward for one in listed}, key=_known_first)
    return tuple(
        Group(ward, tuple(_line(one, shown, names, language) for one in listed if one.ward == ward))
        for ward in wards
    )


def _known_first(ward: Ward) -> tuple[bool, str, bool, str]:
    return not ward.hospital, ward.hospital, not ward.ward, ward.ward


def _line(one: Uncertain, shown: frozenset[str], names: Mapping[str, str], language: Language) -> Line:
    line = Line(
        said(NAMES[one.why], language),
        said(one.todo, language),
        one.key,
        action_name(one.action, language),
        one.at.astimezone(ZONE),
        one.sites,
    )
    if one.patient not in shown:
        return line
    return Line(
        line.why,
        line.todo,
        line.key,
        line.action,
        line.at,
        line.sites,
        one.order,
        one.patient,
        names.get(one.patient, ""),
        one.signer_name,
    )
