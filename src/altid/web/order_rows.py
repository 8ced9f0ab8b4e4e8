"""The orders of a patient as their page shows them: status, version, receipt, and what may be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from altid.access.identity import Identity
from altid.orders import lifecycle, policy
from altid.orders.actions import Action, State
from altid.orders.findings import RefusedError
from altid.orders.intent import Action as Intended
from altid.screen.views.chart import Chart
from altid.screen.views.elements import Resource, element, elements, text
from altid.screen.views.medication import Medication, medications_of
from altid.screen.views.plans import Requisition, requisitions_of
from altid.web.order_reading import Beside, Receipted

OFFERED: Mapping[str, tuple[Action, ...]] = {
    "MedicationRequest": (
        Action.CHANGE,
        Action.PAUSE,
        Action.RESUME,
        Action.STOP,
        Action.RENEW,
        Action.CANCEL,
        Action.RETRACT,
    ),
    "ServiceRequest": (Action.ACCEPT, Action.SPECIMEN, Action.RESULT, Action.CANCEL, Action.RETRACT),
}
"""What the page of an order offers, the most usual first. Drugs are given on a page of their own
(`administering`), where the patient's number is read first."""

WITH_REASON = frozenset({Action.PAUSE, Action.STOP, Action.CANCEL, Action.RETRACT})


@dataclass(frozen=True, slots=True)
class Row:
    """One order. `shown`: its drug and dose, or its examination, as the other pages say it."""

    kind: str
    id: str
    version: int
    state: State | None
    """None where it has a status that Altid does not use."""
    shown: Medication | Requisition
    signer: str | None
    receipt: Receipted | None
    actions: tuple[Action, ...]
    resource: Resource = field(repr=False)

    @property
    def is_current(self) -> bool:
        return self.state in (None, State.DRAFT, State.ACTIVE, State.ON_HOLD, State.ACCEPTED, State.TAKEN)


@dataclass(frozen=True, slots=True)
class Rows:
    """`is_known`: False where they could not be read; the lists then say nothing."""

    is_known: bool
    medications: tuple[Row, ...] = ()
    requisitions: tuple[Row, ...] = ()

    def find(self, kind: str, identity: str) -> Row | None:
        wanted = (kind, identity)
        return next(
            (row for row in (*self.medications, *self.requisitions) if (row.kind, row.id) == wanted), None
        )


def rows_of(chart: Chart, beside: Beside, identity: Identity, *, may_act: bool) -> Rows:
    """All orders, those in force first; without what was entered in error. `may_act`: there are grounds."""
    if not chart.all_read("MedicationRequest", "ServiceRequest"):
        return Rows(is_known=False)
    drugs = medications_of(chart)
    medications = [*(row for _, group in drugs.current for row in group), *drugs.past]
    asked = requisitions_of(chart)
    return Rows(
        True,
        tuple(_rows(chart, beside, identity, medications, "MedicationRequest", may_act=may_act)),
        tuple(
            _rows(chart, beside, identity, [*asked.pending, *asked.done], "ServiceRequest", may_act=may_act)
        ),
    )


def _rows(
    chart: Chart,
    beside: Beside,
    identity: Identity,
    shown: Sequence[Medication | Requisition],
    kind: str,
    *,
    may_act: bool,
) -> Iterable[Row]:
    orders = {f"{kind}/{one['id']}": one for one in chart.of(kind)}
    for row in shown:
        if (order := orders.get(row.reference)) is None:
            continue
        task = beside.tasks.get(str(order["id"]))
        yield Row(
            kind=kind,
            id=str(order["id"]),
            version=int(element(order.get("meta")).get("versionId", 0)),
            state=_state(order, task),
            shown=row,
            signer=row.by,
            receipt=beside.receipts.get(row.reference),
            actions=tuple(_actions(order, task, identity)) if may_act else (),
            resource=order,
        )


def _state(order: Resource, task: Resource | None) -> State | None:
    try:
        return lifecycle.state(order, task)
    except RefusedError:
        return None


def _actions(order: Resource, task: Resource | None, identity: Identity) -> Iterable[Action]:
    """By the state of the order, and by the role of whoever looks; the server asks both once more."""
    if _state(order, task) is None:
        return
    possible = set(lifecycle.allowed(order, task))
    kind = order["resourceType"]
    for action in OFFERED[kind]:
        if action not in possible or not policy.may(identity, Intended(action), kind):
            continue
        if action in (Action.CHANGE, Action.RENEW) and not has_plain_doses(order):
            continue
        yield action


def has_plain_doses(order: Resource) -> bool:
    """Whether its doses can be changed by naming other amounts: each line has one, and an order without steps
    one time for all of it. What is tapered is ordered anew, where all of it is in sight."""
    lines = elements(order.get("dosageInstruction"))
    return bool(lines) and len({line.get("sequence") for line in lines}) == 1 and all(map(_is_plain, lines))


def _is_plain(line: Resource) -> bool:
    amounts = elements(line.get("doseAndRate"))
    repeat = element(element(line.get("timing")).get("repeat"))
    has_length = "boundsDuration" in repeat or "boundsRange" in repeat
    quantity = element(amounts[0].get("doseQuantity")) if len(amounts) == 1 else {}
    return not has_length and "value" in quantity and text(quantity.get("code")) is not None
