"""Reading a patient's chart, and the list of patients, from the record.

What is read for which page, `needs` says. Each part is a statement of its own: when one fails, the others are
still shown, and the page says what is missing.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from altid.fhir import json
from altid.fhir.search import query
from altid.fhir.search.parameters import reference_terms
from altid.orders.synthetic import is_canary_patient
from altid.record.database import Connection
from altid.record.everything import Everything, everything
from altid.record.read import read, read_many
from altid.record.search import search
from altid.record.stored import Found, Stored, compose
from altid.record.visibility import Visible
from altid.screen.views.admission import PRESENT, Place, is_stay, place_of
from altid.screen.views.chart import BESIDE, Chart
from altid.screen.views.elements import Resource, elements, period, reference_key
from altid.screen.views.identity import Identity, identity_of, name_order
from altid.screen.views.moments import sort_key
from altid.web.finding import Parameter
from altid.web.needs import KINDS, OVER, Need, Newest

PATIENTS_SHOWN_MAX = 50
"""One page of the list: more than a ward has beds."""

_WHOLE_ROWS_MAX = 5_000
"""Ten times what the fullest charts hold; beyond it the page says that it is not complete."""

UNREACHABLE = (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What it looks like when the record does not answer."""


class GoneError(Exception):
    """The patient was deleted."""


@dataclass(frozen=True, slots=True)
class Row:
    """A patient of the list; `place` is where they lie, None when they are not admitted, or when that is not
    for whoever looks."""

    identity: Identity
    place: Place | None
    is_place_closed: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """`places_known` is False when the wards could not be read."""

    rows: tuple[Row, ...]
    has_more: bool
    places_known: bool
    read_at: datetime


async def read_chart(
    connection: Connection,
    identity: str,
    visible: Visible,
    closed: Container[str],
    need: Need,
) -> Chart | None:
    """The chart of a patient as whoever looks may see it, as far as it is needed and without the types in
    `closed`; None if there never was one. Raises `GoneError`, or one of `UNREACHABLE`."""
    read_at = datetime.now(UTC)
    stored = await read(connection, "Patient", identity)
    if stored is None:
        return None
    if stored.body is None:
        raise GoneError
    parts = _Parts()
    await _read_whole(connection, identity, visible, need, closed, parts)
    for newest in need.newest:
        if newest.kind not in closed:
            await _read_newest(connection, identity, visible, newest, parts)
    await _read_beside(connection, parts)
    return Chart(
        patient=content(stored),
        read_at=read_at,
        parts=parts.parts,
        others=parts.others,
        unread=frozenset(parts.unread),
        older=frozenset(parts.older),
        closed=frozenset(kind for kind in KINDS if kind in closed),
        is_partly_blocked=bool(visible.hidden.get(identity)),
    )


class _Parts:
    """Collects what is read."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Resource]] = {}
        self.others: dict[str, Resource] = {}
        self.referred: set[tuple[str, str]] = set()
        """Type and id of what is in `BESIDE`."""
        self.unread: set[str] = set()
        self.older: set[str] = set()

    def add(self, found: Found) -> None:
        stored, references = found
        if stored.type == "Patient":
            return
        self.parts.setdefault(stored.type, []).append(content(stored))
        for reference in references:
            kind, _, identity = reference.partition("=")[2].partition("/")
            if kind in BESIDE:
                self.referred.add((kind, identity))


async def _read_whole(
    connection: Connection,
    identity: str,
    visible: Visible,
    need: Need,
    closed: Container[str],
    parts: _Parts,
) -> None:
    """One statement for all that is read to its end."""
    kinds = [kind for kind in need.to_the_end if kind not in closed]
    if not kinds:
        return
    over = [f"{kind}.status={status}" for kind in need.in_force for status in OVER[kind]]
    asked = Everything(identity, _terms(identity, kinds), without=over)
    try:
        found = await everything(connection, asked, after=("", ""), count=_WHOLE_ROWS_MAX + 1)
    except UNREACHABLE:
        parts.unread |= set(kinds)
        return
    for each in found[:_WHOLE_ROWS_MAX]:
        if visible.shows(*each):
            parts.add(each)
    if len(found) > _WHOLE_ROWS_MAX:
        # They come in order of type: the last one may be cut, and what follows is missing.
        parts.unread |= {kind for kind in kinds if kind >= found[-1].stored.type}


async def _read_newest(
    connection: Connection, identity: str, visible: Visible, newest: Newest, parts: _Parts
) -> None:
    asked = query.parse(newest.kind, (("patient", f"Patient/{identity}"), *newest.parameters))
    try:
        page = await search(connection, asked, visible, count=newest.count_max)
    except UNREACHABLE:
        parts.unread.add(newest.kind)
        return
    for found in page.found:
        parts.add(found)
    if page.resume is not None:
        parts.older.add(newest.told)


async def _read_beside(connection: Connection, parts: _Parts) -> None:
    """The places, staff and drugs that the chart refers to; and the wards that its beds are part of. Where
    they can't be read, a drug may be without its name: then nothing counts as read."""
    try:
        for stored in await read_many(connection, sorted(parts.referred)):
            if stored.body is not None:
                parts.others[stored.reference] = content(stored)
        parts.others |= await read_locations(connection, _wards(parts.others))
    except UNREACHABLE:
        parts.unread |= set(parts.parts)


