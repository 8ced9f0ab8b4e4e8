"""Answers of the endpoints: tokens, refusals, and the headers that go with all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from altid.access.accounts import Account
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.door import Granted
from altid.access.identity import Identity
from altid.access.refusal import Language, Refusal

NOT_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}
"""RFC 6749 §5.1: what holds tokens lies in nobody's cache."""
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "vary": "Accept-Language",
}
FOR_ALL_ORIGINS = {"access-control-allow-origin": "*"}
"""Of what browsers' applications call from their own address. It lets them read an answer, and sends no
cookie: whoever has no code, token or key gets nothing by it."""

_CHALLENGES = {401: 'Bearer realm="altid"'}


def as_json(
    content: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    keeping: Mapping[str, str] = NOT_KEPT,
) -> Response:
    """`content` as JSON. `keeping`: what caches may do with it."""
    body = b"" if status == 204 else orjson.dumps(content)
    media_type = None if status == 204 else "application/json"
    return Response(body, status, {**keeping, **SECURITY, **(headers or {})}, media_type)


def nothing_more() -> Response:
    """Done, and there is nothing to say about it."""
    return as_json(None, 204)


def tokens(granted: Granted) -> dict[str, Any]:
    """RFC 6749 §5.1, with what SMART adds: the patient, and who the person is."""
    shown = {
        "access_token": granted.access,
        "token_type": "Bearer",
        "expires_in": granted.expires_in_s,
        "refresh_token": granted.refresh,
        "scope": " ".join(granted.scopes) or None,
        "patient": granted.identity.patient,
        "id_token": granted.id_token,
    }
    return {name: value for name, value in shown.items() if value is not None}


def person(identity: Identity, account: Account | None = None) -> dict[str, Any]:
    """Who is in; with the account, also what they may choose from."""
    shown = {
        "subject": identity.subject,
        "name": identity.name,
        "role": identity.role,
        "organisation": identity.organisation,
        "level": identity.level,
        "site": identity.site,
        "expires_s": identity.expires_s,
        "scope": " ".join(identity.scopes) or None,
        "patient": identity.patient,
        "application": identity.application,
    }
    if account is not None:
        shown["roles"] = list(account.roles)
        shown["organisations"] = list(account.organisations)
        shown["practitioner"] = account.practitioner
    return {name: value for name, value in shown.items() if value is not None}


def let_in(granted: Granted) -> Response:
    """A person has come in."""
    return as_json(tokens(granted) | {"identity": person(granted.identity)})


def refused(refusal: Refusal, language: Language, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal with its status, and with the seconds to wait where that helps."""
    lines = dict(headers or {})
    if refusal.retry_after_s is not None:
        lines["retry-after"] = str(max(1, math.ceil(refusal.retry_after_s)))
    if refusal.status in _CHALLENGES:
        lines["www-authenticate"] = _CHALLENGES[refusal.status]
    return as_json(refusal.as_json(language), refusal.status, lines)


def not_audited(error: AuditUnavailableError, language: Language) -> Response:
    """Nobody is let in whom nobody could find afterwards."""
    text = error.text_da if language == "da" else error.text_en
    content = {"error": "audit-unavailable", "error_description": text}
    return as_json(content, 503, {"retry-after": "1"})


def failed(language: Language) -> Response:
    """A fault of ours."""
    text = (
        "Altid fejlede. Driften kan finde det på forespørgslens id."
        if language == "da"
        else "Altid failed. Operations can find it by the request id."
    )
    return as_json({"error": "server_error", "error_description": text}, 500)
