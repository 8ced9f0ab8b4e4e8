"""What a place that keeps a copy of the record may have: everything, or what its ward needs.

A ward's copy has the patients who lie in the ward, or left it less than two days ago, and what is about
nobody by its kind: staff, places, drugs, definitions. What does not say whom it is about is left out.
What patients have blocked goes along to be applied there (`/feed/entry`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from altid.access.clients import BUILT_IN
from altid.access.grounds import SOR
from altid.access.identity import Identity, Role
from altid.access.places import here
from altid.access.policy import Kind, kind_of
from altid.access.scopes import FEED, FEED_REVOKED, FEED_WARD, FEEDS
from altid.fhir import json
from altid.fhir.definitions import resource_types
from altid.fhir.periods import EARLIEST, LATEST, PeriodError, parse_period
from altid.fhir.search.about import patients_about
from altid.record.copying import Part
from altid.record.database import Connection
from altid.record.keys import name_key, term_keys
from altid.record.stored import Stored, compose

AFTER_STAY = timedelta(hours=48)
"""Letters, late answers, whoever is back at night: after two days the patient is asked for elsewhere."""
STAYS_MAX = 5_000
"""Encounters of one ward that are looked at: years of admissions are thousands, those of two days tens."""
_OPEN = ("arrived", "triaged", "in-progress", "onleave")
_WARD_TYPES = tuple(
    sorted(type_ for type_ in resource_types() if kind_of(type_) in (Kind.DIRECTORY, Kind.DEFINITION))
)


class NotAFeederError(Exception):
    """It may not read the feed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose copy it is. `scope` is one of `scopes.FEEDS`."""

    client: str
    name: str
    scope: str
    organisation: str

    @property
    def is_revoked(self) -> bool:
        return self.scope == FEED_REVOKED

    @property
    def is_ward(self) -> bool:
        return self.scope == FEED_WARD


@dataclass(frozen=True, slots=True)
class Keeps:
    """What a copy may have. `patients` None: of everybody."""

    patients: frozenset[str] | None
    without: str
    """Patients whose ids begin so are nobody: those of test orders."""

    @property
    def part(self) -> Part | None:
        """Where it is to be found; None: everywhere."""
        return None if self.patients is None else Part(_WARD_TYPES, sorted(self.patients))

    def shows(self, type_: str, id_: str, refs: Iterable[str]) -> bool:
        about = patients_about(type_, id_, refs)
        if about and min(about).startswith(self.without):
            return False
        if self.patients is None:
            return True
        return not self.patients.isdisjoint(about) or type_ in _WARD_TYPES


async def place_of(connection: Connection, identity: Identity) -> Place:
    """Whose copy asks, as it is registered now: what was taken from it is gone at once, whatever its token
    says. Raises `NotAFeederError`."""
    if identity.role is not Role.SYSTEM or identity.patient is not None:
        raise NotAFeederError
    if identity.subject == BUILT_IN:
        registered: Iterable[str] = identity.scopes
        organisation = identity.organisation
    else:
        row = await connection.fetchrow(_CLIENT, identity.subject)
        if row is None:
            raise NotAFeederError
        registered, organisation = row["scopes"], row["organisation"]
    for scope in (FEED_REVOKED, FEED_WARD, FEED):  # the narrowest that it has
        if scope in registered and (scope == FEED_REVOKED or scope in identity.scopes):
            return Place(identity.subject, identity.name, scope, organisation)
    raise NotAFeederError


async def revoke(connection: Connection, client: str) -> bool:
    """Take everything from a place but to be told that. False if there is no such place."""
    return await connection.fetchval(_REVOKE, client, FEED_REVOKED, list(FEEDS)) is not None


async def number_of_ward(connection: Connection, location: str) -> str | None:
    """The SOR number of the organisation that runs a ward, by the id of the ward's Location."""
    row = await connection.fetchrow(_RUN_BY, location)
    if row is None:
        return None
    organisation = json.loads(compose(Stored(*row)))
    numbers = (one for one in organisation.get("identifier", ()) if one.get("system") == SOR)
    return next((str(one["value"]) for one in numbers if "value" in one), None)


