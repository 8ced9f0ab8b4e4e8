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
from altid.screen.views.elements import Resource, element
from altid.screen.views.medication import Medication, medications_of
from altid.screen.views.plans import Requisition, requisitions_of
from altid.web.dose_fields import fields_of
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

_DOSED = frozenset({Action.CHANGE, Action.RENEW})
"""These open the dose form."""

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
    is_unfit: bool = False
    """Its dosage does not go into the dose form, so it is neither changed nor renewed here."""

    @property
    def is_current(self) -> bool:
        return self.state in (None, State.DRAFT, State.ACTIVE, State.ON_HOLD, State.ACCEPTED, State.TAKEN)


@dataclass(frozen=True, slots=True)
class Rows:
    """`is_known`: False where they could not be read; the lists then say nothing. `older`: types of which
    only the newest past ones are here."""

    is_known: bool
    medications: tuple[Row, ...] = ()
    requisitions: tuple[Row, ...] = ()
    older: frozenset[str] = frozenset()

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
        chart.older,
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
        actions = _actions(order, task, identity) if may_act else ()
        is_unfit = bool(_DOSED & {*actions}) and fields_of(order) is None
        yield Row(
            kind=kind,
            id=str(order["id"]),
            version=int(element(order.get("meta")).get("versionId", 0)),
            state=_state(order, task),
            shown=row,
            signer=row.by,
            receipt=beside.receipts.get(row.reference),
            actions=tuple(one for one in actions if not (is_unfit and one in _DOSED)),
            resource=order,
            is_unfit=is_unfit,
        )


def _state(order: Resource, task: Resource | None) -> State | None:
    try:
        return lifecycle.state(order, task)
    except RefusedError:
        return None


def _actions(order: Resource, task: Resource | None, identity: Identity) -> tuple[Action, ...]:
    """By the state of the order, and by the role of whoever looks; the server asks both once more."""
    if _state(order, task) is None:
        return ()
    possible, kind = lifecycle.allowed(order, task), order["resourceType"]
    return tuple(
        action
        for action in OFFERED[kind]
        if action in possible and policy.may(identity, Intended(action), kind)
    )
