"""What actions make beside the order: a renewed order, administrations, specimens, reports, progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from altid.orders.actions import Action, Done
from altid.orders.elements import Resource, name

_STAYS_WITH_THE_OLD = frozenset(
    {"id", "meta", "status", "statusReason", "authoredOn", "requester", "detectedIssue", "identifier"}
)
"""What a renewed order does not take over; of `meta` it takes the labels: what is private stays so."""

_DRUG = ("medicationReference", "medicationCodeableConcept")


def renewed(order: Resource, done: Done) -> Resource:
    """A new active order as the old one, but for `done.fields`, that refers to it (R4 priorPrescription).

    Whoever renews it has ordered it; a system says who that is.
    """
    gone = _STAYS_WITH_THE_OLD | set(done.remove)
    gone |= set(_DRUG) if any(drug in done.fields for drug in _DRUG) else set()
    kept = {key: value for key, value in order.items() if key not in gone}
    if "contained" in kept:
        kept["contained"] = [inner for inner in kept["contained"] if inner["resourceType"] != "DetectedIssue"]
        kept = kept if kept["contained"] else {key: kept[key] for key in kept if key != "contained"}
    return {
        **kept,
        **_meta(order, "profile", "security", "tag"),
        **({"requester": done.by} if "reference" in done.by else {}),
        **done.fields,
        "id": done.identity,
        "status": "active",
        "authoredOn": stamp(done.at),
        "priorPrescription": {"reference": name(order)},
    }


def administration(order: Resource, done: Done) -> Resource:
    """MedicationAdministration: given now unless `done.fields` say otherwise (`not-done`, with a reason)."""
    when = {} if "effectivePeriod" in done.fields else {"effectiveDateTime": stamp(done.at)}
    return {
        "status": "completed",
        **when,
        **done.fields,
        **_about(order, "MedicationAdministration", done.identity, encounter="context"),
        **{key: order[key] for key in _DRUG if key in order},
        "performer": [{"actor": done.by}],
        "request": {"reference": name(order)},
    }


def specimen(order: Resource, done: Done) -> Resource:
    """Specimen: taken now unless `done.fields` say otherwise."""
    taken = {"collectedDateTime": stamp(done.at), "collector": done.by}
    if "collectedPeriod" in done.fields.get("collection", {}):
        del taken["collectedDateTime"]
    return {
        "status": "available",
        **done.fields,
        **_about(order, "Specimen", done.identity),
        "collection": {**taken, **done.fields.get("collection", {})},
        "request": [{"reference": name(order)}],
    }


def report(order: Resource, done: Done) -> Resource:
    """DiagnosticReport: final unless `done.fields` say otherwise."""
    return {
        "status": "final",
        "code": order["code"],
        "issued": stamp(done.at),
        "resultsInterpreter": [done.by],
        **({"specimen": order["specimen"]} if "specimen" in order else {}),
        **done.fields,
        **_about(order, "DiagnosticReport", done.identity, encounter="encounter"),
        "basedOn": [{"reference": name(order)}],
    }


_REPORTED = ("final", "amended", "corrected", "appended")
"""R4 diagnostic-report-status: the whole result is there."""


def is_unfinished(done: Done) -> bool:
    """Whether a report is preliminary, or none after all: then its requisition goes on."""
    return done.action is Action.RESULT and done.fields.get("status", "final") not in _REPORTED


MAKERS: Mapping[Action, Callable[[Resource, Done], Resource]] = {
    Action.RENEW: renewed,
    Action.ADMINISTER: administration,
    Action.SPECIMEN: specimen,
    Action.RESULT: report,
}


def task(order: Resource, before: Resource | None, status: str, done: Done) -> Resource:
    """The Task of a requisition, or its new version; the reason is kept where one was given."""
    made: Resource = before or {
        **_about(order, "Task", order["id"], subject="for", encounter="encounter"),
        "intent": "order",
        "authoredOn": stamp(done.at),
        "requester": order.get("requester", done.by),
        "basedOn": [{"reference": name(order)}],
        "focus": {"reference": name(order)},
    }
    why = {"statusReason": {"text": done.reason.strip()}} if done.reason.strip() else {}
    owner = {"owner": done.by} if status == "accepted" else {}
    return {**made, **owner, **why, "status": status, "lastModified": stamp(done.at)}


def stamp(at: datetime) -> str:
    """As a FHIR instant, to the second."""
    return at.isoformat(timespec="seconds")


def _about(
    order: Resource, kind: str, identity: str, *, subject: str = "subject", encounter: str = ""
) -> Resource:
    """Type, id, whom it is about and in which stay, with the order's labels: private, or a test."""
    about: Resource = {"resourceType": kind, "id": identity, subject: order["subject"]}
    if encounter and "encounter" in order:
        about[encounter] = order["encounter"]
    return {**about, **_meta(order, "security", "tag")}


def _meta(order: Resource, *parts: str) -> Resource:
    meta = {part: order["meta"][part] for part in parts if part in order.get("meta", {})}
    return {"meta": meta} if meta else {}
