"""Signing orders, one or up to two hundred: examined, noted in the intent journal, registered, receipted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from altid.access.audit.event import Action as Told
from altid.access.identity import Role
from altid.access.permit import Note
from altid.api import rights
from altid.api.messages import Request, Response
from altid.api.orders import answers
from altid.api.orders.asking import Asked, key_of, orders_of
from altid.api.seen import require_seen
from altid.api.settings import Service
from altid.fhir import json
from altid.fhir.search.about import patients_about
from altid.orders import policy, requester
from altid.orders.chart import Chart, read_chart
from altid.orders.context import Context
from altid.orders.desk import OrderDesk
from altid.orders.findings import Finding, RefusedError
from altid.orders.intent import CONTENT_BYTES_MAX, Action
from altid.orders.lifecycle import begun
from altid.orders.looking import made_before
from altid.orders.receipt import (
    Receipt,
    identity_of,
    is_side_key,
    receipt_of,
    side_key,
    write_key,
)
from altid.orders.registering import Planned, planned_of
from altid.orders.signers import reference_to
from altid.orders.signing import examine
from altid.record.write import MUST_BE_NEW, create, update
from altid.record.write_key import WriteKey

_UNSIGNED_KEY = "check"
"""In place of a key where nothing is written."""


async def sign(service: Service, desk: OrderDesk, request: Request) -> Response:
    """POST /orders."""
    key = key_of(request)
    asked = orders_of(service.settings, request, key)
    _require_seen(request, asked)
    charts = await allowed(service, request, asked)
    async with answers.refusals():
        if any(chart.used for chart in charts.values()):
            return _answer(request, await _made_before(desk, request, asked))
        planned = _planned(request, _examined(asked, charts))
        receipts = await register(desk, request, planned)
    return _answer(request, receipts)


async def check(service: Service, request: Request) -> Response:
    """POST /orders/check: each order as it would be signed, to be read back, and what stands against it.
    Nothing is written, and it is a look at the patients' charts."""
    asked = orders_of(service.settings, request, _UNSIGNED_KEY)
    _require_seen(request, asked, writes=False)
    charts = await allowed(service, request, asked)
    for patient in filter(None, charts):  # what is found tells of their allergies and drugs
        request.permit.note(Note(Told.READ, asked[0].type, patients=(patient,), operation="check"))
    examined = _findings(asked, charts)
    findings = [
        {**finding.json, "field": placed(finding, one)} for one, found in examined for finding in found
    ]
    orders = [{name: value for name, value in one.resource.items() if name != "id"} for one, _ in examined]
    return answers.json_response({"findings": findings, "orders": orders})


def _require_seen(request: Request, asked: Sequence[Asked], *, writes: bool = True) -> None:
    """All are for the patient on the screen. Raises `FhirError` 400 or 422."""
    for one in asked:
        require_seen(
            request,
            filter(None, [patient_of(one.resource)]),
            f"{one.prefix or one.type}.subject",
            writes=writes,
        )


async def allowed(service: Service, request: Request, asked: Sequence[Asked]) -> dict[str, Chart]:
    """The charts of all patients, who is asked for them may see. Raises `FhirError` 403."""
    for one in asked:
        require_action(request, one.action, one.type)
    named = {one.key: patient_of(one.resource) for one in asked}
    patients = sorted({patient for patient in named.values() if patient})
    if patients or not request.permit.is_for_everyone:
        await rights.require_grounds(request, patients)
    identities = [identity_of(one.key) for one in asked]
    charts = {}
    async with service.database.reading() as connection:
        for patient in dict.fromkeys(named.values()):
            orders = [one.resource for one in asked if named[one.key] == patient]
            charts[patient] = await read_chart(connection, patient, orders, identities, signer_of(request))
    return charts


def require_action(request: Request, action: Action, type_: str) -> None:
    """The role or the scopes allow it at all. Raises `FhirError` 403."""
    if not policy.may(request.permit.identity, action, type_):
        request.permit.was_refused = True
        raise answers.may_not(action)


def patient_of(resource: dict[str, Any]) -> str:
    """Id of whom it is for; "" where it names nobody by reference."""
    subject = resource.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    type_, _, id_ = str(reference or "").partition("/")
    return id_ if type_ == "Patient" else ""


def doer_of(request: Request) -> dict[str, Any]:
    """Whoever acts, in the role that they have in this session, as a reference."""
    return reference_to(request.permit.identity)


def signer_of(request: Request) -> dict[str, Any] | None:
    """Whoever signs; None for a system, which names the requester itself."""
    return None if request.permit.identity.role is Role.SYSTEM else doer_of(request)


def placed(finding: Finding, one: Asked) -> str:
    """Where a finding is, in a Bundle too."""
    rest = finding.field.partition(".")[2]
    if not one.prefix:
        return finding.field
    return f"{one.prefix}.{rest}" if rest else one.prefix


