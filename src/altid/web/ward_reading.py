"""Reading wards from the record: which a place of work has, and who lies in one.

All that a list shows is read with one statement a kind, however many patients there are: a ward at seven
in the morning is opened by everybody at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from altid.access.places import here
from altid.fhir.search import query
from altid.orders.waiting import unconfirmed
from altid.record.database import Connection
from altid.record.read import read_many
from altid.record.search import search
from altid.record.visibility import Visible
from altid.screen.views.admission import PRESENT, is_stay
from altid.screen.views.chart import Chart
from altid.screen.views.elements import HL7, Resource, codes, elements, reference_key, text
from altid.screen.views.ward import KINDS, Bed, WardRow, bed_of, bed_order
from altid.web.loading import UNREACHABLE, content, read_locations
from altid.web.ward_memory import WardMemory
from altid.web.ward_todo import read_todos

BEDS_MAX = 200
"""Beds and patients of one ward; the biggest have sixty."""
_ROWS_MAX = 4_000
_BESIDE_STAYS = tuple(kind for kind in KINDS if kind != "Encounter")
_PHYSICAL = f"{HL7}/location-physical-type"
_WARD = "wa"


@dataclass(frozen=True, slots=True)
class Ward:
    """`id` is the Location's."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class WardList:
    """`unread`: kinds that could not be read, so that their columns say nothing."""

    ward: Ward
    rows: tuple[WardRow, ...]
    """In the order of the beds."""
    beds: int
    """How many beds the ward has."""
    unread: frozenset[str]
    read_at: datetime


async def wards_of(connection: Connection, organisation: str) -> tuple[Ward, ...]:
    """The wards of a place of work, by name. Raises one of `UNREACHABLE`."""
    references = [tuple(each.split("/")) for each in await here(connection, organisation)]
    places = [(kind, identity) for kind, identity in references if kind == "Location"]
    found = [content(stored) for stored in await read_many(connection, places) if stored.body is not None]
    wards = (Ward(place["id"], text(place.get("name")) or place["id"]) for place in found if _is_ward(place))
    return tuple(sorted(wards, key=lambda ward: ward.name.casefold()))


async def ward_names(connection: Connection, wards: Iterable[str]) -> dict[str, str]:
    """By id, of those that have one. Raises one of `UNREACHABLE`."""
    found = await read_locations(connection, sorted(f"Location/{ward}" for ward in wards))
    named = ((place["id"], text(place.get("name"))) for place in found.values())
    return {ward: name for ward, name in named if name}


async def read_ward(
    connection: Connection,
    identity: str,
    visible: Visible,
    closed: Collection[str] = (),
    memory: WardMemory | None = None,
) -> WardList | None:
    """Who lies there now and may be shown; None if it is no ward. Raises one of `UNREACHABLE`."""
    read_at = datetime.now(UTC)
    found = await read_locations(connection, [f"Location/{identity}"])
    place = found.get(f"Location/{identity}")
    if place is None or not _is_ward(place):
        return None
    beds = await _search(connection, "Location", [("partof", f"Location/{identity}")], visible, BEDS_MAX)
    rooms = {f"Location/{bed['id']}": bed for bed in beds}
    stays = await _stays(connection, [f"Location/{identity}", *rooms], visible)
    others = {**found, **rooms}
    parts, unread = await _parts(connection, sorted(stays), visible, closed)
    parts["Encounter"] = stays
    people = await _people(connection, sorted(stays), visible)
    waiting = await _waiting(connection, sorted(stays))
    todos = await read_todos(connection, sorted(stays), visible, closed, read_at, memory or WardMemory())

    def bed(patient: Resource) -> Bed:
        who = str(patient["id"])
        chart = Chart(
            patient,
            read_at,
            {kind: parts[kind].get(who, ()) for kind in parts},
            others,
            unread=unread,
            closed=frozenset(closed),
            is_partly_blocked=bool(visible.hidden.get(who)),
        )
        return bed_of(chart, waiting.get(who, 0) if waiting is not None else None)

    rows = sorted(map(bed, people), key=bed_order)
    ward = Ward(identity, text(place.get("name")) or identity)
    listed = tuple(WardRow(row, todos[row.identity.id]) for row in rows)
    return WardList(ward, listed, len(beds), unread, read_at)


def _is_ward(place: Resource) -> bool:
    return _WARD in codes(place.get("physicalType"), _PHYSICAL)


async def _stays(
    connection: Connection, places: Sequence[str], visible: Visible
) -> dict[str, list[Resource]]:
    """Present stays whose present place is one of these, by patient."""
    asked = [("location", ",".join(places)), ("status", ",".join(PRESENT))]
    stays = await _search(connection, "Encounter", asked, visible, BEDS_MAX)
    here_now = [stay for stay in stays if is_stay(stay) and _lies_in(stay, places)]
    return _by_patient(here_now)


def _lies_in(stay: Resource, places: Collection[str]) -> bool:
    """Not who has been moved on: an Encounter keeps the places that it was at."""
    return any(
        reference_key(entry.get("location")) in places
        for entry in elements(stay.get("location"))
        if entry.get("status") in (None, "active", "reserved") and not (entry.get("period") or {}).get("end")
    )


async def _people(connection: Connection, patients: Sequence[str], visible: Visible) -> list[Resource]:
    if not patients:
        return []
    return await _search(connection, "Patient", [("_id", ",".join(patients))], visible, BEDS_MAX)


async def _parts(
    connection: Connection, patients: Sequence[str], visible: Visible, closed: Collection[str]
) -> tuple[dict[str, Mapping[str, Sequence[Resource]]], frozenset[str]]:
    """By kind and patient; and the kinds that could not be read."""
    parts: dict[str, Mapping[str, Sequence[Resource]]] = {}
    unread = set()
    named = ",".join(f"Patient/{each}" for each in patients)
    for kind in _BESIDE_STAYS if patients else ():
        if kind in closed:
            continue
        try:
            found = await _search(connection, kind, [("patient", named)], visible, _ROWS_MAX)
        except UNREACHABLE:
            unread.add(kind)
        else:
            parts[kind] = _by_patient(found)
    return parts, frozenset(unread)


async def _waiting(connection: Connection, patients: Sequence[str]) -> Mapping[str, int] | None:
    try:
        return await unconfirmed(connection, patients)
    except UNREACHABLE:
        return None


async def _search(
    connection: Connection, kind: str, criteria: Iterable[tuple[str, str]], visible: Visible, count: int
) -> list[Resource]:
    page = await search(connection, query.parse(kind, tuple(criteria)), visible, count=count)
    return [content(found.stored) for found in page.found]


def _by_patient(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        key = reference_key(resource.get("subject") or resource.get("patient"))
        if key is not None and key.startswith("Patient/"):
            found.setdefault(key.partition("/")[2], []).append(resource)
    return found
