"""A transaction: all of its entries or none (R4 http.html#transaction).

First everything that needs no database: each entry is checked, new ids are given, references are pointed at
them. Then, in one database transaction: conditions are locked and looked up, all versions are written by one
statement, and reads see what was written. (Where nothing must be looked up, that statement is all.) Entries
are processed in FHIR's order (delete, create, update and patch, read), whatever their order in the Bundle;
the answers come in the order of the Bundle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from altid.access.audit.event import Action
from altid.api import errors, relating, rights
from altid.api.bundle import response_bundle
from altid.api.checking import check_resource
from altid.api.conditions import expected_of_update, expected_version, none_exist
from altid.api.entries import Entry, at_entry, entries
from altid.api.messages import Request, Response
from altid.api.reading import check_id
from altid.api.settings import Service
from altid.api.writing import (
    answer_write,
    conditional_update,
    conditions_of,
    first_conflict,
    in_transaction,
    prepare_patch,
    with_safety,
)
from altid.fhir import json
from altid.fhir.definitions import resource_types
from altid.fhir.outcome import FhirError, Issue, refuse
from altid.fhir.periods import EARLIEST
from altid.fhir.references import Condition, conditional_references, references, rewrite
from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.conditional import Match, lock_and_match_all
from altid.record.database import Connection
from altid.record.read import read_found, read_to_write
from altid.record.stored import Stored, compose
from altid.record.transaction import Transaction
from altid.record.write import Write, Written, create, delete, new_id, update

_RETRIES_MAX = 4
"""A transaction that met a deadlock is run again from its beginning: nothing of it was stored."""

_FORBIDDEN = 403
_ENTRIES_A_TURN = 16
"""Entries prepared before other requests get their turn on the event loop."""


@dataclass(slots=True)
class _Plan:
    """What one entry has become: a write to do, or the answer that it already has."""

    entry: Entry
    condition: Condition | None = None
    match: Match | None = None
    id: str | None = None
    write: Write | None = None
    existing: str | None = None
    related: frozenset[str] = frozenset()
    """Patients whom the writer has no other grounds for."""
    answer: Response | None = None


@dataclass(slots=True)
class _Work:
    """A transaction underway. `ids` maps each fullUrl to the reference that stands for it from now on."""

    service: Service
    request: Request
    plans: list[_Plan]
    ids: dict[str, str] = field(default_factory=dict)


async def transaction(service: Service, request: Request, bundle: dict[str, Any], answer: Any) -> Response:
    """Process a Bundle of type transaction; `answer` is how a read among its entries is answered."""
    plans = []
    for entry in entries(bundle, request):
        if isinstance(entry, FhirError):
            raise entry
        plans.append(_Plan(entry))
    work = _Work(service, request, plans)
    await _check(work)
    return await _with_retries(work, answer)


async def _check(work: _Work) -> None:
    """Everything that can be wrong without looking into the database, all of it told at once."""
    issues: list[Issue] = []
    full_urls: set[str | None] = set()
    for number, plan in enumerate(work.plans):
        if number % _ENTRIES_A_TURN == 0:
            await asyncio.sleep(0)
        try:
            _check_entry(work, plan)
            await _check_condition(plan)
            if plan.entry.full_url is not None and plan.entry.full_url in full_urls:
                raise errors.named_twice()
            full_urls.add(plan.entry.full_url)
        except FhirError as error:
            if error.status == _FORBIDDEN:
                raise at_entry(error, plan.entry) from None
            issues += at_entry(error, plan.entry).issues
    if issues:
        raise FhirError(400, issues[:100])


def _check_entry(work: _Work, plan: _Plan) -> None:
    request = plan.entry.request
    if request.method in ("GET", "HEAD"):
        return
    # POST names a type; the others a type and an id, or a type with criteria.
    if len(request.path) != (1 if request.method == "POST" or request.parameters else 2):
        raise errors.bad_parameter("request.url")
    type_ = request.path[0]
    if type_ not in resource_types():
        raise errors.unknown_type(type_)
    rights.require(request, _LETTERS[request.method], type_)
    if request.method in ("POST", "PUT"):
        check_resource(work.service.settings, request.content, type_, in_transaction=True)
    if request.method == "POST":
        criteria = none_exist(request)
        plan.condition = (type_, criteria) if criteria else None
        plan.id = new_id()
    elif len(request.path) == 1:
        plan.condition = (type_, conditions_of(request))
    else:
        plan.id = check_id(request.path[1])
        if request.method == "PUT" and request.content.get("id") != plan.id:
            raise errors.bad_parameter("request.url")


_LETTERS = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}


async def _check_condition(plan: _Plan) -> None:
    """May whoever asks be told whether something matches, by what the entry does or refuses?"""
    request = plan.entry.request
    has_content = request.method in ("POST", "PUT")
    conditions = list(conditional_references(request.content).values()) if has_content else []
    if plan.condition is not None:
        conditions.append(plan.condition)
    for type_, criteria in conditions:
        await rights.require_condition(request, type_, criteria)


async def _with_retries(work: _Work, answer: Any) -> Response:
    if _needs_transaction(work):
        return await in_transaction(
            work.service,
            work.request,
            lambda transaction: _process(transaction, work, answer),
            may_take_long=True,
        )
    for attempt in range(_RETRIES_MAX):
        try:
            return await _write_only(work)
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            await asyncio.sleep(0.01 * 2**attempt)
    raise errors.unavailable()


async def _write_only(work: _Work) -> Response:
    """A Bundle in which nothing must be looked up: one statement writes it all."""
    work.ids = {}
    for plan in work.plans:
        _settle(work, plan)
    await _prepare(None, work)
    planned = _planned(work)
    written: list[Written] = []
    try:
        if planned:
            written = await work.service.writer.write_together([prepared for _, prepared in planned])
    except OutcomeUnknownError:
        raise errors.outcome_unknown() from None
    except NotStoredError:
        raise errors.unavailable() from None
    _note(work, planned, written)
    return with_safety(_response(work), written[-1].safety if written else None)


async def _process(transaction: Transaction, work: _Work, answer: Any) -> Response:
    for plan in work.plans:
        plan.answer = None
    connection = transaction.connection
    await _resolve(connection, work)
    await _prepare(connection, work)
    planned = _planned(work)
    _note(work, planned, await transaction.write([prepared for _, prepared in planned]) if planned else [])
    for plan, prepared in planned:
        await relating.keep(connection, plan.entry.request, prepared, plan.related)
    for plan in work.plans:
        if plan.existing is not None:
            plan.answer = await _existing(connection, plan, work.request)
        elif plan.entry.request.method in ("GET", "HEAD"):
            plan.answer = await _read(connection, work, plan, answer)
    return _response(work)


def _response(work: _Work) -> Response:
    responses = [plan.answer for plan in work.plans if plan.answer is not None]
    return Response(200, response_bundle("transaction-response", responses))


async def _read(connection: Connection, work: _Work, plan: _Plan, answer: Any) -> Response:
    try:
        response: Response = await answer(work.service, plan.entry.request, connection)
    except FhirError as error:
        raise at_entry(error, plan.entry) from None
    return response


def _needs_transaction(work: _Work) -> bool:
    """One statement is a transaction of its own; what looks before it writes, or may meet another version
    than it expects, needs an open one."""
    return any(
        plan.condition is not None
        or plan.entry.request.method in ("GET", "HEAD", "PATCH")
        or _must_be_seen(plan)
        or _may_relate(plan)
        or not plan.entry.request.headers.keys().isdisjoint(("if-match", "if-none-match"))
        or conditional_references(plan.entry.request.content)
        for plan in work.plans
    )


def _must_be_seen(plan: _Plan) -> bool:
    """An update by somebody who must be allowed to see what they replace."""
    request = plan.entry.request
    return request.method == "PUT" and request.permit.is_bound("u", request.path[0])


def _may_relate(plan: _Plan) -> bool:
    """A visit by somebody who may have no grounds before: that is kept with it."""
    request = plan.entry.request
    return request.method == "POST" and relating.may_relate(request, "c", request.path[0])


async def _resolve(connection: Connection, work: _Work) -> None:
    """Look up every condition and settle which reference each fullUrl stands for."""
    conditional = [(plan, plan.condition) for plan in work.plans if plan.condition is not None]
    asked = _conditional_references(work)
    # What is about to be changed is held; what is only looked for or pointed at is not.
    wanted = [(condition, plan.entry.request.method != "POST") for plan, condition in conditional]
    wanted += [(condition, False) for condition in asked.values()]
    matches = await lock_and_match_all(connection, wanted, work.request.base)
    new: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for (plan, (type_, criteria)), match in zip(conditional, matches, strict=False):
        if match.several:
            raise at_entry(errors.multiple_matches(), plan.entry)
        if match.one is None and plan.entry.request.method in ("POST", "PUT"):
            if (type_, frozenset(criteria)) in new:
                raise at_entry(errors.named_twice(), plan.entry)
            new.add((type_, frozenset(criteria)))
        plan.match = match
    work.ids = {}
    for reference, match in zip(asked, matches[len(conditional) :], strict=True):
        work.ids[reference] = _found(match)
    for plan in work.plans:
        _settle(work, plan)


def _conditional_references(work: _Work) -> dict[str, Condition]:
    """References such as `Practitioner?identifier=…`, each once."""
    found: dict[str, Condition] = {}
    for plan in work.plans:
        if plan.entry.request.method in ("POST", "PUT"):
            found.update(conditional_references(plan.entry.request.content))
    return found


def _found(match: Match) -> str:
    if match.one is None:
        raise refuse(
            412,
            "multiple-matches" if match.several else "not-found",
            "A conditional reference to {type} does not match exactly one resource.",
            "En betinget reference til {type} passer ikke på præcis én ressource.",
            type=match.type,
        )
    return f"{match.type}/{match.one}"


def _settle(work: _Work, plan: _Plan) -> None:
    request = plan.entry.request
    if request.method not in ("POST", "PUT"):
        return
    id_ = plan.match.one if plan.match is not None else None
    plan.existing = id_ if request.method == "POST" else None
    plan.id = id_ or plan.id or request.content.get("id") or new_id()
    if plan.entry.full_url:
        work.ids[plan.entry.full_url] = f"{request.path[0]}/{plan.id}"


async def _prepare(connection: Connection | None, work: _Work) -> None:
    """Make the writes, with every reference inside the Bundle pointing at what it will be.

    Only a patch needs the connection.
    """
    for number, plan in enumerate(work.plans):
        if number % _ENTRIES_A_TURN == 0:
            await asyncio.sleep(0)
        try:
            plan.write = await _prepared(connection, work, plan)
        except FhirError as error:
            raise at_entry(error, plan.entry) from None
    _check_once_each(work.plans)


async def _prepared(connection: Connection | None, work: _Work, plan: _Plan) -> Write | None:
    request, plan.related = plan.entry.request, frozenset()
    if request.method in ("GET", "HEAD") or plan.existing is not None:
        return None
    type_, expected = request.path[0], expected_version(request)
    if request.method == "DELETE":
        id_ = plan.match.one if plan.match is not None else plan.id
        return delete(type_, id_, expected) if id_ is not None else None
    if request.method == "PATCH":
        id_ = plan.match.one if plan.match is not None else plan.id
        if id_ is None:
            raise errors.not_found()
        assert connection is not None
        return await prepare_patch(connection, work.service, request, type_, id_)
    prepared = _resolved(_prepared_resource(plan, rewrite(request.content, work.ids, request.base)))
    await rights.require_to_write(request, _LETTERS[request.method], prepared)
    plan.related = await relating.related(request, _LETTERS[request.method], prepared)
    if _must_be_seen(plan) and (plan.match is None or plan.match.one is not None):
        assert connection is not None
        current = await read_to_write(connection, type_, prepared.id)
        await rights.require_shown_version(request, type_, current)
    return prepared


def _prepared_resource(plan: _Plan, resource: dict[str, Any]) -> Write:
    request = plan.entry.request
    if request.method == "POST":
        return create(resource, plan.id)
    if plan.match is None:
        return update(resource, expected_of_update(request))
    if plan.match.one is None:
        resource = {**resource, "id": plan.id}
    return conditional_update(resource, plan.match, expected_version(request))


def _resolved(prepared: Write) -> Write:
    """Refuse what still points at an entry that is not there."""
    if prepared.body is not None and b'"urn:' in prepared.body:
        resource = json.loads(compose(Stored(prepared.type, prepared.id, 1, EARLIEST, prepared.body)))
        if any(reference.startswith(("urn:uuid:", "urn:oid:")) for reference in references(resource)):
            raise errors.unresolved_reference()
    return prepared


def _check_once_each(plans: Sequence[_Plan]) -> None:
    """No resource may be named twice: the order of the two would decide (R4 http.html#trules)."""
    seen: set[tuple[str, str]] = set()
    for plan in plans:
        if plan.write is None:
            continue
        key = (plan.write.type, plan.write.id)
        if key in seen:
            error = refuse(
                400,
                "duplicate",
                "The transaction touches the same resource twice.",
                "Transaktionen berører samme ressource to gange.",
            )
            raise at_entry(error, plan.entry)
        seen.add(key)


def _planned(work: _Work) -> list[tuple[_Plan, Write]]:
    """The writes, in one order for all transactions, so that no two wait for each other's rows."""
    planned = [(plan, plan.write) for plan in work.plans if plan.write is not None]
    planned.sort(key=lambda item: (item[1].type, item[1].id))
    return planned


def _note(work: _Work, planned: Sequence[tuple[_Plan, Write]], written: Sequence[Written]) -> None:
    """What became of the writes is the answers of their entries."""
    conflict = first_conflict(written)
    if conflict is not None:
        raise at_entry(errors.version_conflict(), planned[conflict][0].entry)
    for (plan, prepared), result in zip(planned, written, strict=True):
        plan.answer = answer_write(minimal(plan.entry.request), prepared, result)
    for plan in work.plans:
        if plan.answer is None and plan.write is None and plan.entry.request.method == "DELETE":
            plan.answer = Response(204)


def minimal(request: Request) -> Request:
    """In a Bundle the default is not to send everything back (R4 http.html#transaction-response)."""
    if "return" in request.prefer:
        return request
    return replace(request, headers={**request.headers, "prefer": "return=minimal"})


async def _existing(connection: Connection, plan: _Plan, request: Request) -> Response:
    """A conditional create that found its resource: 200, and nothing written."""
    assert plan.existing is not None
    type_ = plan.entry.request.path[0]
    found = await read_found(connection, type_, plan.existing)
    if found is None or found.stored.body is None:
        raise at_entry(errors.version_conflict(), plan.entry)
    current, _ = await rights.require_shown(plan.entry.request, type_, found)
    rights.note_look(plan.entry.request, Action.READ, type_, [found], id_=current.id)
    location = f"{request.base}/{current.reference}/_history/{current.version}"
    return Response(200, b"", (("location", location), ("etag", f'W/"{current.version}"')))
