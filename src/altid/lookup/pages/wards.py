"""Lists: the wards of the copy, who lies in one, and what was sought."""

from __future__ import annotations

from starlette.responses import Response

from altid.access.audit.event import Action
from altid.lookup.needs import WardRow
from altid.lookup.pages.visit import Visit
from altid.lookup.rendering import SEARCH_CHARACTERS_MAX
from altid.screen.forms import check_from_here, read_form

_FORM_BYTES_MAX = 4_096
_WARD_CHARACTERS_MIN = 2
FOUND_MAX = 50
"""One page; who sees so many writes more into the search field."""


async def front(visit: Visit) -> Response:
    """The wards; of a copy that keeps one ward, that ward."""
    wards = visit.place.copy.wards()
    if len(visit.place.settings.wards) == 1 and len(wards) == 1:
        return await _ward(visit, wards[0])
    return visit.page("front.html", wards=wards, autofocus=True)


async def ward(visit: Visit) -> Response:
    """Who lies in a ward, by bed."""
    wanted = visit.request.path_params["id"]
    row = next((one for one in visit.place.copy.wards() if one.id == wanted), None)
    return visit.absent() if row is None else await _ward(visit, row)


async def _ward(visit: Visit, row: WardRow) -> Response:
    beds = visit.place.copy.ward(row.id)
    await visit.look("ward", [bed.identity.id for bed in beds], Action.SEARCH)
    return visit.page("ward.html", id=row.id, name=row.name, rows=beds, today=visit.today)


async def search(visit: Visit) -> Response:
    """By CPR number, name or ward. Posted, so that what was sought stands in no address and no log."""
    check_from_here(visit.request, visit.place.settings.listen.url)
    form = await read_form(visit.request, _FORM_BYTES_MAX)
    sought = " ".join(form.get("search", "").split())[:SEARCH_CHARACTERS_MAX]
    wards = _wards_named(visit, sought)
    found = list(visit.place.copy.search(sought)) if sought else []
    rows = found[:FOUND_MAX]
    await visit.look("search", [row.identity.id for row in rows], Action.SEARCH)
    return visit.page(
        "found.html",
        sought=sought,
        wards=wards,
        rows=rows,
        has_more=len(found) > len(rows),
        today=visit.today,
    )


def _wards_named(visit: Visit, sought: str) -> list[WardRow]:
    words = sought.casefold().split()
    if sum(map(len, words)) < _WARD_CHARACTERS_MIN:
        return []
    wards = visit.place.copy.wards()
    return [one for one in wards if all(word in one.name.casefold() for word in words)]
