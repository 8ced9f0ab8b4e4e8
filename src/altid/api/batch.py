"""A batch: each entry by itself, as if it had been sent alone (R4 http.html#transaction)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from altid.api import rights
from altid.api.bundle import response_bundle
from altid.api.conditions import expected_of_update
from altid.api.entries import Entry, entries
from altid.api.failure import failure_response
from altid.api.idempotency import refuse_key
from altid.api.messages import Request, Response
from altid.api.settings import Service
from altid.api.transaction import minimal, transaction
from altid.api.writing import (
    SAFETY_HEADER,
    answer_write,
    check_same_id,
    to_store,
    with_safety,
    write_grouped,
)
from altid.fhir.definitions import resource_types
from altid.fhir.outcome import FhirError, Issue, refuse
from altid.record.database import Connection
from altid.record.write import Safety, Write, create, update

Answer = Callable[[Service, Request], Awaitable[Response]]
_ENTRIES_A_TURN = 16
"""Entries prepared before other requests get their turn on the event loop."""
_Plain = tuple[int, Entry, Write]
"""Place in the Bundle, entry, and the write that it comes down to."""

AnswerRead = Callable[[Service, Request, Connection], Awaitable[Response]]


async def batch_or_transaction(
    service: Service, request: Request, answer: Answer, answer_read: AnswerRead
) -> Response:
    """POST at the base: what the Bundle's type says."""
    refuse_key(request)
    bundle = request.content
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise refuse(
            400,
            "structure",
            "POST at the base takes a Bundle of type batch or transaction.",
            "POST på basen tager en Bundle af typen batch eller transaction.",
        )
    if not isinstance(bundle.get("entry", []), list):
        raise FhirError(400, [_NOT_A_LIST])
    if len(bundle.get("entry", ())) > service.settings.bundle_entries_max:
        raise refuse(
            413,
            "too-costly",
            "A Bundle may have {limit} entries at most.",
            "En Bundle må højst have {limit} indgange.",
            limit=service.settings.bundle_entries_max,
        )
    match bundle.get("type"):
        case "transaction":
            return await transaction(service, request, bundle, answer_read)
        case "batch":
            return await _batch(service, request, bundle, answer)
    raise refuse(
        400,
        "value",
        "POST at the base takes a Bundle of type batch or transaction.",
        "POST på basen tager en Bundle af typen batch eller transaction.",
    )


_NOT_A_LIST = Issue(
    "structure", "Bundle.entry must be a list.", "Bundle.entry skal være en liste.", expression="Bundle.entry"
)


async def _batch(service: Service, request: Request, bundle: dict[str, object], answer: Answer) -> Response:
    responses: list[Response | None] = []
    plain: list[_Plain] = []
    for index, entry in enumerate(entries(bundle, request)):
        if index % _ENTRIES_A_TURN == 0:
            await asyncio.sleep(0)
        responses.append(None)
        try:
            if isinstance(entry, FhirError):
                raise entry
            prepared = _plain_write(service, entry.request)
            if prepared is None:
                responses[index] = await answer(service, minimal(entry.request))
            else:
                plain.append((index, entry, prepared))
        except Exception as error:
            responses[index] = _failed(error, request if isinstance(entry, FhirError) else entry.request)
    await asyncio.gather(*(_write_plain(service, item, responses) for item in plain))
    answered = [response for response in responses if response is not None]
    return with_safety(Response(200, response_bundle("batch-response", answered)), _least_safe(answered))


def _least_safe(responses: Sequence[Response]) -> Safety | None:
    """A batch is as safe as the least safe of its writes."""
    told = {value for response in responses for name, value in response.headers if name == SAFETY_HEADER}
    if "one-site" in told:
        return "one-site"
    return "two-sites" if told else None


def _plain_write(service: Service, request: Request) -> Write | None:
    """The write of an unconditional create or update by a system; None for everything else."""
    if "if-none-exist" in request.headers or request.parameters or not request.permit.is_for_everyone:
        return None
    match request.method, request.path:
        case "POST", (type_,) if type_ in resource_types():
            rights.require(request, "c", type_)
            return create(to_store(service, request, type_))
        case "PUT", (type_, id_) if type_ in resource_types():
            rights.require(request, "u", type_)
            resource = to_store(service, request, type_)
            check_same_id(resource, id_)
            return update(resource, expected_of_update(request))
    return None


async def _write_plain(service: Service, item: _Plain, responses: list[Response | None]) -> None:
    """Plain writes go to the group writer together, which makes few commits of them and keeps them apart."""
    index, entry, prepared = item
    try:
        written = await write_grouped(service, prepared)
        responses[index] = answer_write(minimal(entry.request), prepared, written)
    except Exception as error:
        responses[index] = _failed(error, entry.request)


def _failed(error: Exception, request: Request) -> Response:
    """An entry that fails in whatever way is its own answer: what the others did must be told."""
    response = failure_response(error, request.method, request.language, "of a batch")
    rights.note_failure(request, response.status)
    return response
