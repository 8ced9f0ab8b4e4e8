"""Orders that were recovered from a server that died: listed, and decided about by whoever may sign them."""

from __future__ import annotations

from typing import Any

import asyncpg

from altid.access.audit.event import Action as Told
from altid.access.permit import Note
from altid.api import errors
from altid.api.messages import Request, Response
from altid.api.orders import answers
from altid.api.orders.signing import require_action, signer_of
from altid.api.seen import require_seen
from altid.api.settings import Service
from altid.fhir import json
from altid.fhir.outcome import refuse
from altid.orders import doses, policy, recovered
from altid.orders.chart import read_chart
from altid.orders.desk import OrderDesk
from altid.orders.intent import Action
from altid.orders.receipt import identity_of, is_key, receipt_of
from altid.orders.recovered import Recovered, Waiting
from altid.orders.recovery import key_of, write_of
from altid.orders.registering import NotRegisteredError, write_dose
from altid.orders.signing import examine
from altid.record.stored import instant
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import MUST_BE_NEW, Written
from altid.record.write_key import WriteKey

_EXAMINED = (Action.SIGN, Action.RENEW)
_REASON_CHARACTERS = (3, 1_000)


async def listed(desk: OrderDesk, request: Request) -> Response:
    """GET /orders/recovered: those that are open. Whole for patients whom there are grounds for."""
    identity = request.permit.identity
    if identity.role not in policy.OPERATORS or not (
        identity.is_own_session or request.permit.may("r", "MedicationRequest")
    ):
        raise _refused(request)
    async with desk.registrar.database.reading() as connection:
        rows = await recovered.listed(connection, "open")
    shown, told = [], []
    for row in rows:
        is_whole = identity.role in policy.READERS or request.permit.is_for_everyone
        is_whole = is_whole and await request.permit.has_grounds([row.patient])
        shown.append(_shown(row, is_whole=is_whole))
        if is_whole:
            told.append(row.patient)
    if told:
        request.permit.note(
            Note(Told.SEARCH, "orders", patients=tuple(sorted(set(told))), operation="recovered")
        )
    return answers.json_response({"recovered": shown})


async def one(desk: OrderDesk, request: Request, key: str) -> Response:
    """GET /orders/recovered/{key}: with the order as it was signed."""
    async with desk.registrar.database.reading() as connection:
        waiting = await recovered.find(connection, _identity(key))
    waiting = await _allowed(request, waiting)
    row = waiting.row
    request.permit.note(Note(Told.READ, row.type, row.id, patients=(row.patient,), operation="recovered"))
    return answers.json_response({**_shown(row, is_whole=True), "content": json.loads(waiting.content)})


async def decide(service: Service, desk: OrderDesk, request: Request, key: str, what: str) -> Response:
    """POST /orders/recovered/{key}/register or discard, with a reason."""
    reason = _reason(request)
    identity = _identity(key)
    async with desk.registrar.database.reading() as connection:
        waiting = await _allowed(request, await recovered.find(connection, identity))
    require_seen(request, filter(None, [waiting.row.patient]), f"{waiting.row.type}.subject")
    if what == "discard":
        return await _discard(desk, request, key, reason)
    await _require_examined(service, request, waiting)
    return await _register(desk, request, key, reason)


async def _register(desk: OrderDesk, request: Request, key: str, reason: str) -> Response:
    """With the key that it had: if it has been registered meanwhile, it is not done twice."""

    async def work(transaction: Transaction) -> tuple[Recovered, Written]:
        waiting = await recovered.find(transaction.connection, identity_of(key), hold=True)
        assert waiting is not None
        _require_undecided(waiting.row, "registered")
        row, made = waiting.row, key_of(str(waiting.write_key))
        if row.type == doses.KIND:
            dose = json.loads(waiting.content)
            written = await write_dose(transaction, row.id, made, dose, None, is_decided=True)
        else:
            prepared = write_of(waiting.content, row.id, waiting.expected)
            (written,) = await transaction.write([prepared], [made])
        if written.outcome in ("conflict", "mismatch"):
            raise NotRegisteredError("conflict" if written.outcome == "conflict" else "key-used", 0, 0)
        await recovered.decide(
            transaction.connection, identity_of(key), "registered", request.permit.identity.subject, reason
        )
        return row, written

    async with answers.refusals():
        try:
            (row, written), safety, site = await run_transaction(desk.registrar.database, work)
        except asyncpg.UniqueViolationError:
            raise answers.key_used() from None
    written = written._replace(safety=safety, site=site)
    action = Told.CREATE if written.version == 1 else Told.UPDATE
    _note_decided(request, row, action, "recovered:register", written.version)
    return answers.receipt_response(receipt_of(key, f"{row.type}/{row.id}", written, desk.sites), 201)


