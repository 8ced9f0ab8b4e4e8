"""Giving drugs at the bedside: `/patient/{id}/administer`, each with the dose that is due.

Before anything can be given, the number on the patient's wristband is read into the page; and each sending
names the patient of the page, so what was opened for another bed is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.orders import policy
from altid.orders.actions import State
from altid.orders.intent import Action
from altid.screen.views.dosage import Dosage
from altid.screen.views.elements import Resource, element, elements
from altid.screen.views.medication import Group, Medication
from altid.screen.views.slots import next_slot
from altid.screen.views.values import Quantity, Span
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames
from altid.web.order_pages import REASON_CHARACTERS_MAX, Sheet, open_sheet, shown
from altid.web.order_rows import Row

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


def administering_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        sheet = await open_sheet(visit, names, "patient-administer")
        return sheet if isinstance(sheet, Response) else _page(visit, sheet)

    return [Route("/patient/{id}/administer", gated(service, show), methods=["GET"])]


def _page(visit: Visit, sheet: Sheet) -> Response:
    due = due_of(sheet)
    return shown(
        visit,
        sheet,
        "administer.html",
        scheduled=[one for one in due if one.drug.due is not None],
        others=[one for one in due if one.drug.due is None],
        gives=sheet.may_act and policy.may(visit.identity, Action.ADMINISTER, "MedicationRequest"),
        reasons=NOT_GIVEN,
        reason_max=REASON_CHARACTERS_MAX,
    )


def due_of(sheet: Sheet) -> list[Due]:
    """The orders in force: what is due comes first, by time; then what is given as needed or by words."""
    read_at = sheet.opened.chart.read_at
    rows = [row for row in sheet.rows.medications if row.state is State.ACTIVE]
    drugs = [(row, cast("Medication", row.shown)) for row in rows]
    given = [(row, drug) for row, drug in drugs if drug.is_current and not drug.is_forbidden]
    return sorted((_due(row, drug, read_at) for row, drug in given), key=_soonest)


def _due(row: Row, drug: Medication, now: datetime) -> Due:
    instructions = elements(row.resource.get("dosageInstruction"))
    instructions.sort(key=lambda line: line.get("sequence") or 0)
    pairs = list(zip(drug.dosages, instructions, strict=False))
    lines = tuple(
        Line(dosage, _given(content), _is_due(dosage, pairs, drug, now)) for dosage, content in pairs
    )
    ranges = [line for line in lines if isinstance(line.dosage.dose, Span)]
    return Due(row, drug, lines, _unit(lines), needs_amount=bool(ranges))


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
