"""A patient's chart out of the file, as the live record's pages read theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from altid.lookup.file import Connection
from altid.lookup.rows import loads
from altid.screen.views.chart import Chart

WHOLE = (
    "AllergyIntolerance",
    "Appointment",
    "Condition",
    "Consent",
    "Encounter",
    "Flag",
    "MedicationRequest",
    "MedicationStatement",
    "ServiceRequest",
    "Task",
)
"""Read to their end."""
BESIDE = ("HealthcareService", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole")
"""What a chart refers to and belongs to nobody."""


class Newest(NamedTuple):
    """A kind of which only the newest are read."""

    kind: str
    count_max: int


NEWEST = (
    Newest("Observation", 300),
    Newest("DocumentReference", 20),
    Newest("DiagnosticReport", 30),
    Newest("MedicationAdministration", 100),
)
"""A week in hospital has fewer measurements, notes and doses: in a downtime nobody scrolls further back."""

KINDS = (*WHOLE, *(newest.kind for newest in NEWEST))
_DEPTH_MAX = 12


def read_chart(
    connection: Connection, patient: str, read_at: datetime, kinds: Iterable[str] = KINDS
) -> Chart | None:
    """The chart of a patient, of these kinds; None where there is no such patient."""
    found = connection.execute(_PATIENT, (patient,)).fetchone()
    if found is None:
        return None
    parts: dict[str, list[dict[str, Any]]] = {}
    older = set()
    wanted = set(kinds)
    for kind, body in connection.execute(_WHOLE, (patient,)):
        if kind in wanted:
            parts.setdefault(kind, []).append(loads(body))
    for newest in NEWEST:
        if newest.kind not in wanted:
            continue
        rows = connection.execute(_NEWEST, (patient, newest.kind, newest.count_max + 1)).fetchall()
        if rows:
            parts[newest.kind] = [loads(row[0]) for row in rows[: newest.count_max]]
        if len(rows) > newest.count_max:
            older.add(newest.kind)
    for kind, body in connection.execute(_ALSO, (patient,)):
        if kind in wanted:
            parts.setdefault(kind, []).append(loads(body))
    return Chart(
        loads(found[0]),
        read_at,
        parts,
        _others(connection, parts.values()),
        older=frozenset(older),
    )


def _others(connection: Connection, parts: Iterable[list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What the chart refers to, and the places that those places are part of."""
    known: dict[str, dict[str, Any]] = {}
    wanted = {key for resources in parts for resource in resources for key in _references(resource, 0)}
    for _ in range(2):
        for key in wanted - known.keys():
            kind, _, identity = key.partition("/")
            row = connection.execute(_BESIDE, (kind, identity)).fetchone()
            if row is not None:
                known[key] = loads(row[0])
        wanted = {key for resource in known.values() for key in _references(resource, 0)}
    return known


def _references(value: Any, depth: int) -> Iterator[str]:
    """`Type/id` of references without a name of their own, and of drugs and places, to kinds in `BESIDE`."""
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, list):
        for each in value:
            yield from _references(each, depth + 1)
    elif isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str):
            key = "/".join(reference.partition("/_history/")[0].split("/")[-2:])
            kind = key.partition("/")[0]
            if kind in BESIDE and (kind in _NEEDED or not value.get("display")):
                yield key
        for each in value.values():
            if isinstance(each, list | dict):
                yield from _references(each, depth + 1)


_NEEDED = ("Location", "Medication")
"""More is read of them than a name: ward and bed, form and strength."""

_PATIENT = (
    "SELECT body FROM resource WHERE patient = ?1 AND type = 'Patient' AND id = ?1 AND body IS NOT NULL"
)
_WHOLE = f"""
SELECT type, body FROM resource
 WHERE patient = ? AND type IN ({", ".join(f"'{kind}'" for kind in WHOLE)}) AND body IS NOT NULL
"""
_NEWEST = """
SELECT body FROM resource WHERE patient = ? AND type = ? AND body IS NOT NULL ORDER BY sort DESC LIMIT ?
"""
_ALSO = """
SELECT r.type, r.body FROM also a JOIN resource r ON r.type = a.type AND r.id = a.id
 WHERE a.patient = ? AND r.body IS NOT NULL
"""
_BESIDE = "SELECT body FROM resource WHERE patient = '' AND type = ? AND id = ? AND body IS NOT NULL"
