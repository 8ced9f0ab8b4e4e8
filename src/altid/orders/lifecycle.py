"""What can be done with an order, and what becomes of it: one table, and one function that follows it.

An action makes a new version of the order, never another kind of it: what is not named stays, down to the
private mark (*privatmarkering*), which is a wish of the patient about who may look and says nothing about the
status. A status changes by these actions alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from altid.orders import products
from altid.orders.actions import RULES, TOLD_AFTERWARDS, Action, Done, Rule, State
from altid.orders.elements import ALTID, Resource
from altid.orders.findings import Finding, RefusedError, error

PRIVATE = {"system": f"{ALTID}/CodeSystem/order-label", "code": "private", "display": "Privatmarkeret"}
"""The label of *privatmarkering* in `meta.security`."""

_ON_THE_WAY = {State.ACTIVE: "requested", State.ACCEPTED: "accepted", State.TAKEN: "in-progress"}
"""Task.status of a requisition that FHIR calls active."""
_TASK_ENDS = {State.COMPLETED: "completed", State.REVOKED: "cancelled", State.IN_ERROR: "entered-in-error"}

_UNTOUCHABLE = frozenset(
    {
        "resourceType",
        "id",
        "meta",
        "status",
        "statusReason",
        "intent",
        "subject",
        "priorPrescription",
        "replaces",
        "contained",
        "detectedIssue",
        "identifier",
    }
)
"""What `change` and `renew` do not alter: who and what the order is, and what only actions set."""


@dataclass(frozen=True, slots=True)
class Write:
    """A resource to be written: a new version if `is_new` is False. All of an action's or none."""

    resource: Resource = field(repr=False)
    is_new: bool


def state(order: Resource, task: Resource | None = None) -> State:
    """Where the order is; `task` is the progress of a requisition (`task_reference`)."""
    status = State(order["status"]) if order.get("status") in set(State) else None
    if status is None:
        raise RefusedError([error("state", f"{order['resourceType']}.status", _NO_STATE)])
    if order["resourceType"] == "ServiceRequest" and status is State.ACTIVE and task is not None:
        progress = task.get("status")
        return next((state for state, known in _ON_THE_WAY.items() if known == progress), status)
    return status


def task_reference(order: Resource) -> str:
    """The Task of a requisition has the requisition's id, so that it is found without a search."""
    return f"Task/{order['id']}"


def allowed(order: Resource, task: Resource | None = None) -> tuple[Action, ...]:
    """What can be done with the order now."""
    now = state(order, task)
    return tuple(action for action, rule in RULES[order["resourceType"]].items() if now in rule.starts)


def is_private(order: Resource) -> bool:
    """Whether the patient wishes it hidden from others (*privatmarkering*). Says nothing of its status."""
    return any(_is_private_label(label) for label in order.get("meta", {}).get("security", ()))


def act(order: Resource, done: Done, task: Resource | None = None) -> tuple[Write, ...]:
    """What is to be written for that action, the order first. Raises `RefusedError`; changes no argument.

    `order` and `task` are their current versions. What is given, accepted or taken is told beside the order:
    then there is no new version of it. The caller examines orders that are signed, changed or renewed before
    it writes them.
    """
    rule = _permitted(order, done, task)
    if products.is_unfinished(done):
        rule = replace(rule, to=None)
    changed = _EFFECTS.get(done.action, _same)(order, done)
    before = state(order, task)
    after = rule.to or before
    changed = _in_state(changed, after, done, rule)
    beside = [Write(made, is_new=True) for made in _made(order, done)]
    if order["resourceType"] == "ServiceRequest" and after is not before:
        beside += _progress(changed, task, after, done)
    is_told_beside = beside and changed == order
    return tuple(beside if is_told_beside else [Write(changed, is_new=False), *beside])


def begun(order: Resource, by: Resource, at: datetime) -> tuple[Write, ...]:
    """What is to be written for an order that comes in: a draft, or signed at once. Raises `RefusedError`."""
    status = order.get("status")
    if status not in (State.DRAFT, State.ACTIVE):
        raise RefusedError([error("state", f"{order['resourceType']}.status", _BEGINS)])
    written = [Write(order, is_new=True)]
    if order["resourceType"] == "ServiceRequest" and status == State.ACTIVE:
        written += _progress(order, None, State.ACTIVE, Done(Action.SIGN, by, at))
    return tuple(written)


def _permitted(order: Resource, done: Done, task: Resource | None) -> Rule:
    kind = order["resourceType"]
    rule = RULES[kind].get(done.action)
    starts = rule.starts if rule else frozenset()
    if done.action is Action.ADMINISTER and done.is_afterwards:
        starts |= TOLD_AFTERWARDS
    if rule is None or state(order, task) not in starts:
        raise RefusedError([error("action-not-possible", f"{kind}.status", _NOT_NOW)])
    if rule.needs_reason and not done.reason.strip():
        raise RefusedError([error("required", f"{kind}.statusReason", _REASON)])
    if done.action in (Action.CHANGE, Action.RENEW) and (faults := _not_changeable(kind, done)):
        raise RefusedError(faults)
    return rule


