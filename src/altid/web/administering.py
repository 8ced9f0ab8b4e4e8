"""Giving drugs at the bedside: `/patient/{id}/administer`, each with the dose that is due.

Before anything can be given, the number on the patient's wristband is read into the page; and each sending
names the patient of the page, so what was opened for another bed is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.orders import policy
from altid.orders.actions import State
from altid.orders.doses import last_of_each
from altid.orders.intent import Action
from altid.screen.views.chart import Chart
from altid.screen.views.dosage import Dosage
from altid.screen.views.doses import Dose, last_of
from altid.screen.views.elements import Resource, element, elements
from altid.screen.views.medication import Group, Medication
from altid.screen.views.moments import moment_at
from altid.screen.views.slots import next_slot
from altid.screen.views.values import Quantity, Span
from altid.web.gate import Service, Visit, gated
from altid.web.loading import UNREACHABLE
from altid.web.me import PlaceNames
from altid.web.needs import DOSES
from altid.web.order_pages import REASON_CHARACTERS_MAX, Sheet, open_sheet, shown
from altid.web.order_rows import Row
from altid.web.patient_pages import ID

NOT_GIVEN = ("declined", "fasting", "away", "vomiting", "not-at-hand", "clinical")
"""Why a dose was not given, the most usual first; the words are in the catalogue."""


@dataclass(frozen=True, slots=True)
class Line:
    """A dose that can be given of an order: how the order says it, and as FHIR `Dosage`."""

    dosage: Dosage
    content: Resource
    is_due: bool


@dataclass(frozen=True, slots=True)
class Due:
    """An order that can be given from."""

    row: Row
    drug: Medication
    lines: tuple[Line, ...]
    unit: Quantity | None
    """In what another amount is told: that of all lines; None where they differ, or have no amount."""
    needs_amount: bool
    """The order leaves the amount to whoever gives it, from so much to so much."""
    last: Dose | None
    after: str
    """Reference of the dose that was told last, when the page was made; "" where there is none. What is given
    on the page is given after that one, or not at all."""


def administering_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        told = await _told(visit)
        sheet = await open_sheet(visit, names, "patient-administer", DOSES)
        return sheet if isinstance(sheet, Response) else _page(visit, sheet, told)

    return [Route("/patient/{id}/administer", gated(service, show), methods=["GET"])]


async def _told(visit: Visit) -> Mapping[str, str]:
    """The dose of each order that was told last. Nothing of it is shown: it goes back with what is given."""
    patient = visit.request.path_params["id"]
    if not ID.fullmatch(patient):
        return {}
    try:
        async with visit.service.database.reading() as connection:
            return await last_of_each(connection, patient)
    except UNREACHABLE:
        return {}  # then nothing is given again unseen: the record refuses


def _page(visit: Visit, sheet: Sheet, told: Mapping[str, str]) -> Response:
    due = due_of(sheet, told)
    return shown(
        visit,
        sheet,
        "administer.html",
        scheduled=[one for one in due if one.drug.due is not None],
        others=[one for one in due if one.drug.due is None],
        gives=sheet.may_act and policy.may(visit.identity, Action.ADMINISTER, "MedicationRequest"),
        reasons=NOT_GIVEN,
        now=moment_at(sheet.opened.chart.read_at).at.strftime("%Y-%m-%dT%H:%M"),
        reason_max=REASON_CHARACTERS_MAX,
    )


def due_of(sheet: Sheet, told: Mapping[str, str]) -> list[Due]:
    """The orders in force: what is due comes first, by time; then what is given as needed or by words."""
    chart = sheet.opened.chart
    rows = [row for row in sheet.rows.medications if row.state is State.ACTIVE]
    drugs = [(row, cast("Medication", row.shown)) for row in rows]
    given = [(row, drug) for row, drug in drugs if drug.is_current and not drug.is_forbidden]
    return sorted((_due(chart, row, drug, told) for row, drug in given), key=_soonest)


def _due(chart: Chart, row: Row, drug: Medication, told: Mapping[str, str]) -> Due:
    instructions = elements(row.resource.get("dosageInstruction"))
    instructions.sort(key=lambda line: line.get("sequence") or 0)
    pairs = list(zip(drug.dosages, instructions, strict=False))
    lines = tuple(
        Line(dosage, _given(content), _is_due(dosage, pairs, drug, chart.read_at))
        for dosage, content in pairs
    )
    ranges = [line for line in lines if isinstance(line.dosage.dose, Span)]
    last, after = last_of(chart, drug.reference), told.get(drug.reference, "")
    return Due(row, drug, lines, _unit(lines), bool(ranges), last, after)


def _unit(lines: Sequence[Line]) -> Quantity | None:
    doses = [line.dosage.dose for line in lines]
    amounts = [dose.low or dose.high if isinstance(dose, Span) else dose for dose in doses]
    known = [amount for amount in amounts if amount is not None]
    is_one = len(known) == len(lines) and len({(each.unit, each.code) for each in known}) == 1
    return known[0] if is_one else None


def _is_due(
    dosage: Dosage, pairs: Sequence[tuple[Dosage, Resource]], drug: Medication, now: datetime
) -> bool:
    """The line whose time the next dose is; the only line, too."""
    if len(pairs) == 1:
        return True
    last = drug.last.at.at if drug.last and drug.last.at else None
    slot = next_slot([dosage], last, now)
    return bool(slot and drug.due and slot.at == drug.due.at)


def _given(instruction: Resource) -> Resource:
    """MedicationAdministration.dosage of a line of the order."""
    amounts = elements(instruction.get("doseAndRate"))
    amount = amounts[0] if amounts else {}
    made: Resource = {name: instruction[name] for name in ("route", "site", "method") if name in instruction}
    if "doseQuantity" in amount:
        made["dose"] = amount["doseQuantity"]
    elif "doseRange" in amount:
        # Whoever gives it says how much.
        low = element(element(amount["doseRange"]).get("low"))
        made["dose"] = {name: low[name] for name in low if name != "value"}
    if "rateQuantity" in amount:
        made["rateQuantity"] = amount["rateQuantity"]
    return made


def _soonest(due: Due) -> tuple[bool, float, bool, str]:
    slot = due.drug.due
    name = (due.drug.drug.generic or due.drug.drug.product or "").casefold()
    return slot is None, slot.at.at.timestamp() if slot else 0.0, due.drug.group is not Group.AS_NEEDED, name
