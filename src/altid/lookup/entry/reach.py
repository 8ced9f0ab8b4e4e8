"""Whom somebody may see at this place: the record's own rules, on what the copy knows."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from altid.access.grounds import NOBODY as NOBODYS
from altid.access.grounds import TREATING, Grounds, Place, PlaceTooWideError, Reach
from altid.access.settings import Clock
from altid.fhir.search.hidden import Period
from altid.lookup.entry.people import own_of
from altid.lookup.entry.person import Person
from altid.lookup.entry.relations import place_of
from altid.lookup.entry.tables import Connection, Tables

PLACE_S = 2.0
"""How old what is known of a place may be, as in the record (`altid.access.reaching`)."""
PLACES_MAX = 200
"""Wards of a hospital."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see of one patient: nothing without grounds; of `hidden` periods nothing with
    them."""

    grounds: Grounds | None = None
    hidden: tuple[Period, ...] = ()


class Reaches:
    """Of one process. `clock` is monotonic."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables, self._clock = tables, clock
        self._places: OrderedDict[str, tuple[float, Place]] = OrderedDict()

    def of(self, person: Person) -> Reach:
        """Whom the person has grounds for, now."""
        identity = person.identity
        if identity.role not in TREATING:
            return NOBODYS
        now = datetime.now(UTC)
        with self._tables.reading() as connection:
            place = self._place(connection, identity.organisation, now)
            own = own_of(connection, identity, place.above, now)
        if person.is_by_code:
            own = replace(own, listed={}, overrides={})
        return Reach(False, place, own, now)

    def sight(self, person: Person, patient: str) -> Sight:
        """Of one patient. Raises `PlaceTooWideError` where grounds can't be told."""
        reach = self.of(person)
        grounds = reach.of(patient)
        if grounds is None:
            if reach.place.is_too_wide and patient not in reach.own.blocked:
                raise PlaceTooWideError
            return Sight()
        return Sight(grounds, reach.hidden.get(patient, ()))

    def _place(self, connection: Connection, organisation: str, now: datetime) -> Place:
        known = self._places.get(organisation)
        if known is not None and self._clock() - known[0] <= PLACE_S:
            return known[1]
        found = place_of(connection, organisation, now)
        self._places[organisation] = (self._clock(), found)
        self._places.move_to_end(organisation)
        if len(self._places) > PLACES_MAX:
            self._places.popitem(last=False)
        return found
