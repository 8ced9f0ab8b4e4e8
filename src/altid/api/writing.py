"""Create, update, patch and delete, with and without conditions (R4 http.html#create … #cond-delete).

Each returns a `Response`. The plain ones are a single statement; the conditional ones hold advisory locks on
what their condition names, so that of two at the same moment the second sees what the first has made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from altid.access.audit.event import Action
from altid.access.permit import about
from altid.api import errors, relating, rights
from altid.api.checking import check_resource
from altid.api.conditions import expected_of_update, expected_version, none_exist
from altid.api.idempotency import key_of, new_id_of, refuse_key
from altid.api.messages import Parameters, Request, Response, etag, http_date
from altid.api.reading import check_id
from altid.api.seen import require_seen
from altid.api.settings import Service
from altid.fhir import json
from altid.fhir.outcome import operation_outcome, refuse
from altid.fhir.patch import apply_fhirpath_patch, apply_json_patch
from altid.fhir.references import rewrite
from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.conditional import Match, lock_and_match
from altid.record.database import Connection
from altid.record.read import find_write, read_found, read_to_write
from altid.record.stored import Found, Stored, compose, instant
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import MUST_BE_NEW, Safety, Write, Written, create, delete, stored, update
from altid.record.write_key import WriteKey

_LOOKS_MAX = 4
"""A resource that others change all the time is looked at anew so often before its writer is told."""

SAFETY_HEADER = "altid-durability"


async def write_grouped(service: Service, prepared: Write, key: WriteKey | None = None) -> Written:
    """Write one version that depends on nothing else, together with others that come at the same time."""
    try:
        return await service.writer.write(prepared, key)
    except OutcomeUnknownError:
        raise errors.outcome_unknown() from None
    except NotStoredError:
        raise errors.unavailable() from None


async def in_transaction(
    service: Service,
    request: Request,
    work: Callable[[Transaction], Awaitable[Response]],
    *,
    may_take_long: bool = False,
) -> Response:
    """The answer of `work`, committed. It may be run more than once: nothing of an earlier run is stored, or
    noted for the audit."""
    notes, kept = request.permit.notes, len(request.permit.notes)

    async def attempt(transaction: Transaction) -> Response:
        del notes[kept:]
        return await work(transaction)

    try:
        response, safety, _ = await run_transaction(service.database, attempt, may_take_long=may_take_long)
    except BaseException as error:
        del notes[kept:]
        if isinstance(error, OutcomeUnknownError):
            raise errors.outcome_unknown() from None
        if isinstance(error, NotStoredError):
            raise errors.unavailable() from None
        raise
    notes[kept:] = [note._replace(durability=safety or "") for note in notes[kept:]]
    return with_safety(response, safety)


def with_safety(response: Response, safety: Safety | None) -> Response:
    """The response, saying how safe its commit was."""
    if safety is None:
        return response
    return replace(response, headers=(*response.headers, (SAFETY_HEADER, safety)))


async def write_one(transaction: Transaction, prepared: Write, key: WriteKey | None = None) -> Written:
    (written,) = await transaction.write([prepared], None if key is None else [key])
    return written


async def create_resource(service: Service, request: Request, type_: str) -> Response:
    """POST [type], conditional where If-None-Exist says so."""
    rights.require(request, "c", type_)
    key = key_of(request)
    prepared = create(to_store(service, request, type_), new_id_of(request))
    await rights.require_to_write(request, "c", prepared)
    criteria, patients = none_exist(request), await relating.related(request, "c", prepared)
    if criteria is None and not patients:
        return answer_write(request, prepared, await write_grouped(service, prepared, key))
    if criteria is None:
        return await in_transaction(
            service, request, lambda transaction: _relate(transaction, request, prepared, patients, key)
        )
    await rights.require_condition(request, type_, criteria)

    async def work(transaction: Transaction) -> Response:
        match = await lock_and_match(transaction.connection, (type_, criteria), request.base)
        done = await _done_before(transaction, type_, prepared.id, key)
        if done is not None:
            return answer_write(request, prepared, done[0])
        if match.several:
            raise errors.multiple_matches()
        if match.one is not None:
            return _answer(request, 200, await _existing(transaction.connection, request, match))
        return await _relate(transaction, request, prepared, patients, key)

    return await in_transaction(service, request, work)


async def _relate(
    transaction: Transaction,
    request: Request,
    prepared: Write,
    patients: frozenset[str],
    key: WriteKey | None = None,
) -> Response:
    """Write, and keep the relation that is made to these patients."""
    written = await write_one(transaction, prepared, key)
    await relating.keep(transaction.connection, request, prepared, patients)
    return answer_write(request, prepared, written)


async def _done_before(
    transaction: Transaction, type_: str, id_: str, key: WriteKey | None
) -> tuple[Written, bytes | None] | None:
    """What a client's key has made in an earlier request, and the body it made."""
    if key is None:
        return None
    return await find_write(transaction.connection, type_, id_, key)


def to_store(service: Service, request: Request, type_: str) -> dict[str, Any]:
    """The request's resource, checked; references to this very server by its address are made local."""
    resource = check_resource(service.settings, request.content, type_)
    return rewrite(resource, {}, request.base) if request.names_base else resource


