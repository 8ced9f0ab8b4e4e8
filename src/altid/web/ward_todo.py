"""Reading what is to be done next for the patients of a ward: one statement a kind, for all of them at once.

What grows without end is not read to find its newest: when a drug was last given, and which round of vital
signs is the newest, the search index tells, and `ward_memory` keeps it while nothing new is written. An
order in force is understood once for each of its versions, however often the list is opened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import TypeVar
from uuid import UUID

from altid.fhir.search import query
from altid.fhir.search.about import patients_about
from altid.fhir.search.parameters import reference_terms
from altid.record.database import Connection
from altid.record.keys import name_key, term_keys
from altid.record.read import read_many
from altid.record.search import search
from altid.record.stored import Found, Stored
from altid.record.visibility import Visible
from altid.screen.views.chart import Chart
from altid.screen.views.due import NextDose, Scheduled, next_doses, scheduled_of
from altid.screen.views.elements import HL7, Resource, text
from altid.screen.views.moments import LONG_AGO
from altid.screen.views.plans import PENDING, requisitions_of
from altid.screen.views.todo import Measuring, Todo, answers_of, measuring_of, waits_of
from altid.screen.views.unconfirmed import SENT, unconfirmed_of
from altid.screen.views.vitals import SCORE_CODES, SCORED_FROM
from altid.web import ward_memory
from altid.web.loading import UNREACHABLE, content
from altid.web.ward_memory import Known, WardMemory

KINDS = ("MedicationRequest", "MedicationAdministration", "Observation", "ServiceRequest", "Task")
_ROWS_MAX = 4_000
_UNDERSTOOD_MAX = 8_192
"""Orders in force of some thirty wards: about 20 MB in each server process."""
_IN_FORCE = "active,on-hold,draft,unknown"

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class _Order:
    """A MedicationRequest as it is stored, and what its schedule says, where it is given by one."""

    stored: Stored
    status: str
    scheduled: Scheduled | None


async def read_todos(
    connection: Connection,
    patients: Sequence[str],
    visible: Visible,
    closed: Collection[str],
    now: datetime,
    memory: WardMemory,
) -> Mapping[str, Todo]:
    """For each of the patients. What one statement can't read is missing from all, and the rest is there."""
    reading = _Reading(connection, patients, visible, closed)
    orders = await reading.tried(reading.orders, "MedicationRequest")
    known = await _known(reading, memory, now)
    last, measured = known.last_given, known.measured
    requests = await reading.tried(reading.requests, "ServiceRequest")
    tasks = await reading.tried(reading.tasks, "Task")
    partly = frozenset(patient for patient in patients if visible.hidden.get(patient))

    def todo(patient: str) -> Todo:
        mine = orders.get(patient, ()) if orders is not None else None
        asked = requests.get(patient, ()) if requests is not None else None
        done = tasks.get(patient, ()) if tasks is not None else None
        whole = patient not in partly
        doses = _doses(mine, last, now) if whole and mine is not None and last is not None else None
        measuring = measured.get(patient) if whole and measured is not None else None
        chart = _chart(now, mine, asked, done)
        return Todo(
            doses=doses,
            measuring=measuring and measuring.seen_at(now),
            was_measured=measuring is not None if whole and measured is not None else None,
            answers=answers_of(requisitions_of(chart).pending, now) if asked is not None else None,
            waits=waits_of(unconfirmed_of(chart)),
        )

    return {patient: todo(patient) for patient in patients}