def _not_changeable(kind: str, done: Done) -> list[Finding]:
    named = [element.removeprefix("_") for element in (*done.fields, *done.remove)]
    faults = [error("not-changeable", f"{kind}.{n}", _FIXED) for n in named if n in _UNTOUCHABLE]
    twice = [each for each in done.remove if each in done.fields]
    return faults + [error("not-changeable", f"{kind}.{each}", _BOTH) for each in twice]


# What becomes of the order


def _same(order: Resource, _done: Done) -> Resource:
    return order


def _changed(order: Resource, done: Done) -> Resource:
    """What is not named stays; a choice such as medication[x] is replaced as a whole."""
    gone = {*done.remove, *(other for name_ in done.fields for other in _alternatives(name_))}
    kept = {key: value for key, value in order.items() if key not in gone}
    return {**kept, **done.fields}


def _alternatives(element: str) -> tuple[str, ...]:
    """The other types of a choice of which there can be only one."""
    return next((choice for choice in _CHOICES if element in choice), ())


_CHOICES = (
    ("medicationReference", "medicationCodeableConcept"),
    ("reportedBoolean", "reportedReference"),
    ("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"),
    ("quantityQuantity", "quantityRatio", "quantityRange"),
)


def _signed(order: Resource, done: Done) -> Resource:
    """Whoever made the draft, and for whom: with the signature it is the signer's. A system signs for the one
    whom the draft names."""
    return {**order, "requester": done.by} if "reference" in done.by else order


def _with_specimen(order: Resource, done: Done) -> Resource:
    return {**order, "specimen": [*order.get("specimen", ()), {"reference": f"Specimen/{done.identity}"}]}


def _marked(order: Resource, _done: Done) -> Resource:
    return order if is_private(order) else _labelled(order, [*_labels(order), PRIVATE])


def _unmarked(order: Resource, _done: Done) -> Resource:
    return _labelled(order, [label for label in _labels(order) if not _is_private_label(label)])


def _labels(order: Resource) -> list[Resource]:
    labels: list[Resource] = order.get("meta", {}).get("security", [])
    return labels


def _labelled(order: Resource, labels: list[Resource]) -> Resource:
    meta = {key: value for key, value in order.get("meta", {}).items() if key != "security"}
    if labels:
        meta["security"] = labels
    unmarked = {key: value for key, value in order.items() if key != "meta"}
    return {**unmarked, "meta": meta} if meta else unmarked


def _is_private_label(label: Resource) -> bool:
    return (label.get("system"), label.get("code")) == (PRIVATE["system"], PRIVATE["code"])


_EFFECTS: Mapping[Action, Callable[[Resource, Done], Resource]] = {
    Action.SIGN: _signed,
    Action.CHANGE: _changed,
    Action.SPECIMEN: _with_specimen,
    Action.MARK_PRIVATE: _marked,
    Action.UNMARK_PRIVATE: _unmarked,
}


def _in_state(order: Resource, after: State, done: Done, rule: Rule) -> Resource:
    """With the status that FHIR has for the state, and the reason of the action that led there."""
    if rule.to is None:
        return order
    status = State.ACTIVE if after in _ON_THE_WAY else after
    kept = {key: value for key, value in order.items() if key != "statusReason"}
    said = {"text": done.reason.strip() or (_RENEWED if done.action is Action.RENEW else "")}
    if order["resourceType"] == "MedicationRequest" and said["text"]:
        kept["statusReason"] = said
    return {**kept, "status": str(status)}


# What else an action makes


def _made(order: Resource, done: Done) -> list[Resource]:
    make = products.MAKERS.get(done.action)
    return [make(order, done)] if make else []


def _progress(order: Resource, task: Resource | None, after: State, done: Done) -> list[Write]:
    """The Task that tells how far a requisition has come; a draft has none."""
    status = _ON_THE_WAY.get(after) or _TASK_ENDS.get(after)
    if status is None or (task is None and after in _TASK_ENDS):
        return []
    return [Write(products.task(order, task, status, done), is_new=task is None)]


_RENEWED = "Fornyet"

# Texts in Danish and English
_NO_STATE = (
    "Ordinationen har en status, som Altid ikke bruger.",
    "The order has a status that Altid does not use.",
)
_BEGINS = (
    "En ny ordination er kladde (draft) eller aktiv (active).",
    "A new order is a draft or active.",
)
_NOT_NOW = (
    "Det kan ikke gøres med en ordination i denne tilstand.",
    "This cannot be done with an order in this state.",
)
_REASON = ("Handlingen kræver en begrundelse.", "The action needs a reason.")
_FIXED = (
    "Dette element ændres ikke ved en rettelse, kun ved en handling for sig.",
    "This element is not altered by a change, only by an action of its own.",
)
_BOTH = (
    "Elementet er både angivet og fjernet.",
    "The element is both given and removed.",
)