async def update_resource(service: Service, request: Request, type_: str, id_: str) -> Response:
    """PUT [type]/[id]: a new version, or the first under this id (only that with `If-None-Match: *`)."""
    rights.require(request, "u", type_)
    resource = to_store(service, request, type_)
    check_same_id(resource, id_)
    prepared = update(resource, expected_of_update(request))
    await rights.require_to_write(request, "u", prepared)
    if not request.permit.is_bound("u", type_) or request.permit.is_made_for(type_, id_):
        return answer_write(request, prepared, await write_grouped(service, prepared, key_of(request)))
    return await _update_shown(service, request, prepared)


async def _update_shown(service: Service, request: Request, prepared: Write) -> Response:
    """An update by somebody who must be allowed to see what they replace.

    What they were allowed to see is the version that is replaced, and no other: if it is another by then,
    they are asked about that one. New ids are the record's to give.
    """
    key, asked = key_of(request), prepared.expected
    for _ in range(_LOOKS_MAX):
        async with service.database.reading() as connection:
            found = await read_found(connection, prepared.type, prepared.id)
        found = await rights.require_shown(request, prepared.type, found)
        require_seen(request, about([found]), prepared.type)
        if asked in (None, found.stored.version):
            prepared = prepared._replace(expected=found.stored.version)
        written = await write_grouped(service, prepared, key)
        if written.outcome != "conflict" or asked is not None:
            return answer_write(request, prepared, written, found)
    raise errors.version_conflict()


async def update_by_search(service: Service, request: Request, type_: str) -> Response:
    """PUT [type]?…: conditional update (R4 http.html#cond-update)."""
    refuse_key(request)
    rights.require(request, "u", type_)
    resource = to_store(service, request, type_)
    condition = (type_, conditions_of(request))
    await rights.require_condition(request, *condition)

    async def work(transaction: Transaction) -> Response:
        match = await lock_and_match(transaction.connection, condition, request.base, hold=True)
        prepared = conditional_update(resource, match, expected_version(request))
        letter = "c" if match.one is None else "u"
        await rights.require_to_write(request, letter, prepared)
        patients = await relating.related(request, letter, prepared)
        return await _relate(transaction, request, prepared, patients)

    return await in_transaction(service, request, work)


def conditional_update(resource: dict[str, Any], match: Match, expected: int | None) -> Write:
    """No match: create (under the given id, if any); one match: update it; more: 412."""
    if match.several:
        raise errors.multiple_matches()
    if match.one is not None:
        if "id" in resource and resource["id"] != match.one:
            raise refuse(
                400,
                "invalid",
                "The resource's id is not that of the resource that the condition matches.",
                "Ressourcens id er ikke det, som den fundne ressource har.",
            )
        return update({**resource, "id": match.one}, expected)
    if expected is not None:
        raise errors.version_conflict()
    return update(resource, MUST_BE_NEW) if "id" in resource else create(resource)


async def patch_resource(service: Service, request: Request, type_: str, id_: str) -> Response:
    """PATCH [type]/[id] by JSON Patch (an array) or FHIRPath Patch (Parameters)."""
    rights.require(request, "u", type_)
    id_, key = check_id(id_), key_of(request)

    async def work(transaction: Transaction) -> Response:
        return await _patch(transaction, service, request, type_, id_, key)

    return await in_transaction(service, request, work)


async def patch_by_search(service: Service, request: Request, type_: str) -> Response:
    """PATCH [type]?…: exactly one resource must match."""
    refuse_key(request)
    rights.require(request, "u", type_)
    condition = (type_, conditions_of(request))
    await rights.require_condition(request, *condition)

    async def work(transaction: Transaction) -> Response:
        match = await lock_and_match(transaction.connection, condition, request.base, hold=True)
        if match.several:
            raise errors.multiple_matches()
        if match.one is None:
            raise errors.not_found()
        return await _patch(transaction, service, request, type_, match.one, None)

    return await in_transaction(service, request, work)


async def _patch(
    transaction: Transaction,
    service: Service,
    request: Request,
    type_: str,
    id_: str,
    key: WriteKey | None,
) -> Response:
    if key is not None:
        # Held first, so that of two with one key the second finds what the first has made.
        await read_to_write(transaction.connection, type_, id_)
    done = await _done_before(transaction, type_, id_, key)
    if done is not None:
        before, body = done
        return answer_write(request, _as_made(type_, id_, body), before)
    prepared = await prepare_patch(transaction.connection, service, request, type_, id_)
    return answer_write(request, prepared, await write_one(transaction, prepared, key))


def _as_made(type_: str, id_: str, body: bytes | None) -> Write:
    """The write that has made a version, as far as its answer needs it."""
    return delete(type_, id_)._replace(body=body)


