"""A patient's chart out of the file, as the live record's pages read theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from altid.lookup.file import Connection
from altid.lookup.rows import loads, part_of, unpack
from altid.screen.views import chart
from altid.screen.views.chart import BESIDE, Chart

WHOLE = (*chart.WHOLE, "Task")
"""Read to their end."""


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


def read_chart(
    connection: Connection, patient: str, read_at: datetime, kinds: Iterable[str] = KINDS
) -> Chart | None:
    """The chart of a patient, of these kinds; None where there is no such patient."""
    part = part_of(patient)
    found = connection.execute(PATIENT_BODY, (part, patient)).fetchone()
    if found is None:
        return None
    parts: dict[str, list[dict[str, Any]]] = {}
    older: set[str] = set()
    referred: set[str] = set()
    wanted = set(kinds)
    for kind, body in connection.execute(_WHOLE, (part, patient)):
        if kind in wanted:
            parts.setdefault(kind, []).append(_read(body, referred))
    for newest in NEWEST:
        if newest.kind not in wanted:
            continue
        rows = connection.execute(_NEWEST, (part, patient, newest.kind, newest.count_max + 1)).fetchall()
        if rows:
            parts[newest.kind] = [_read(row[0], referred) for row in rows[: newest.count_max]]
        if len(rows) > newest.count_max:
            older.add(newest.kind)
    for kind, body in connection.execute(_ALSO, (patient,)):
        if kind in wanted:
            parts.setdefault(kind, []).append(_read(body, referred))
    person = _read(found[0], referred)
    others = _others(connection, referred)
    return Chart(
        person,
        read_at,
        parts,
        others,
        older=frozenset(older),
    )


def _others(connection: Connection, wanted: set[str]) -> dict[str, dict[str, Any]]:
    """What the chart refers to, and the places that those places are part of."""
    known: dict[str, dict[str, Any]] = {}
    for _ in range(2):
        further: set[str] = set()
        for key in wanted - known.keys():
            kind, _, identity = key.partition("/")
            row = connection.execute(_BESIDE, (kind, identity)).fetchone()
            if row is not None:
                known[key] = _read(row[0], further)
        wanted = further
    return known


def _read(packed: bytes, referred: set[str]) -> dict[str, Any]:
    """A resource; `Type/id` of what must be read along with it is put into `referred`."""
    body = unpack(packed)
    for kind, identity, display in _REFERENCE.findall(body):
        if kind in _NEEDED or not display:
            referred.add(f"{kind.decode()}/{identity.decode()}")
    return loads(body)


_NEEDED = (b"Location", b"Medication")
"""More is read of them than a name: ward and bed, form and strength. Of others only what is referred to
without its name."""
_REFERENCE = re.compile(
    rb'"reference"\s*:\s*"(?:[^"]*/)?(%b)/([A-Za-z0-9.-]+)(?:/_history/[^"]*)?"(\s*,\s*"display")?'
    % "|".join(BESIDE).encode()
)

PATIENT_BODY = """
SELECT body FROM resource
 WHERE part = ?1 AND patient = ?2 AND type = 'Patient' AND id = ?2 AND body IS NOT NULL
"""
_WHOLE = f"""
SELECT type, body FROM resource
 WHERE part = ? AND patient = ? AND type IN ({", ".join(f"'{kind}'" for kind in WHOLE)}) AND body IS NOT NULL
"""
_NEWEST = """
SELECT body FROM resource
 WHERE part = ? AND patient = ? AND type = ? AND body IS NOT NULL ORDER BY sort DESC, id DESC LIMIT ?
"""
_ALSO = """
SELECT r.type, r.body FROM also a JOIN resource r ON r.type = a.type AND r.id = a.id
 WHERE a.patient = ? AND r.body IS NOT NULL
"""
_BESIDE = "SELECT body FROM resource WHERE type = ? AND id = ? AND body IS NOT NULL"
