"""What makes grounds, kept beside the resources as they come in: who is where, and what is part of what.

The same entries decide as in the record (`altid.access.relations`): computed by the same code (`extract`), by
the same parameters and statuses (`altid.access.grounds`), so that an admission opens here whom it opens
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from altid.access.grounds import (
    APPOINTMENT_DAYS,
    HERE,
    OPEN,
    OPEN_MAX,
    Above,
    Grounds,
    Place,
    sor_term,
)
from altid.fhir.search.entries import Entries
from altid.fhir.search.extract import extract
from altid.lookup.entry.tables import Connection

DEPTH_MAX = 10
"""Organisations one within the other; what goes on for longer is a circle (`altid.access.places`)."""
_ROOMS = ("Location", "HealthcareService")


class Relation(NamedTuple):
    """A patient's open admission, referral or appointment somewhere."""

    resource: str
    place: str
    patient: str
    is_admitted: bool
    until_s: float | None


def put(connection: Connection, type_: str, id_: str, resource: dict[str, Any]) -> None:
    """Keep what this version says, in the caller's transaction, after `forget`."""
    keep = _PUT.get(type_)
    if keep is not None:
        keep(connection, id_, resource, extract(resource))


def forget(connection: Connection, type_: str, id_: str) -> None:
    """What an earlier version said is not so any more."""
    if type_ in OPEN:
        connection.execute("DELETE FROM relation WHERE resource = ?", (f"{type_}/{id_}",))
    elif type_ in _ROOMS:
        connection.execute("DELETE FROM room WHERE place = ?", (f"{type_}/{id_}",))
    elif type_ == "Organization":
        for table in ("organisation", "organisation_part", "organisation_number"):
            connection.execute(f"DELETE FROM {table} WHERE id = ?", (id_,))


def relations_of(type_: str, id_: str, resource: dict[str, Any], entries: Entries) -> list[Relation]:
    """What this resource makes grounds by; nothing once it is closed."""
    if resource.get("status") not in OPEN[type_]:
        return []
    places = [place for code, place in _refs(entries) if _is_place(type_, code, place)]
    patients = {
        target.partition("/")[2] for code, target in _refs(entries) if _is_patient(type_, code, target)
    }
    until_s = _until(entries) if type_ == "Appointment" else None
    made = f"{type_}/{id_}"
    return [
        Relation(made, place, patient, type_ == "Encounter", until_s)
        for place in places
        for patient in patients
    ]


def place_of(connection: Connection, organisation: str, now: datetime) -> Place:
    """The patients of a place of work, by its SOR number; of one that has too many: none, and that."""
    stands = above(connection, organisation)
    rows = connection.execute(_PATIENTS, (organisation, now.timestamp(), OPEN_MAX + 1)).fetchall()
    if len(rows) > OPEN_MAX:
        return Place(stands, is_too_wide=True)
    return Place(
        stands, {patient: Grounds.ADMITTED if admitted else Grounds.REFERRED for patient, admitted in rows}
    )


def above(connection: Connection, organisation: str) -> Above:
    """Where the place of this SOR number stands."""
    rows = connection.execute(_ABOVE, (organisation,)).fetchall()
    return Above(frozenset(row[0] for row in rows), bool(rows) and all(row[1] for row in rows))


def name_of(connection: Connection, number: str) -> str | None:
    """What an organisation of this SOR number is called, if somebody says."""
    row = connection.execute(_NAME, (number,)).fetchone()
    return None if row is None else row[0]


def number_of(connection: Connection, ward: str) -> str | None:
    """The SOR number of a ward that is named by it, or by its id as a Location; None for one not known."""
    row = connection.execute(_NUMBER, {"ward": ward, "room": f"Location/{ward}"}).fetchone()
    return None if row is None else row[0]


def organisations_of(connection: Connection, number: str) -> frozenset[str]:
    """Ids of the organisations with this SOR number."""
    return frozenset(row[0] for row in connection.execute(_NUMBERED, (number,)).fetchall())


def _refs(entries: Entries) -> Iterable[tuple[str, str]]:
    for ref in entries.refs:
        code, _, target = ref.partition("=")
        yield code, target


def _is_place(type_: str, code: str, target: str) -> bool:
    return target.partition("/")[0] in HERE.get(f"{type_}.{code}", ())


def _is_patient(type_: str, code: str, target: str) -> bool:
    return target.startswith("Patient/") and (
        code == "subject" or (type_ == "Appointment" and code == "actor")
    )


