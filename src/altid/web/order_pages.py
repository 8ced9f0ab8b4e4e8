"""Orders of a patient: all of them, each by itself with what may be done with it, and a new requisition.

The pages are read here; what is done on them, their script sends to `/orders` (`static/acting.js`), so that
whatever acts on an order goes the one way that is noted, checked and receipted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action as Told
from altid.orders import policy
from altid.orders.actions import Action as Act
from altid.orders.intent import Action
from altid.screen.rendering import answer
from altid.screen.views.dosage import dosages_of
from altid.screen.views.medication import begins
from altid.web.dose_fields import fields_of
from altid.web.faults import failed
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames
from altid.web.needs import DOSES, ORDERS, Need
from altid.web.order_reading import TYPES, read_beside
from altid.web.order_rows import WITH_REASON, Rows, rows_of
from altid.web.ordering import CHOICES
from altid.web.patient import Shown
from altid.web.patient_pages import ID, Opened, open_patient
from altid.web.requisitioning import CATEGORIES, EXAMINATIONS, performers_of

REASON_CHARACTERS_MAX = 1_000
"""As `/orders` takes it."""
TAB = "orders"

_HELD_AGAINST = (
    "resourceType",
    "id",
    "intent",
    "subject",
    "medicationReference",
    "medicationCodeableConcept",
    "reasonCode",
    "reasonReference",
    "dosageInstruction",
    "dispenseRequest",
    "extension",
)
"""What the script of a change needs of the order: to have it examined as it will be."""

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A patient's orders, opened for a page."""

    opened: Opened
    rows: Rows
    may_act: bool


def order_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    def opening(show: Callable[[Visit, Sheet], Response], what: str) -> Handler:
        async def handle(visit: Visit) -> Response:
            sheet = await open_sheet(visit, names, what)
            return sheet if isinstance(sheet, Response) else show(visit, sheet)

        return gated(service, handle)

    there = "/patient/{id}"
    return [
        Route(f"{there}/orders", opening(_all, "patient-orders"), methods=["GET"]),
        Route(f"{there}/orders/{{kind}}/{{order}}", opening(_one, "patient-order"), methods=["GET"]),
        Route(f"{there}/requisition", opening(_new_requisition, "patient-requisition"), methods=["GET"]),
    ]


async def open_sheet(visit: Visit, names: PlaceNames, what: str, need: Need = ORDERS) -> Sheet | Response:
    """Read a patient's orders for a page of theirs, and note it; or the page that says why not."""
    kind, order = visit.request.path_params.get("kind"), visit.request.path_params.get("order", "")
    if kind in TYPES and ID.fullmatch(order):
        need = DOSES.with_one(kind, order)
    opened = await open_patient(visit, names, what, need)
    if isinstance(opened, Response):
        return opened
    async with visit.service.database.reading() as connection:
        beside = await read_beside(connection, opened.chart, with_tasks=visit.permit.may("r", "Task"))
    may_act = await visit.permit.has_grounds([str(opened.chart.patient["id"])])
    return Sheet(opened, rows_of(opened.chart, beside, visit.identity, may_act=may_act), may_act)


def _all(visit: Visit, sheet: Sheet) -> Response:
    signs = sheet.may_act and policy.may(visit.identity, Action.SIGN, "ServiceRequest")
    gives = sheet.may_act and policy.may(visit.identity, Action.ADMINISTER, "MedicationRequest")
    return shown(visit, sheet, "orders.html", signs=signs, gives=gives)


def _one(visit: Visit, sheet: Sheet) -> Response:
    kind, order = visit.request.path_params["kind"], visit.request.path_params["order"]
    row = sheet.rows.find(kind, order) if kind in TYPES and ID.fullmatch(order) else None
    if row is None:
        return failed(visit.request, "not-found", 404)
    visit.note(Told.READ, "patient-order", type=kind, id=order, patients=(visit.request.path_params["id"],))
    return shown(
        visit,
        sheet,
        "one-order.html",
        row=row,
        lines=dosages_of(row.resource.get("dosageInstruction"), begins(row.resource)),
        state=fields_of(row.resource) if {Act.CHANGE, Act.RENEW} & {*row.actions} else None,
        is_unfit=row.is_unfit,
        told={name: row.resource[name] for name in _HELD_AGAINST if name in row.resource},
        with_reason=WITH_REASON,
        reason_max=REASON_CHARACTERS_MAX,
        **CHOICES,
    )


def _new_requisition(visit: Visit, sheet: Sheet) -> Response:
    return shown(
        visit,
        sheet,
        "requisition.html",
        may_sign=sheet.may_act and policy.may(visit.identity, Action.SIGN, "ServiceRequest"),
        categories=CATEGORIES,
        examinations=EXAMINATIONS,
        performers=performers_of(sheet.opened.chart),
        reason_max=REASON_CHARACTERS_MAX,
    )


def shown(visit: Visit, sheet: Sheet, template: str, **data: Any) -> Response:
    """A page in the patient's frame, whose script knows for whom and by whom it acts."""
    opened = sheet.opened
    page = Shown(opened.chart, visit.words, opened.me, by_override=opened.by_override)
    html = page.render(template, TAB, rows=sheet.rows, account=visit.identity.subject, **data)
    return answer(html, visit.words)