def _findings(asked: Sequence[Asked], charts: dict[str, Chart]) -> list[tuple[Asked, tuple[Finding, ...]]]:
    """Each order completed, and what was found. Those before it in a Bundle count as current ones."""
    contexts = {patient: chart.context for patient, chart in charts.items()}
    results = []
    for one in asked:
        patient = patient_of(one.resource)
        order, found = _in_own_name(one, contexts[patient])
        examined = examine(order, contexts[patient], one.overrides)
        results.append((replace(one, resource=examined.resource), (*found, *examined.findings)))
        contexts[patient] = _with(contexts[patient], examined.resource)
    return results


def _in_own_name(one: Asked, context: Context) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The order as its signer's, and what is found where it names somebody else. A draft may say for whom
    it is made."""
    if one.action is not Action.SIGN:
        return one.resource, ()
    found = requester.fault(one.resource.get("requester"), one.type, context.signer)
    return requester.signed_by(one.resource, context.signer), () if found is None else (found,)


def _with(context: Context, resource: dict[str, Any]) -> Context:
    if resource["resourceType"] != "MedicationRequest":
        return context
    return replace(context, current=(*context.current, resource))


def _examined(asked: Sequence[Asked], charts: dict[str, Chart]) -> list[Asked]:
    """All as they are to be written. Raises `FhirError` 422 with all that stands against them.

    A draft is kept whatever is found, but for whom it is: nobody could find it.
    """
    results = _findings(asked, charts)
    standing = [
        replace(finding, field=placed(finding, one))
        for one, found in results
        for finding in found
        if one.action is Action.SIGN or finding.code == "patient-unknown"
    ]
    if standing:
        raise answers.found_wrong(standing)
    return [one for one, _ in results]


def _planned(request: Request, asked: Sequence[Asked]) -> list[Planned]:
    """The orders first, then what is written beside them."""
    now, doer = datetime.now(UTC), doer_of(request)
    main, beside = [], []
    for one in asked:
        try:
            first, *others = begun(one.resource, doer, now)
        except RefusedError as error:
            raise answers.found_wrong(
                replace(finding, field=placed(finding, one)) for finding in error.findings
            ) from None
        main.append(Step(first.resource, MUST_BE_NEW, one.key, one.made, one.action))
        for place, other in enumerate(others, 1):
            name = side_key(one.key, place)
            made = write_key(name, one.made.value.bytes)
            beside.append(Step(other.resource, MUST_BE_NEW, name, made, one.action))
    return plan(request, [*main, *beside], now)


class Step(NamedTuple):
    """One version that is to be written."""

    resource: dict[str, Any]
    expected: int
    key: str
    made: WriteKey
    action: Action


def plan(request: Request, steps: Sequence[Step], now: datetime) -> list[Planned]:
    """The versions with their intents, which are written together."""
    return [_plan(request, step, round(now.timestamp() * 1e6), len(steps)) for step in steps]


def _plan(request: Request, step: Step, at_us: int, parts: int) -> Planned:
    identity, resource = request.permit.identity, step.resource
    is_new, content = step.expected == MUST_BE_NEW, json.dumps(resource)
    if len(content) > CONTENT_BYTES_MAX:
        raise answers.too_long()
    prepared = create(resource, resource["id"]) if is_new else update(resource, step.expected)
    return planned_of(
        prepared,
        step.made,
        content,
        at_us=at_us,
        key=step.key,
        action=step.action,
        patient=next(iter(sorted(patients_about(prepared.type, prepared.id, prepared.refs))), ""),
        organisation=identity.organisation,
        signer=identity.subject,
        signer_name=identity.name,
        parts=parts,
    )


async def register(desk: OrderDesk, request: Request, planned: Sequence[Planned]) -> list[Receipt]:
    """Write them all, and note it for the audit. Gives the receipts of what was not written beside others."""
    for kept in await desk.signers.keep(request.permit.identity):
        rights.note_write(request, *kept)
    written = await desk.registrar.register(planned)
    for one, result in zip(planned, written, strict=True):
        rights.note_write(request, one.prepared, result)
    return [
        receipt_of(one.intent.key, one.intent.reference, result, desk.sites)
        for one, result in zip(planned, written, strict=True)
        if not is_side_key(one.intent.key)
    ]


async def _made_before(desk: OrderDesk, request: Request, asked: Sequence[Asked]) -> list[Receipt]:
    """Sent again: nothing is examined or written anew, for the patient's chart has changed by it."""
    receipts = await made_before(
        desk.registrar.database, desk.sites, [(one.key, one.made.value) for one in asked]
    )
    for one, receipt in zip(asked, receipts, strict=True):
        note_again(request, receipt, patient_of(one.resource))
    return receipts


def note_again(request: Request, receipt: Receipt, patient: str) -> None:
    """A look at what was made before."""
    type_, _, id_ = (receipt.order or "").partition("/")
    request.permit.note(
        Note(Told.READ, type_, id_, receipt.version, (patient,) if patient else (), "receipt")
    )


def _answer(request: Request, receipts: Sequence[Receipt]) -> Response:
    if request.content["resourceType"] == "Bundle":
        return answers.receipts_response(receipts, 201)
    return answers.receipt_response(receipts[0], 201)
