"""What a Danish requisition holds: completed by Altid, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterator

from altid.orders.context import Context
from altid.orders.elements import SNOMED, Resource, codes, is_said, target
from altid.orders.findings import Finding, error

LABORATORY = "108252007"
"""SNOMED CT: laboratory procedure. Such a requisition is of a specimen."""

_ROOT = "ServiceRequest"
_TIMES = ("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming")


def complete(order: Resource, context: Context) -> Resource:
    """With the requester and the time, if they are not said."""
    completed = dict(order)
    if context.signer and "requester" not in order:
        completed["requester"] = context.signer
    completed.setdefault("authoredOn", context.now.isoformat(timespec="seconds"))
    return completed


def missing(order: Resource) -> Iterator[Finding]:
    """What the requisition must hold and does not."""
    if order.get("intent") != "order":
        yield error("required", f"{_ROOT}.intent", _INTENT)
    if not target(order.get("subject")):
        yield error("required", f"{_ROOT}.subject", _SUBJECT)
    if not is_said(order.get("code")):
        yield error("required", f"{_ROOT}.code", _CODE)
    if not (target(order.get("requester")) or "").startswith("PractitionerRole/"):
        yield error("required", f"{_ROOT}.requester", _REQUESTER)
    if not any(target(performer) for performer in order.get("performer", ())):
        yield error("required", f"{_ROOT}.performer", _PERFORMER)
    if "priority" not in order:
        yield error("required", f"{_ROOT}.priority", _PRIORITY)
    if not (any(map(is_said, order.get("reasonCode", ()))) or order.get("reasonReference")):
        yield error("required", f"{_ROOT}.reasonCode", _REASON)
    if is_laboratory(order) and not (order.get("specimen") or any(time in order for time in _TIMES)):
        yield error("required", f"{_ROOT}.specimen", _SPECIMEN)


def is_laboratory(order: Resource) -> bool:
    return any(LABORATORY in codes(category, SNOMED) for category in order.get("category", ()))


# Texts in Danish and English
_INTENT = ("En rekvisition har hensigten order.", "A requisition has the intent order.")
_SUBJECT = ("En rekvisition nævner patienten.", "A requisition names the patient.")
_CODE = ("En rekvisition siger, hvad der ønskes.", "A requisition says what is asked for.")
_REQUESTER = (
    "En rekvisition nævner rekvirent og organisation: en PractitionerRole.",
    "A requisition names requester and organisation: a PractitionerRole.",
)
_PERFORMER = ("En rekvisition nævner, hvem der skal udføre den.", "A requisition names who is to perform it.")
_PRIORITY = ("En rekvisition har en prioritet.", "A requisition has a priority.")
_REASON = ("En rekvisition har en begrundelse.", "A requisition has a reason.")
_SPECIMEN = (
    "En laboratorierekvisition nævner prøven, eller hvornår den skal tages.",
    "A laboratory requisition names the specimen, or when it is to be taken.",
)