async def _known(reading: _Reading, memory: WardMemory, now: datetime) -> Known:
    """Kept is what was read for those who may see both kinds; whoever may not has it left out."""
    patients = reading.shown
    terms = [term for kind in ward_memory.KINDS for term in reading.about(kind)]
    try:
        found, since = await memory.find(reading.connection, patients, terms) if patients else (None, 0)
    except UNREACHABLE:
        return Known(None, None)
    if found is None:
        last = await reading.tried(reading.last_given, "MedicationAdministration")
        rounds = await reading.tried(reading.rounds, "Observation")
        found = Known(last, None if rounds is None else _measured(rounds, now))
        memory.keep(patients, found, since)
    may = {kind: kind not in reading.closed for kind in ward_memory.KINDS}
    return Known(
        found.last_given if may["MedicationAdministration"] else None,
        found.measured if may["Observation"] else None,
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    connection: Connection
    patients: Sequence[str]
    visible: Visible
    closed: Collection[str]

    async def tried(self, read: Callable[[], Awaitable[_Read]], kind: str) -> _Read | None:
        """None for what is not for whoever looks, and for what could not be read."""
        if kind in self.closed or not self.patients:
            return None
        try:
            return await read()
        except UNREACHABLE:
            return None

    async def orders(self) -> dict[str, list[_Order]]:
        found = await self._search("MedicationRequest", ("status", _IN_FORCE))
        drugs = {ref.partition("=")[2] for _, refs in found for ref in refs if ref.startswith("medication=")}
        wanted = [("Medication", drug.partition("/")[2]) for drug in drugs if drug.startswith("Medication/")]
        read = {drug.reference: drug for drug in await read_many(self.connection, wanted)}
        orders: dict[str, list[_Order]] = {}
        for stored, refs in found:
            named = next((ref.partition("=")[2] for ref in refs if ref.startswith("medication=")), "")
            for patient in patients_about(stored.type, stored.id, refs):
                orders.setdefault(patient, []).append(_understood(stored, read.get(named)))
        return orders

    async def last_given(self) -> dict[str, datetime]:
        """By the order's reference."""
        kind = "MedicationAdministration"
        withdrawn = term_keys([f"{kind}.status=entered-in-error"])
        key = name_key(f"{kind}.effective-time")
        rows = await self.connection.fetch(_LAST_GIVEN, self.about(kind), key, withdrawn)
        return {row[0]: row[1] for row in rows}

    async def rounds(self) -> dict[str, list[Resource]]:
        """The newest round of vital signs, by patient."""
        kind = "Observation"
        rows = await self.connection.fetch(
            _ROUNDS,
            self.about(kind),
            name_key(f"{kind}.date"),
            term_keys([f"{kind}.category={HL7}/observation-category|vital-signs"]),
            term_keys([f"{kind}.status=entered-in-error", f"{kind}.status=cancelled"]),
            term_keys(f"{kind}.code={code}" for code in sorted(SCORE_CODES)),
            SCORED_FROM,
        )
        return {
            patient: [content(Stored(*row[1:])) for row in some]
            for patient, some in groupby(rows, key=lambda row: row[0])
        }

    async def requests(self) -> dict[str, list[Resource]]:
        return _by_patient(await self._search("ServiceRequest", ("status", ",".join(PENDING))))

    async def tasks(self) -> dict[str, list[Resource]]:
        return _by_patient(await self._search("Task", ("status", ",".join(SENT))))

    async def _search(self, kind: str, *criteria: tuple[str, str]) -> Sequence[Found]:
        named = ("patient", ",".join(f"Patient/{each}" for each in self.patients))
        asked = query.parse(kind, (named, *criteria))
        return (await search(self.connection, asked, self.visible, count=_ROWS_MAX)).found

    @property
    def shown(self) -> tuple[str, ...]:
        """Those patients who have blocked no period."""
        return tuple(each for each in self.patients if not self.visible.hidden.get(each))

    def about(self, kind: str) -> list[UUID]:
        """Terms of rows about them."""
        return term_keys(t for each in self.shown for t in reference_terms(kind, "patient", "Patient", each))


def _by_patient(found: Iterable[Found]) -> dict[str, list[Resource]]:
    by_patient: dict[str, list[Resource]] = {}
    for stored, refs in found:
        for patient in patients_about(stored.type, stored.id, refs):
            by_patient.setdefault(patient, []).append(content(stored))
    return by_patient


@lru_cache(maxsize=_UNDERSTOOD_MAX)
def _understood(stored: Stored, drug: Stored | None) -> _Order:
    """A version never changes, so it is read once."""
    order = content(stored)
    others = {drug.reference: content(drug)} if drug is not None and drug.body is not None else {}
    chart = Chart({}, LONG_AGO, others=others)
    return _Order(stored, text(order.get("status")) or "unknown", scheduled_of(chart, order))


def _doses(orders: Iterable[_Order], last: Mapping[str, datetime], now: datetime) -> tuple[NextDose, ...]:
    return next_doses((order.scheduled for order in orders if order.scheduled), last, now)


def _measured(rounds: Mapping[str, Sequence[Resource]], now: datetime) -> dict[str, Measuring]:
    """By patient, of those who have a round."""
    found = {each: measuring_of(Chart({}, now, {"Observation": rounds[each]})) for each in rounds}
    return {patient: measuring for patient, measuring in found.items() if measuring}


def _chart(
    now: datetime,
    orders: Sequence[_Order] | None,
    requests: Sequence[Resource] | None,
    tasks: Sequence[Resource] | None,
) -> Chart:
    """What is not registered is told from: of the orders only those that can be told of there."""
    named = {str(task.get("focus", {}).get("reference")) for task in tasks or ()}
    told = [
        content(order.stored)
        for order in orders or ()
        if order.status in ("draft", "unknown") or order.stored.reference in named
    ]
    read = {"MedicationRequest": orders, "ServiceRequest": requests, "Task": tasks}
    parts = {"MedicationRequest": told, "ServiceRequest": requests or (), "Task": tasks or ()}
    return Chart({}, now, parts, unread=frozenset(kind for kind, rows in read.items() if rows is None))


_LAST_GIVEN = """
SELECT split_part(asked.ref, '=', 2), max(d.low)
  FROM resource r
       CROSS JOIN LATERAL (SELECT ref FROM unnest(r.refs) ref WHERE ref ^@ 'request=') asked
       JOIN index_date d ON d.rid = r.rid AND d.key = $2
 WHERE r.terms && $1::uuid[] AND NOT r.terms && $3::uuid[]
 GROUP BY 1
"""

# The newest moment at which enough was measured to make a score, or at which somebody has charted one.
_ROUNDS = """
WITH taken AS MATERIALIZED (
    SELECT r.rid, split_part(about.ref, '/', 2) AS patient, d.low AS at, r.terms && $5::uuid[] AS is_score,
           count(*) OVER (PARTITION BY about.ref, d.low) AS signs
      FROM resource r
           CROSS JOIN LATERAL
               (SELECT ref FROM unnest(r.refs) ref WHERE ref ^@ 'subject=Patient/' LIMIT 1) about
           JOIN index_date d ON d.rid = r.rid AND d.key = $2
     WHERE r.terms && $1::uuid[] AND r.terms && $3::uuid[] AND NOT r.terms && $4::uuid[]),
newest AS (
    SELECT patient, max(at) AS at FROM taken WHERE signs >= $6 OR is_score GROUP BY patient)
SELECT patient, r.type, r.id, r.version, r.last_updated, r.body
  FROM newest JOIN taken USING (patient, at) JOIN resource r USING (rid)
 ORDER BY patient
"""
