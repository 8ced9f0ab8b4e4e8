"""Create, update, patch and delete, with and without conditions (R4 http.html#create … #cond-delete).

Each returns a `Response`. The plain ones are a single statement; the conditional ones hold advisory locks on
what their condition names, so that of two at the same moment the second sees what the first has made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from altid.api import errors
from altid.api.checking import check_resource
from altid.api.conditions import expected_of_update, expected_version, none_exist
from altid.api.messages import Parameters, Request, Response, etag, http_date
from altid.api.reading import check_id
from altid.api.settings import Service
from altid.fhir import json
from altid.fhir.outcome import operation_outcome, refuse
from altid.fhir.patch import apply_fhirpath_patch, apply_json_patch
from altid.fhir.references import rewrite
from altid.record.conditional import Match, lock_and_match
from altid.record.database import Connection
from altid.record.grouping import LOST_CONNECTION, OutcomeUnknownError, committing
from altid.record.read import read, read_to_write
from altid.record.stored import Stored, compose, instant
from altid.record.write import MUST_BE_NEW, Write, Written, create, delete, stored, update, write


async def write_all(connection: Connection, writes: Sequence[Write]) -> list[Written]:
    """Write versions. If the connection breaks underway the outcome is unknown, and the answer says so."""
    try:
        return await write(connection, writes)
    except LOST_CONNECTION:
        raise errors.outcome_unknown() from None


async def write_grouped(service: Service, prepared: Write) -> Written:
    """Write one version that depends on nothing else, together with others that come at the same time."""
    try:
        return await service.writer.write(prepared)
    except OutcomeUnknownError:
        raise errors.outcome_unknown() from None


async def write_one(connection: Connection, prepared: Write) -> Written:
    (written,) = await write_all(connection, [prepared])
    return written


@asynccontextmanager
async def writing(service: Service) -> AsyncIterator[Connection]:
    """A connection with an open transaction, committed at the end; a lost answer is said to be lost."""
    try:
        async with service.database.writing() as connection, committing(connection):
            yield connection
    except OutcomeUnknownError:
        raise errors.outcome_unknown() from None


async def create_resource(service: Service, request: Request, type_: str) -> Response:
    """POST [type], conditional where If-None-Exist says so."""
    prepared = create(to_store(service, request, type_))
    criteria = none_exist(request)
    if criteria is None:
        return answer_write(request, prepared, await write_grouped(service, prepared))
    async with writing(service) as connection:
        match = await lock_and_match(connection, (type_, criteria), request.base)
        if match.several:
            raise errors.multiple_matches()
        if match.one is not None:
            return _answer(request, 200, await _existing(connection, match))
        return answer_write(request, prepared, await write_one(connection, prepared))


def to_store(service: Service, request: Request, type_: str) -> dict[str, Any]:
    """The request's resource, checked; references to this very server by its address are made local."""
    resource = check_resource(service.settings, request.content, type_)
    return rewrite(resource, {}, request.base) if request.names_base else resource


async def update_resource(service: Service, request: Request, type_: str, id_: str) -> Response:
    """PUT [type]/[id]: a new version, or the first under this id (only that with `If-None-Match: *`)."""
    resource = to_store(service, request, type_)
    check_same_id(resource, id_)
    prepared = update(resource, expected_of_update(request))
    return answer_write(request, prepared, await write_grouped(service, prepared))


async def update_by_search(service: Service, request: Request, type_: str) -> Response:
    """PUT [type]?…: conditional update (R4 http.html#cond-update)."""
    resource = to_store(service, request, type_)
    async with writing(service) as connection:
        condition = (type_, conditions_of(request))
        match = await lock_and_match(connection, condition, request.base, hold=True)
        prepared = conditional_update(resource, match, expected_version(request))
        return answer_write(request, prepared, await write_one(connection, prepared))


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
    async with writing(service) as connection:
        return await _patch(connection, service, request, type_, check_id(id_))


async def patch_by_search(service: Service, request: Request, type_: str) -> Response:
    """PATCH [type]?…: exactly one resource must match."""
    async with writing(service) as connection:
        condition = (type_, conditions_of(request))
        match = await lock_and_match(connection, condition, request.base, hold=True)
        if match.several:
            raise errors.multiple_matches()
        if match.one is None:
            raise errors.not_found()
        return await _patch(connection, service, request, type_, match.one)


async def _patch(
    connection: Connection, service: Service, request: Request, type_: str, id_: str
) -> Response:
    prepared = await prepare_patch(connection, service, request, type_, id_)
    return answer_write(request, prepared, await write_one(connection, prepared))


async def prepare_patch(
    connection: Connection, service: Service, request: Request, type_: str, id_: str
) -> Write:
    """The write that a patch amounts to. The version that is patched is held until the transaction ends."""
    current = await read_to_write(connection, type_, id_)
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
    return update({**patched, "id": id_}, current.version)


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
    prepared = delete(type_, check_id(id_), expected_version(request))
    return answer_write(request, prepared, await write_grouped(service, prepared))


async def delete_by_search(service: Service, request: Request, type_: str) -> Response:
    """DELETE [type]?…: only where exactly one matches; deleting many by one question is not offered."""
    async with writing(service) as connection:
        condition = (type_, conditions_of(request))
        match = await lock_and_match(connection, condition, request.base, hold=True)
        if match.several:
            raise errors.multiple_matches()
        if match.one is None:
            return Response(204)
        prepared = delete(type_, match.one, expected_version(request))
        return answer_write(request, prepared, await write_one(connection, prepared))


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


def answer_write(request: Request, prepared: Write, written: Written) -> Response:
    """The response to a write that has been tried."""
    if written.outcome == "conflict":
        raise errors.version_conflict()
    if written.outcome == "unchanged":
        return Response(204)
    if written.outcome == "deleted":
        return Response(204, b"", (("etag", etag(written.version)),))
    return _answer(request, 201 if written.outcome == "created" else 200, stored(prepared, written))


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


async def _existing(connection: Connection, match: Match) -> Stored:
    assert match.one is not None
    existing = await read(connection, match.type, match.one)
    if existing is None or existing.body is None:
        raise errors.version_conflict()
    return existing


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
