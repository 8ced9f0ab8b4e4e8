"""GET /orders/reconciliation: what was reconciled last, and whatever is uncertain still."""

from __future__ import annotations

from typing import Any

from altid.access.audit.event import Action
from altid.access.permit import Note
from altid.api.messages import Request, Response
from altid.api.orders import answers
from altid.api.orders.looking import require_to_oversee
from altid.api.settings import Service
from altid.orders.desk import OrderDesk
from altid.orders.policy import told_of
from altid.orders.proofs.showing import read_standing
from altid.orders.proofs.telling import affected, figures, order
from altid.orders.verdict import Reconciliation, Uncertain
from altid.orders.whereabouts import patient_names

_OPEN = ("why", "key", "action", "at", "sources", "sites", "todo")
"""What is told of an order whose patient is not for whoever asks."""


async def latest(service: Service, desk: OrderDesk, request: Request) -> Response:
    """Counts and keys for whoever oversees orders; patients only to those with grounds (the auditor: all)."""
    require_to_oversee(request, "reconciliation")
    async with service.database.reading() as connection:
        standing = await read_standing(connection, desk.secret)
        found = standing.found
        listed = found.listed if found else ()
        shown = await told_of(request.permit, {one.patient for one in listed if one.patient})
        may_name = request.permit.may("r", "Patient")
        names = await patient_names(connection, shown) if may_name else {}
    request.permit.note(
        Note(Action.SEARCH, "orders", patients=tuple(sorted(shown)), operation="reconciliation")
    )
    told: dict[str, Any] = {
        "alarm": standing.is_alarm,
        "altered": list(standing.altered),
        "evidence": [one.summary | {"by": one.by, "sha256": one.sha256} for one in standing.proofs],
        "reconciliation": found and _result(found, shown, names),
    }
    return answers.json_response(told)


def _result(found: Reconciliation, shown: frozenset[str], names: dict[str, str]) -> dict[str, Any]:
    return {
        **figures(found),
        "uncertain": [_order(one, shown, names) for one in found.uncertain],
        "notSentAgain": [_order(one, shown, names) for one in found.not_sent_again],
        "affected": affected(found),
    }


def _order(one: Uncertain, shown: frozenset[str], names: dict[str, str]) -> dict[str, Any]:
    whole = order(one, names)
    return whole if one.patient in shown else {name: whole[name] for name in _OPEN}