async def _discard(desk: OrderDesk, request: Request, key: str, reason: str) -> Response:
    """Its key is spent with it: a browser that still sends it is refused."""

    async def work(transaction: Transaction) -> Recovered:
        waiting = await recovered.find(transaction.connection, identity_of(key), hold=True)
        assert waiting is not None
        _require_undecided(waiting.row, "discarded")
        row = waiting.row
        if row.state == "open":
            key_ = WriteKey(waiting.write_key).value
            await recovered.spend_key(transaction.connection, identity_of(key), key_, row.type, row.id)
            by = request.permit.identity.subject
            await recovered.decide(transaction.connection, identity_of(key), "discarded", by, reason)
        return row

    async with answers.refusals():
        try:
            row = (await run_transaction(desk.registrar.database, work)).result
        except asyncpg.UniqueViolationError:
            raise _decided_otherwise() from None
    _note_decided(request, row, Told.OPERATION, "recovered:discard", None)
    return answers.json_response({"key": key, "state": "discarded"})


async def _allowed(request: Request, waiting: Waiting | None) -> Waiting:
    """Whoever may sign such an order, for this patient; to others it is as if it were not there."""
    if waiting is None:
        if not any(policy.may(request.permit.identity, Action.SIGN, type_) for type_ in policy.TABLE):
            raise _refused(request)
        raise errors.not_shown()
    require_action(request, Action.SIGN, _order_type(waiting.row.type))
    if not await request.permit.has_grounds([waiting.row.patient]):
        request.permit.was_refused = True
        raise errors.not_shown()
    return waiting


def _order_type(type_: str) -> str:
    """Whoever may sign the order may decide about what was to be done with it."""
    return type_ if type_ == "ServiceRequest" else "MedicationRequest"


async def _require_examined(service: Service, request: Request, waiting: Waiting) -> None:
    """What was in order when it was signed need not be any more. Raises `FhirError` 422 with the errors."""
    if waiting.expected != MUST_BE_NEW or waiting.row.action not in _EXAMINED:
        return
    resource = json.loads(waiting.content)
    async with service.database.reading() as connection:
        chart = await read_chart(connection, waiting.row.patient, [resource], [], signer_of(request))
    found = examine(resource, chart.context).findings
    if wrong := [finding for finding in found if finding.severity == "error"]:
        raise answers.found_wrong(wrong)


def _require_undecided(row: Recovered, wanted: str) -> None:
    if row.state not in ("open", wanted):
        raise _decided_otherwise()


def _note_decided(
    request: Request, row: Recovered, action: Told, operation: str, version: int | None
) -> None:
    patients = (row.patient,) if row.patient else ()
    request.permit.note(Note(action, row.type, row.id, version, patients, operation))


def _shown(row: Recovered, *, is_whole: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "key": row.key,
        "state": row.state,
        "site": row.site,
        "writer": row.writer,
        "intended": instant(row.intended),
        "found": instant(row.found),
        "action": row.action,
        "type": row.type,
    }
    if is_whole:
        told |= {
            "order": f"{row.type}/{row.id}",
            "patient": row.patient,
            "organisation": row.organisation,
            "signer": row.signer,
            "signerName": row.signer_name,
            "decidedBy": row.decided_by,
            "decidedAt": row.decided_at and instant(row.decided_at),
            "reason": row.reason,
        }
    return told


def _identity(key: str) -> bytes:
    if not is_key(key):
        raise errors.bad_parameter("key")
    return identity_of(key)


def _reason(request: Request) -> str:
    content = request.content
    reason = content.get("reason") if isinstance(content, dict) else None
    low, high = _REASON_CHARACTERS
    if not isinstance(reason, str) or not low <= len(reason.strip()) <= high or not reason.isprintable():
        raise refuse(
            400,
            "required",
            "Say why: reason, of {low} to {high} characters.",
            "Angiv hvorfor: reason, på {low} til {high} tegn.",
            low=low,
            high=high,
        )
    return reason.strip()


def _decided_otherwise() -> Exception:
    return refuse(
        409,
        "conflict",
        "This has been decided otherwise, or was registered meanwhile: look again.",
        "Det er afgjort anderledes eller blev registreret imens: se igen.",
    )


def _refused(request: Request) -> Exception:
    rights_error = answers.may_not("recovered")
    request.permit.was_refused = True
    return rights_error
