"""Acts upon an order: each is a new version of it, or a new resource about it; never a change in place."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from altid.api import errors, rights
from altid.api.checking import check_resource
from altid.api.conditions import expected_version
from altid.api.messages import Request, Response
from altid.api.orders import answers
from altid.api.orders.asking import TYPES, key_of, overrides_of
from altid.api.orders.signing import note_again, patient_of, plan, register, require_action, signer_of
from altid.api.reading import check_id
from altid.api.settings import Service
from altid.fhir import json
from altid.orders.acts import act
from altid.orders.chart import read_chart
from altid.orders.context import Context
from altid.orders.desk import OrderDesk
from altid.orders.findings import Refused
from altid.orders.intent import Action
from altid.orders.looking import made_before
from altid.orders.receipt import identity_of, order_id, part_key, write_key
from altid.orders.registering import Planned
from altid.orders.signing import examine
from altid.orders.warned import Override
from altid.record.read import read_found
from altid.record.stored import compose
from altid.record.write import create, update

_EXAMINED = (Action.SIGN, Action.CHANGE, Action.RENEW, Action.RESUME)
"""After these the order is in force as it stands then."""


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
    async with service.database.reading() as connection:
        found = await read_found(connection, type_, check_id(id_))
        if found is None or not await request.permit.shows(found):
            raise rights.missing(request, type_, hidden=found is not None)
        if found.stored.body is None:
            raise errors.gone()
        current = json.loads(compose(found.stored))
        patient = patient_of(current)
        chart = await read_chart(connection, patient, [current], [identity_of(key)], signer_of(request))
    made = write_key(key, _content(request, expected))
    async with answers.refusals():
        if chart.used:
            (receipt,) = await made_before(desk.registrar.database, desk.sites, [(key, made.value)])
            note_again(request, receipt, patient)
            return answers.receipt_response(receipt, 200)
        if found.stored.version != expected:
            raise errors.version_conflict()
        resources = _done(service, action, current, given, key, chart.context)
        receipts = await register(desk, request, _planned(request, resources, current, expected, key, action))
    return answers.receipt_response(receipts[0], 200)


def _body(request: Request) -> dict[str, Any]:
    content = {} if request.content is None else request.content
    if not isinstance(content, dict):
        raise errors.bad_value()
    return content


def _content(request: Request, expected: int) -> bytes:
    """What tells whether it is the same act sent again."""
    return json.dumps([*request.path, expected, request.content])


def _done(
    service: Service,
    action: Action,
    current: dict[str, Any],
    given: dict[str, Any],
    key: str,
    context: Context,
) -> list[dict[str, Any]]:
    """What the act makes, the first being what the key is of. Raises `FhirError`."""
    overrides: tuple[Override, ...] = overrides_of(given)
    wanted = {name: value for name, value in given.items() if name != "overrides"}
    try:
        resources = act(action, current, wanted, order_id(key), datetime.now(UTC))
    except Refused as error:
        raise answers.found_wrong(error.findings) from None
    if action in _EXAMINED:
        others = [one for one in context.current if one["id"] != current["id"]]
        examined = examine(resources[0], _without(context, others), overrides)
        if examined.findings:
            raise answers.found_wrong(examined.findings)
        resources[0] = examined.resource
    for resource in resources:
        check_resource(service.settings, resource, resource["resourceType"])
    return resources


def _without(context: Context, others: list[dict[str, Any]]) -> Context:
    """An order is no double of itself."""
    return replace(context, current=others)


def _planned(
    request: Request,
    resources: list[dict[str, Any]],
    current: dict[str, Any],
    expected: int,
    key: str,
    action: Action,
) -> list[Planned]:
    """The first is written with the key itself, the others with `KEY#2` and on."""
    at_us, planned = time.time_ns() // 1_000, []
    for place, resource in enumerate(resources, 1):
        name = key if place == 1 else part_key(key, place)
        is_current = (resource["resourceType"], resource.get("id")) == (
            current["resourceType"],
            current["id"],
        )
        prepared = update(resource, expected) if is_current else create(resource, order_id(name))
        made = write_key(name, _content(request, expected))
        planned.append(plan(request, prepared, resource, name, made, action, at_us, len(resources)))
    return planned