def _terms(identity: str, kinds: Iterable[str]) -> tuple[str, ...]:
    """What is about the patient. Not the whole compartment: that also has what a patient said of another."""
    return tuple(term for kind in kinds for term in reference_terms(kind, "patient", "Patient", identity))


def _wards(others: Mapping[str, Resource]) -> set[str | None]:
    """The places that the beds are part of, where they were not read yet."""
    return {reference_key(place.get("partOf")) for place in others.values()} - others.keys()


async def read_locations(connection: Connection, keys: Iterable[str | None]) -> dict[str, Resource]:
    """Those of the keys that are places of this record."""
    split = (key.partition("/") for key in keys if key)
    wanted = [(kind, identity) for kind, _, identity in split if kind == "Location"]
    found = await read_many(connection, wanted)
    return {stored.reference: content(stored) for stored in found if stored.body is not None}


async def read_patients(connection: Connection, conditions: Sequence[Parameter], visible: Visible) -> Listing:
    """Patients for whom the conditions hold, by name. Raises one of `UNREACHABLE`.

    The database doesn't sort them: it would have to look at all the Jensens of a region to tell the first 50,
    and whoever gets that many writes more anyway.
    """
    asked = query.parse("Patient", conditions)
    read_at = datetime.now(UTC)
    page = await search(connection, asked, visible, count=PATIENTS_SHOWN_MAX)
    people = (found.stored for found in page.found if not is_canary_patient(found.stored.id))
    identities = sorted((identity_of(content(stored)) for stored in people), key=name_order)
    placed = [each.id for each in identities if _shows_stays(visible, each.id)]
    try:
        places: dict[str, Place] | None = await _places(connection, placed, visible)
    except UNREACHABLE:
        places = None
    rows = tuple(
        Row(each, places.get(each.id) if places else None, each.id not in placed) for each in identities
    )
    return Listing(rows, page.resume is not None, places is not None, read_at)


def _shows_stays(visible: Visible, patient: str) -> bool:
    """Whether whoever looks may know where the patient lies."""
    if "Encounter" in visible.whole:
        return True
    is_known = patient in visible.patients and not visible.hidden.get(patient)
    return "Encounter" in visible.bound and is_known


async def _places(connection: Connection, patients: Sequence[str], visible: Visible) -> dict[str, Place]:
    """Where those of the patients lie who are in hospital."""
    if not patients:
        return {}
    subjects = ",".join(f"Patient/{identity}" for identity in patients)
    asked = query.parse("Encounter", (("patient", subjects), ("status", ",".join(PRESENT))))
    page = await search(connection, asked, visible, count=4 * PATIENTS_SHOWN_MAX)
    stays = [stay for found in page.found if is_stay(stay := content(found.stored))]
    entries = (entry for stay in stays for entry in elements(stay.get("location")))
    others = await read_locations(connection, {reference_key(entry.get("location")) for entry in entries})
    others |= await read_locations(connection, _wards(others))
    chart = Chart({}, datetime.now(UTC), others=others)
    stays.sort(key=lambda stay: sort_key(period(stay.get("period"))[0]))
    return {
        key.partition("/")[2]: place_of(chart, stay)
        for stay in stays
        if (key := reference_key(stay.get("subject")))
    }


def content(stored: Stored) -> Resource:
    content: Resource = json.loads_stored(compose(stored))
    return content