def _until(entries: Entries) -> float | None:
    """An appointment that nobody has closed makes grounds for some days more; one without a day, always."""
    ends = [high for code, _, high in entries.dates if code == "Appointment.date"]
    if not ends:
        return None
    try:
        return (max(ends) + timedelta(days=APPOINTMENT_DAYS)).timestamp()
    except OverflowError:
        return None


def _put_relations(type_: str) -> Callable[[Connection, str, dict[str, Any], Entries], None]:
    def put(connection: Connection, id_: str, resource: dict[str, Any], entries: Entries) -> None:
        rows = relations_of(type_, id_, resource, entries)
        connection.executemany("INSERT OR REPLACE INTO relation VALUES (?, ?, ?, ?, ?)", rows)

    return put


def _put_room(type_: str) -> Callable[[Connection, str, dict[str, Any], Entries], None]:
    def put(connection: Connection, id_: str, resource: dict[str, Any], entries: Entries) -> None:
        runs = [target.partition("/")[2] for code, target in _refs(entries) if code == "organization"]
        rows = [(f"{type_}/{id_}", one) for one in runs]
        connection.executemany("INSERT OR REPLACE INTO room VALUES (?, ?)", rows)

    return put


def _put_organisation(connection: Connection, id_: str, resource: dict[str, Any], entries: Entries) -> None:
    parts = [target.partition("/")[2] for code, target in _refs(entries) if code == "partof"]
    is_told = "partof" not in entries.present or bool(parts)
    named = [term.rpartition("|")[2] for term in entries.terms if term.startswith(sor_term(""))]
    numbers = [number for number in named if number]
    name = resource.get("name")
    connection.execute("INSERT OR REPLACE INTO organisation VALUES (?, ?, ?)", (id_, is_told, name))
    connection.executemany(
        "INSERT OR REPLACE INTO organisation_part VALUES (?, ?)", [(id_, one) for one in parts]
    )
    connection.executemany(
        "INSERT OR REPLACE INTO organisation_number VALUES (?, ?)", [(one, id_) for one in numbers]
    )


_PUT: dict[str, Callable[[Connection, str, dict[str, Any], Entries], None]] = {
    **{type_: _put_relations(type_) for type_ in OPEN},
    **{type_: _put_room(type_) for type_ in _ROOMS},
    "Organization": _put_organisation,
}

_NUMBER = """
SELECT number FROM organisation_number WHERE number = :ward
UNION ALL
SELECT n.number FROM room JOIN organisation_number n ON n.id = room.organisation WHERE room.place = :room
LIMIT 1
"""
_NAME = """
SELECT o.name FROM organisation_number n JOIN organisation o ON o.id = n.id
 WHERE n.number = ? AND o.name IS NOT NULL ORDER BY o.id LIMIT 1
"""
_NUMBERED = "SELECT id FROM organisation_number WHERE number = ?"

# A step upwards that leads to nothing, or that no reference tells, is no end but a gap.
_ABOVE = f"""
WITH RECURSIVE up(id, depth) AS (
    SELECT id, 0 FROM organisation_number WHERE number = ?
    UNION
    SELECT p.part_of, up.depth + 1
      FROM up JOIN organisation_part p ON p.id = up.id WHERE up.depth < {DEPTH_MAX}
)
SELECT up.id, min(up.depth < {DEPTH_MAX} AND coalesce(o.is_told, 0))
  FROM up LEFT JOIN organisation o ON o.id = up.id GROUP BY up.id
"""

# From the top of the tree nothing goes down: whoever works at the region does not work at every hospital.
_PATIENTS = f"""
WITH RECURSIVE down(id, depth, goes_down) AS (
    SELECT n.id, 0, EXISTS (SELECT 1 FROM organisation_part p WHERE p.id = n.id)
      FROM organisation_number n WHERE n.number = ?
    UNION
    SELECT p.id, down.depth + 1, 1
      FROM down JOIN organisation_part p ON p.part_of = down.id
     WHERE down.goes_down AND down.depth < {DEPTH_MAX}
), here(place) AS (
    SELECT 'Organization/' || id FROM down
    UNION
    SELECT room.place FROM down JOIN room ON room.organisation = down.id
)
SELECT r.patient, max(r.is_admitted)
  FROM here JOIN relation r ON r.place = here.place
 WHERE r.until IS NULL OR r.until > ?
 GROUP BY r.patient
 LIMIT ?
"""
