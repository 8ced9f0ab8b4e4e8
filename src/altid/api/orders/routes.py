"""Which of the interactions below /orders a request is."""

from __future__ import annotations

from altid.api import errors
from altid.api.http import FhirApp
from altid.api.messages import Request, Response
from altid.api.orders import answers, looking, outbox, outboxes, reconciliation, recovered
from altid.api.orders.acting import act_upon
from altid.api.orders.signing import check, sign
from altid.api.settings import Service
from altid.orders.desk import OrderDesk
from altid.orders.downstream.destinations import Downstream
from altid.orders.intent import Action

_PLACES = ("check", "inbox", "intents", "outbox", "outboxes", "receipts", "reconciliation", "recovered")
_ACTIONS = {str(action): action for action in Action if action is not Action.DRAFT}


def orders_app(service: Service, desk: OrderDesk, downstream: Downstream) -> FhirApp:
    """The ASGI application below /orders: asked, guarded and audited as FHIR is."""

    async def answer(service: Service, request: Request) -> Response:
        return await _answer(service, desk, downstream, request)

    return FhirApp(service, answer, answers.worded)


async def _answer(service: Service, desk: OrderDesk, downstream: Downstream, request: Request) -> Response:
    match request.method, request.path:
        case (("GET" | "HEAD"), ("outbox",)):
            return await outbox.listed(service.database, downstream, request)
        case (("GET" | "HEAD"), ("inbox",)):
            return await outbox.held(service.database, request)
        case "POST", (("outbox" | "inbox"), _, _):
            return await outbox.decide(service.database, request)
        case (("GET" | "HEAD"), ("receipts", key)):
            return await looking.receipts(desk, request, key)
        case (("GET" | "HEAD"), ("intents",)):
            return await looking.intents(desk, request)
        case (("GET" | "HEAD"), ("reconciliation",)):
            return await reconciliation.latest(service, desk, request)
        case (("GET" | "HEAD"), ("recovered",)):
            return await recovered.listed(desk, request)
        case (("GET" | "HEAD"), ("recovered", key)):
            return await recovered.one(desk, request, key)
        case "POST", ("check",):
            return await check(service, request)
        case "POST", _:
            return await _post(service, desk, request)
    raise errors.method_not_allowed(request.method) if _is_known(request) else errors.not_found()


async def _post(service: Service, desk: OrderDesk, request: Request) -> Response:
    """What writes; refused at once where its intent could not be noted."""
    if (fault := desk.notebook.fault) is not None:
        raise answers.not_taken(fault)
    match request.path:
        case ():
            return await sign(service, desk, request)
        case ("outboxes",):
            return await outboxes.outbox(desk, request)
        case ("recovered", key, ("register" | "discard") as what):
            return await recovered.decide(service, desk, request, key, what)
        case (type_, id_, action) if action in _ACTIONS:
            return await act_upon(service, desk, request, type_, id_, _ACTIONS[action])
    raise errors.not_found()


def _is_known(request: Request) -> bool:
    return request.path == () or request.path[0] in _PLACES
