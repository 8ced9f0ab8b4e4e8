"""Acts upon an order: each is a new version of it, or a new resource about it; never a change in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from altid.api import errors, rights
from altid.api.checking import check_resource
from altid.api.conditions import expected_version
from altid.api.messages import Request, Response
from altid.api.orders import answers, giving
from altid.api.orders.asking import REASON_CHARACTERS_MAX, TYPES, key_of, overrides_of
from altid.api.orders.signing import (
    Step,
    doer_of,
    note_again,
    patient_of,
    plan,
    register,
    require_action,
    signer_of,
)
from altid.api.reading import check_id
from altid.api.seen import require_seen
from altid.api.settings import Service
from altid.fhir import json
from altid.orders import doses, requester
from altid.orders.actions import Action as Doing
from altid.orders.actions import Done
from altid.orders.chart import Chart, read_chart
from altid.orders.desk import OrderDesk
from altid.orders.findings import RefusedError
from altid.orders.intent import Action
from altid.orders.lifecycle import act
from altid.orders.looking import made_before
from altid.orders.receipt import Receipt, identity_of, order_id, side_key, write_key
from altid.orders.registering import NotRegisteredError, Planned
from altid.orders.signing import examine
from altid.orders.warned import Override
from altid.record.read import read, read_found
from altid.record.stored import compose
from altid.record.write import MUST_BE_NEW
from altid.record.write_key import WriteKey

_EXAMINED = (Action.SIGN, Action.CHANGE, Action.RENEW, Action.RESUME)
"""After these an order is in force as it stands then."""
_OUR_MEMBERS = frozenset({"overrides", "reason", "remove"}) | giving.MEMBERS


async def act_upon(
    service: Service, desk: OrderDesk, request: Request, type_: str, id_: str, action: Action
) -> Response:
    """POST /orders/{type}/{id}/{action}."""
    key, expected, given = key_of(request), expected_version(request), _body(request)
    if type_ not in TYPES:
        raise errors.not_found()
    if expected is None:
        raise answers.version_missing()
    require_action(request, action, type_)
    at = await _read(service, request, type_, id_, key)
    require_seen(request, filter(None, [patient_of(at.order)]), f"{type_}.subject")
    made = write_key(key, _content(request, expected))
    async with answers.refusals():
        if at.chart.used:
            (receipt,) = await made_before(desk.registrar.database, desk.sites, [(key, made.value)])
            note_again(request, receipt, patient_of(at.order))
            return answers.receipt_response(receipt, 200)
        if at.version != expected:
            raise errors.version_conflict()
        now = datetime.now(UTC)
        done = Done(
            Doing(action),
            doer_of(request),
            now,
            order_id(key),
            {name: value for name, value in given.items() if name not in _OUR_MEMBERS},
            tuple(given.get("remove", ())),
            given.get("reason", ""),
            is_afterwards=given.get("afterwards") is True,
        )
        steps = _steps(service, at, done, key, made, given)
        planned = [one._replace(order_version=expected) for one in plan(request, steps, now)]
        receipts = await _registered(service, desk, request, planned)
    return answers.receipt_response(receipts[0], 200)


async def _registered(
    service: Service, desk: OrderDesk, request: Request, planned: Sequence[Planned]
) -> list[Receipt]:
    try:
        return await register(desk, request, planned)
    except NotRegisteredError as error:
        if error.why in giving.REFUSALS:
            raise await giving.refused(service, request, error) from None
        raise


class _Read(NamedTuple):
    """The order as it is, and what is around it."""

    order: dict[str, Any]
    version: int
    task: dict[str, Any] | None
    task_version: int
    chart: Chart


async def _read(service: Service, request: Request, type_: str, id_: str, key: str) -> _Read:
    async with service.database.reading() as connection:
        found = await read_found(connection, type_, check_id(id_))
        if found is None or not await request.permit.shows(found):
            raise rights.missing(request, type_, hidden=found is not None)
        if found.stored.body is None:
            raise errors.gone()
        order = json.loads(compose(found.stored))
        signer = signer_of(request)
        chart = await read_chart(connection, patient_of(order), [order], [identity_of(key)], signer)
        task = await read(connection, "Task", id_) if type_ == "ServiceRequest" else None
    has_task = task is not None and task.body is not None
    return _Read(
        order,
        found.stored.version,
        json.loads(compose(task)) if task and has_task else None,
        task.version if task and has_task else MUST_BE_NEW,
        chart,
    )


def _body(request: Request) -> dict[str, Any]:
    """Elements, and members of ours. Raises `FhirError` 400."""
    content = {} if request.content is None else request.content
    if not isinstance(content, dict):
        raise errors.bad_value()
    remove, reason = content.get("remove", []), content.get("reason", "")
    if not isinstance(remove, list) or not all(isinstance(name, str) for name in remove):
        raise errors.bad_value()
    if not isinstance(reason, str) or len(reason) > REASON_CHARACTERS_MAX:
        raise errors.bad_value()
    return content


def _content(request: Request, expected: int) -> bytes:
    """What tells whether it is the same act sent again."""
    return json.dumps([*request.path, expected, request.content])


def _steps(
    service: Service, at: _Read, done: Done, key: str, made: WriteKey, given: dict[str, Any]
) -> list[Step]:
    """What the act writes; what the receipt is of comes first. Raises `FhirError`."""
    signer = at.chart.context.signer
    if found := requester.fault(done.fields.get("requester"), at.order["resourceType"], signer):
        raise answers.found_wrong([found])
    done = replace(done, fields=requester.signed_by(dict(done.fields), signer))
    try:
        writes = act(at.order, done, at.task)
    except RefusedError as error:
        raise answers.found_wrong(error.findings) from None
    action, resources = Action(done.action), [write.resource for write in writes]
    versions = [MUST_BE_NEW if write.is_new else _version(at, write.resource) for write in writes]
    place = _place_of_main(action, resources, done.identity)
    if action in _EXAMINED:
        resources[place] = _examined(resources[place], at, overrides_of(given))
    elif action is Action.ADMINISTER:
        resources[place] = doses.told(resources[place], giving.telling_of(given, done.at))
    steps: list[Step] = []
    for resource, expected in zip(resources, versions, strict=True):
        check_resource(service.settings, resource, resource["resourceType"])
        is_main = resource is resources[place]
        name = key if is_main else side_key(key, len(steps) + 1)
        of_name = made if is_main else write_key(name, made.value.bytes)
        steps.append(Step(resource, expected, name, of_name, action))
    return sorted(steps, key=lambda step: step.key != key)


def _version(at: _Read, resource: dict[str, Any]) -> int:
    return at.task_version if resource["resourceType"] == "Task" else at.version


def _place_of_main(action: Action, resources: Sequence[dict[str, Any]], made: str) -> int:
    """A renewed order is the new one; else what stands first."""
    if action is not Action.RENEW:
        return 0
    return next(place for place, resource in enumerate(resources) if resource["id"] == made)


def _examined(resource: dict[str, Any], at: _Read, overrides: Sequence[Override]) -> dict[str, Any]:
    """As it is to be written. An order is no double of what it was, or of what it renews."""
    others = tuple(one for one in at.chart.context.current if one["id"] != at.order["id"])
    examined = examine(resource, replace(at.chart.context, current=others), overrides)
    if examined.findings:
        raise answers.found_wrong(examined.findings)
    return {**examined.resource, "id": resource["id"]}