async def keeps_of(connection: Connection, place: Place, now: datetime, without: str) -> Keeps:
    """What the copy may have, as this snapshot of the record tells."""
    if place.scope == FEED:
        return Keeps(None, without)
    if place.scope != FEED_WARD:
        return Keeps(frozenset(), without)
    return Keeps(await patients_of_ward(connection, place.organisation, now), without)


async def patients_of_ward(connection: Connection, organisation: str, now: datetime) -> frozenset[str]:
    """Who lies in the ward of this SOR number, or has left it less than `AFTER_STAY` ago."""
    places = frozenset(await here(connection, organisation))
    since = now - AFTER_STAY
    named = [f"Encounter.location={each}" for each in places if each.startswith("Location/")]
    named += [f"Encounter.service-provider={each}" for each in places if each.startswith("Organization/")]
    is_open = [f"Encounter.status={status}" for status in _OPEN]
    rows = await connection.fetch(
        _STAYS, term_keys(named), term_keys(is_open), name_key("Encounter.date"), since, STAYS_MAX
    )
    found: set[str] = set()
    for row in rows:
        stored = Stored(*row[:5])
        if is_kept(json.loads(compose(stored)), places, since):
            found |= patients_about(stored.type, stored.id, row[5])
    return frozenset(found)


def is_kept(encounter: Mapping[str, Any], places: frozenset[str], since: datetime) -> bool:
    """Whether somebody lies in one of these places, or left the last of them after `since`.

    Where the encounter names places, they say when the patient was where; else who is responsible for it.
    """
    is_open = encounter.get("status") in _OPEN
    if not is_open and encounter.get("status") != "finished":
        return False
    high = _end(encounter.get("period"))
    until = LATEST if is_open else high
    if not is_open and high == LATEST:
        until = EARLIEST  # over, and nobody knows since when
    entries = encounter.get("location", ())
    own = [one for one in entries if _reference(one.get("location")) in places]
    if not own:
        return _reference(encounter.get("serviceProvider")) in places and until > since
    return any(_left(one, until) > since for one in own)


def _left(entry: Mapping[str, Any], until: datetime) -> datetime:
    """When a place was left, at the latest with the whole stay."""
    high = _end(entry.get("period"))
    if entry.get("status") in ("planned", "reserved"):
        return EARLIEST
    if entry.get("status") == "completed" and high == LATEST:
        return EARLIEST
    return min(high, until)


def _end(period: Any) -> datetime:
    """A period's; an end that can't be read is not said."""
    end = period.get("end") if isinstance(period, dict) else None
    try:
        return parse_period(end)[1] if isinstance(end, str) else LATEST
    except PeriodError:
        return LATEST


def _reference(value: Any) -> str:
    return str(value.get("reference", "")) if isinstance(value, dict) else ""


_CLIENT = "SELECT scopes, organisation FROM client WHERE id = $1 AND disabled_at IS NULL"
_REVOKE = """
UPDATE client SET scopes = ARRAY[$2]
 WHERE id = $1 AND disabled_at IS NULL AND scopes && $3::text[] RETURNING id
"""
_RUN_BY = """
SELECT o.type, o.id, o.version, o.last_updated, o.body
  FROM resource l CROSS JOIN unnest(l.refs) ref
  JOIN resource o ON o.type = 'Organization' AND o.id = split_part(ref, '/', 2) AND o.body IS NOT NULL
 WHERE l.type = 'Location' AND l.id = $1 AND l.body IS NOT NULL AND ref ^@ 'organization=Organization/'
 LIMIT 1
"""
_STAYS = """
SELECT type, id, version, last_updated, body, refs FROM resource r
 WHERE type = 'Encounter' AND body IS NOT NULL AND terms && $1::uuid[]
   AND (terms && $2::uuid[]
        OR EXISTS (SELECT FROM index_date d WHERE d.rid = r.rid AND d.key = $3 AND d.high > $4))
 LIMIT $5
"""
