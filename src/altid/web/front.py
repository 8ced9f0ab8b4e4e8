"""`/`: the wards of one's place of work, and the search for patients.

Nobody is shown who was not asked for: the page itself names no patient (GDPR, article 5 (1) (c)). A search is
a form, so that what was written stands in no address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action
from altid.fhir.search import query
from altid.record.search import count_up_to
from altid.screen.views.identity import Identity
from altid.screen.views.moments import ZONE
from altid.web.addresses import FRONT, go
from altid.web.choosing import start_ward
from altid.web.finding import Parameter, find
from altid.web.gate import Service, Visit, gated
from altid.web.loading import Listing, Row, read_patients
from altid.web.me import Me, PlaceNames, me_of
from altid.web.rendering import page
from altid.web.wards import Wards

COUNTED_MAX = 1_000
"""Hits beyond this are not counted: somebody must write more anyway."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A patient who was found. `has_double`: another hit has the same name, or the same surname and day of
    birth, so that the two are easily taken for each other."""

    row: Row
    has_double: bool


def front_routes(service: Service, names: PlaceNames, wards: Wards) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return await _front(visit, await me_of(visit, names), wards)

    async def search(visit: Visit) -> Response:
        me, today = await me_of(visit, names), datetime.now(ZONE).date()
        sought = visit.form.get("search", "").strip()
        conditions = find(sought, today) if me.finds_patients else []
        if not conditions:
            return await _front(visit, me, wards)
        return await _search(visit, me, sought, conditions)

    return [
        Route(FRONT, gated(service, show), methods=["GET"]),
        Route(FRONT, gated(service, search), methods=["POST"]),
    ]


async def _front(visit: Visit, me: Me, wards: Wards) -> Response:
    if not me.finds_patients:
        return page("home.html", visit.words, me=me)
    chosen = await start_ward(visit, wards)
    shown = sorted(await wards.of(visit), key=lambda ward: ward.id != chosen)
    return page("front.html", visit.words, me=me, wards=shown)


async def _search(visit: Visit, me: Me, sought: str, conditions: Sequence[Parameter]) -> Response:
    visible = await visit.permit.visible("s")
    async with visit.service.database.reading() as connection:
        listing = await read_patients(connection, conditions, visible)
        counted = len(listing.rows)
        if listing.has_more:
            asked = query.parse("Patient", conditions)
            counted = await count_up_to(connection, asked, visible, COUNTED_MAX + 1)
    visit.note(
        Action.SEARCH,
        "patients",
        type="Patient",
        patients=tuple(row.identity.id for row in listing.rows),
        parameters=tuple(dict.fromkeys(name for name, _ in conditions)),
    )
    only = _only(conditions, listing)
    if only is not None:
        return go(f"/patient/{only.id}")
    return page(
        "found.html",
        visit.words,
        me=me,
        sought=sought,
        hits=hits_of(listing.rows),
        counted=counted,
        counted_max=COUNTED_MAX,
        has_more=listing.has_more,
        places_known=listing.places_known,
        read_at=listing.read_at,
        today=listing.read_at.astimezone(ZONE).date(),
    )


def _only(conditions: Sequence[Parameter], listing: Listing) -> Identity | None:
    """Whose whole number was written, and nothing else: a name may be anybody's, a number is one person's."""
    is_number = [name for name, _ in conditions] == ["identifier"]
    return listing.rows[0].identity if is_number and len(listing.rows) == 1 else None


def hits_of(rows: Sequence[Row]) -> tuple[Hit, ...]:
    """The same rows, those with a double marked."""
    count = Counter(mark for row in rows for mark in _marks(row.identity))
    return tuple(Hit(row, any(count[mark] > 1 for mark in _marks(row.identity))) for row in rows)


def _marks(identity: Identity) -> set[tuple[str, ...]]:
    """What another patient must share to be taken for this one."""
    family = (identity.family or identity.written_name or "").casefold()
    first = (identity.given or "").casefold().split(" ")[0]
    born = identity.born.at.date().isoformat() if identity.born else ""
    marks = {("name", family, first)} if family else set()
    return marks | ({("born", family, born)} if family and born else set())
