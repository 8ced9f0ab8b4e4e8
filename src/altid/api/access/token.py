"""The token endpoint (RFC 6749 §3.2): for systems, and for applications that act for people."""

from __future__ import annotations

from starlette.responses import Response

from altid.access import applications, entries, logon, refusal
from altid.access.applications import Proof
from altid.access.audit.event import Action, Outcome, Who
from altid.access.clients import ASSERTION_TYPE
from altid.access.door import Answer
from altid.access.refusal import Refusal
from altid.api.access import answering
from altid.api.access.asking import Asked, RefusedError, single


async def give(asked: Asked) -> Response:
    """Errors are in English whoever asks: the standard allows ASCII only (§5.2)."""
    try:
        answer = await _answer(asked)
    except RefusedError as error:
        answer = error.refused
    if isinstance(answer, Refusal):
        return answering.refused(answer, "en", answering.FOR_ALL_ORIGINS)
    return answering.as_json(answering.tokens(answer), headers=answering.FOR_ALL_ORIGINS)


async def revoke(asked: Asked) -> Response:
    """RFC 7009: `token`, and who the application is. What is no token is answered like one that is."""
    try:
        fields = single(asked.form)
        token = _given(fields, "token")
        answer = await applications.revoke(asked.desk, asked.caller, _proof(asked, fields), token)
    except RefusedError as error:
        answer = error.refused
    if isinstance(answer, Refusal):
        return answering.refused(answer, "en", answering.FOR_ALL_ORIGINS)
    if answer is not None:
        who = Who(answer.account, answer.name, answer.role, answer.organisation, answer.sid)
        client = answer.narrowing.client if answer.narrowing else ""
        operation = f"application {client}"
        await entries.keep(asked.guard, asked.origin(), Action.LOGOFF, Outcome.DONE, who, operation)
    return answering.as_json({}, headers=answering.FOR_ALL_ORIGINS)


async def _answer(asked: Asked) -> Answer:
    fields = single(asked.form)
    proof = _proof(asked, fields)
    kind = fields.get("grant_type", "")
    if kind == "client_credentials":
        answer = await logon.with_assertion(
            asked.desk, asked.caller, proof.assertion, fields.get("scope", "")
        )
        await entries.keep_logon(asked.guard, asked.caller, asked.origin(), answer, "system")
    elif kind == "authorization_code":
        answer = await applications.with_code(
            asked.desk,
            asked.caller,
            proof,
            code=_given(fields, "code"),
            redirect_uri=_given(fields, "redirect_uri"),
            verifier=_given(fields, "code_verifier"),
        )
        await entries.keep_logon(asked.guard, asked.caller, asked.origin(), answer, _operation(answer))
    elif kind == "refresh_token":
        token = _given(fields, "refresh_token")
        answer = await applications.with_refresh(asked.desk, asked.caller, proof, token)
        await entries.keep_refresh(asked.guard, asked.origin(), answer, token)
    else:
        return refusal.UNSUPPORTED_GRANT if kind else refusal.INVALID_REQUEST
    return answer


def _operation(answer: Answer) -> str:
    application = None if isinstance(answer, Refusal) else answer.identity.application
    return f"application {application}" if application else "application"


def _proof(asked: Asked, fields: dict[str, str]) -> Proof:
    """We hold nobody's secret, so whoever sends one is not registered so."""
    if "authorization" in asked.headers or "client_secret" in fields:
        raise RefusedError(refusal.INVALID_CLIENT)
    assertion = fields.get("client_assertion", "")
    if assertion and fields.get("client_assertion_type") != ASSERTION_TYPE:
        raise RefusedError(refusal.INVALID_CLIENT)
    if not assertion and not fields.get("client_id"):
        raise RefusedError(refusal.INVALID_CLIENT)
    return Proof(fields.get("client_id", ""), assertion)


def _given(fields: dict[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise RefusedError(refusal.INVALID_REQUEST)
    return value
