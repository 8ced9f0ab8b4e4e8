"""Refusals that the server makes by itself, before or after the application: an `OperationOutcome`, and below
/orders the word of the receipt, which a browser decides by whether to send again."""

from __future__ import annotations

from collections.abc import Iterable

from altid.api.http import Scope, Send
from altid.api.messages import Response, outcome_response
from altid.api.orders.answers import worded
from altid.fhir.outcome import FhirError, Issue
from altid.server.paths import ORDERS_BASE, is_below


async def refuse(
    scope: Scope, send: Send, status: int, issue: Issue, headers: Iterable[tuple[str, str]] = ()
) -> None:
    """Answer the request with a status of 500 or more, and when to try again."""
    response = outcome_response(FhirError(status, [issue]), "da")
    if is_below(ORDERS_BASE, scope["path"]):
        response = worded(response)
    await _send(send, response, headers)


async def _send(send: Send, response: Response, headers: Iterable[tuple[str, str]]) -> None:
    fields = {
        "content-type": f"{response.type}; charset=utf-8",
        "content-length": str(len(response.body)),
        "cache-control": "no-store",
        "retry-after": "1",
        **dict(response.headers),
        **dict(headers),
    }
    lines = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": lines})
    await send({"type": "http.response.body", "body": response.body})
