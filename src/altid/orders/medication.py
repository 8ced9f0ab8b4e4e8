"""What a Danish medication order holds: completed by Altid, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from altid.orders import dosage, dose_text
from altid.orders.context import Context
from altid.orders.dose import Dosage
from altid.orders.elements import ALTID, Resource, is_said, target
from altid.orders.findings import Finding, error
from altid.orders.unreadable import UnreadableError

REVIEW_DATE = f"{ALTID}/StructureDefinition/review-date"
"""Extension (date): when an order without an end is looked at again."""

_ROOT = "MedicationRequest"


def complete(order: Resource, context: Context) -> Resource:
    """With the requester and the time, if they are not said, and the dosage's text as its structure says."""
    completed = dict(order)
    if context.signer and "requester" not in order:
        completed["requester"] = context.signer
    completed.setdefault("authoredOn", context.now.isoformat(timespec="seconds"))
    with suppress(UnreadableError):
        completed["dosageInstruction"] = _with_texts(order.get("dosageInstruction", []))
    return completed


def read(order: Resource) -> Dosage | None:
    """The dosage, None if it cannot be read."""
    try:
        return dosage.read(order.get("dosageInstruction", ()))
    except UnreadableError:
        return None


def start(order: Resource, lines: Dosage) -> str:
    """When the patient begins to take it, as written (FHIR dateTime); "" if it is not said."""
    return lines.start or _validity(order).get("start", "")


def end(order: Resource, lines: Dosage) -> str:
    """When the last step ends; "" if it is open, or lasts for some days from a start."""
    ends = [line.span.end for line in lines.steps[-1]]
    return max(ends) if all(ends) else _validity(order).get("end", "")


def review(order: Resource) -> str:
    """The date of the review, "" if none is set."""
    extensions = order.get("extension", ())
    return next((e.get("valueDate", "") for e in extensions if e.get("url") == REVIEW_DATE), "")


def missing(order: Resource) -> Iterator[Finding]:
    """What the order must hold and does not."""
    if order.get("intent") != "order":
        yield error("required", f"{_ROOT}.intent", _INTENT)
    if not target(order.get("subject")):
        yield error("required", f"{_ROOT}.subject", _SUBJECT)
    if not (target(order.get("medicationReference")) or is_said(order.get("medicationCodeableConcept"))):
        yield error("required", f"{_ROOT}.medication", _DRUG)
    if not (any(map(is_said, order.get("reasonCode", ()))) or order.get("reasonReference")):
        yield error("required", f"{_ROOT}.reasonCode", _INDICATION)
    if not (target(order.get("requester")) or "").startswith("PractitionerRole/"):
        yield error("required", f"{_ROOT}.requester", _PRESCRIBER)
    yield from _missing_routes(order)
    yield from _missing_dosage(order)


def _missing_routes(order: Resource) -> Iterator[Finding]:
    for index, instruction in enumerate(order.get("dosageInstruction", ())):
        if not is_said(instruction.get("route")):
            yield error("required", f"{_ROOT}.dosageInstruction[{index}].route", _ROUTE)


def _missing_dosage(order: Resource) -> Iterator[Finding]:
    try:
        lines = dosage.read(order.get("dosageInstruction", ()))
    except UnreadableError as unreadable:
        yield error(unreadable.code, f"{_ROOT}.dosageInstruction{unreadable.field}", unreadable.text)
        return
    if not start(order, lines):
        yield error("required", f"{_ROOT}.dosageInstruction[0].timing.repeat.boundsPeriod.start", _START)
    if lines.is_open and not (end(order, lines) or review(order)):
        yield error("required", f"{_ROOT}.dosageInstruction[0].timing.repeat.boundsPeriod.end", _STOP)


def _with_texts(instructions: list[Resource]) -> list[Resource]:
    """Each instruction with the words of its own line. Raises `UnreadableError`."""
    lines = dosage.read_lines(instructions)
    return [
        {**instruction, "text": dose_text.line_text(line)}
        for instruction, line in zip(instructions, lines, strict=True)
    ]


def _validity(order: Resource) -> Resource:
    validity: Resource = order.get("dispenseRequest", {}).get("validityPeriod", {})
    return validity


# Texts in Danish and English
_INTENT = ("En ordination har hensigten order.", "An order has the intent order.")
_SUBJECT = ("En ordination nævner patienten.", "An order names the patient.")
_DRUG = ("En ordination nævner lægemidlet.", "An order names the drug.")
_INDICATION = ("En ordination har en indikation.", "An order has an indication.")
_PRESCRIBER = (
    "En ordination nævner ordinator og organisation: en PractitionerRole.",
    "An order names prescriber and organisation: a PractitionerRole.",
)
_ROUTE = ("En dosering har en administrationsvej.", "A dosage has a route.")
_START = ("En ordination har en startdato.", "An order has a start.")
_STOP = (
    "En ordination har en slutdato eller en dato for revurdering.",
    "An order has an end or a date of review.",
)