async def prepare_patch(
    connection: Connection, service: Service, request: Request, type_: str, id_: str
) -> Write:
    """The write that a patch amounts to. The version that is patched is held until the transaction ends."""
    rights.require(request, "u", type_)
    current = await read_to_write(connection, type_, id_)
    if request.permit.is_bound("u", type_):
        current = await rights.require_shown_version(request, type_, current)
    if current is None:
        raise errors.not_found()
    if current.body is None:
        raise errors.gone()
    if expected_version(request) not in (None, current.version):
        raise errors.version_conflict()
    patched = _apply(json.loads(compose(current)), request.content)
    check_resource(service.settings, patched, type_)
    if request.names_base:
        patched = rewrite(patched, {}, request.base)
    prepared = update({**patched, "id": id_}, current.version)
    await rights.require_to_write(request, "u", prepared)
    return prepared


def _apply(resource: dict[str, Any], patch: Any) -> dict[str, Any]:
    if isinstance(patch, list):
        return apply_json_patch(resource, patch)
    if isinstance(patch, dict) and patch.get("resourceType") == "Parameters":
        return apply_fhirpath_patch(resource, patch)
    raise refuse(
        400,
        "structure",
        "A patch is a JSON Patch (an array) or a FHIRPath Patch (a Parameters resource).",
        "En patch er en JSON Patch (en liste) eller en FHIRPath Patch (en Parameters-ressource).",
    )


async def delete_resource(service: Service, request: Request, type_: str, id_: str) -> Response:
    """DELETE [type]/[id]: also of what is gone already, which is no error (R4 http.html#delete)."""
    rights.require(request, "d", type_)
    prepared = delete(type_, check_id(id_), expected_version(request))
    async with service.database.reading() as connection:
        found = await read_found(connection, type_, id_)
    if request.permit.is_bound("d", type_):
        found = await rights.require_shown(request, type_, found)
    written = await write_grouped(service, prepared, key_of(request))
    return answer_write(request, prepared, written, found)


async def delete_by_search(service: Service, request: Request, type_: str) -> Response:
    """DELETE [type]?…: only where exactly one matches; deleting many by one question is not offered."""
    refuse_key(request)
    rights.require(request, "d", type_)
    condition = (type_, conditions_of(request))
    await rights.require_condition(request, *condition)

    async def work(transaction: Transaction) -> Response:
        match = await lock_and_match(transaction.connection, condition, request.base, hold=True)
        if match.several:
            raise errors.multiple_matches()
        if match.one is None:
            return Response(204)
        found = await read_found(transaction.connection, type_, match.one)
        prepared = delete(type_, match.one, expected_version(request))
        return answer_write(request, prepared, await write_one(transaction, prepared), found)

    return await in_transaction(service, request, work)


def conditions_of(request: Request) -> Parameters:
    """The criteria in the URL of a conditional interaction. None at all would mean "any": refused."""
    criteria = tuple(p for p in request.parameters if p[0] not in ("_format", "_pretty"))
    if not criteria:
        raise refuse(
            400,
            "required",
            "A conditional interaction needs search criteria in its URL.",
            "En betinget handling skal have søgekriterier i sin URL.",
        )
    return criteria


def answer_write(
    request: Request, prepared: Write, written: Written, before: Found | None = None
) -> Response:
    """The response to a write that has been tried; `before`: what it replaces, where that was looked at."""
    if written.outcome == "conflict":
        raise errors.version_conflict()
    if written.outcome == "mismatch":
        raise errors.key_used_otherwise()
    rights.note_write(request, prepared, written, before)
    if written.outcome == "unchanged":
        response = Response(204)
    elif written.outcome == "deleted":
        response = Response(204, b"", (("etag", etag(written.version)),))
    else:
        status = 201 if written.outcome == "created" else 200
        response = _answer(request, status, stored(prepared, written))
    return with_safety(response, written.safety)


def _answer(request: Request, status: int, version: Stored) -> Response:
    """Prefer: return= decides what comes back (R4 http.html#ops); the default is the resource."""
    headers = (
        ("etag", etag(version.version)),
        ("last-modified", http_date(version.last_updated)),
        ("altid-last-updated", instant(version.last_updated)),
        ("location", f"{request.base}/{version.reference}/_history/{version.version}"),
    )
    wanted = request.prefer.get("return") if "prefer" in request.headers else None
    if wanted == "minimal":
        return Response(status, b"", headers)
    if wanted == "operationoutcome":
        return Response(status, json.dumps(operation_outcome((), request.language)), headers)
    return Response(status, compose(version), headers)


async def _existing(connection: Connection, request: Request, match: Match) -> Stored:
    """What a conditional create has found instead: a look, if the asker may see it."""
    assert match.one is not None
    found = await read_found(connection, match.type, match.one)
    if found is None or found.stored.body is None:
        raise errors.version_conflict()
    await rights.require_shown(request, match.type, found)
    rights.note_look(request, Action.READ, match.type, [found], id_=match.one)
    return found.stored


def check_same_id(resource: dict[str, Any], id_: str) -> None:
    if resource.get("id") != id_:
        raise refuse(
            400,
            "invalid",
            "The resource must have the id that the URL has.",
            "Ressourcen skal have det id, som URL'en har.",
        )


def first_conflict(written: Sequence[Written]) -> int | None:
    """The place of the first write that met another version."""
    return next((place for place, result in enumerate(written) if result.outcome == "conflict"), None)
