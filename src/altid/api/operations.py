"""Operations: `$validate` and `Patient/$everything` (R4 operations.html)."""

from __future__ import annotations

from typing import Any

from altid.access.audit.event import Action
from altid.api import errors, rights
from altid.api.bundle import Link, search_entry, searchset
from altid.api.checking import check_resource, find_issues
from altid.api.compartments import everything_terms, types_outside
from altid.api.messages import Parameters, Request, Response, url_of
from altid.api.page import decode, encode
from altid.api.reading import check_id, count_parameter, moment_parameter
from altid.api.settings import Service
from altid.fhir import json
from altid.fhir.definitions import resource_types
from altid.fhir.outcome import operation_outcome
from altid.record.database import Connection
from altid.record.everything import Everything, everything
from altid.record.read import read, read_found
from altid.record.stored import compose

_EVERYTHING_COUNT_MAX = 1_000


async def validate_resource(service: Service, request: Request, type_: str | None) -> Response:
    """`$validate`: what would be said of this resource. Nothing is stored; faults are answered 200 too."""
    content: Any = request.content
    if type_ != "Parameters" and isinstance(content, dict) and content.get("resourceType") == "Parameters":
        content = _parameter(content, "resource")
    if content is None:
        raise errors.body_missing()
    issues = find_issues(service.settings, content, type_)
    return Response(200, json.dumps(operation_outcome(issues, request.language)))


async def validate_stored(
    connection: Connection, service: Service, request: Request, type_: str, id_: str
) -> Response:
    """`[type]/[id]/$validate` by GET: of what is stored."""
    rights.require(request, "r", type_)
    found = await read_found(connection, type_, check_id(id_))
    stored, _ = await rights.require_shown(request, type_, found)
    if stored.body is None:
        raise errors.not_found()
    rights.note_look(
        request, Action.OPERATION, type_, [found] if found else [], id_=id_, operation="validate"
    )
    issues = find_issues(service.settings, json.loads(compose(stored)), type_)
    return Response(200, json.dumps(operation_outcome(issues, request.language)))


async def patient_everything(
    connection: Connection, service: Service, request: Request, id_: str
) -> Response:
    """`Patient/[id]/$everything`, in pages by type and id."""
    rights.require(request, "r", "Patient")
    await rights.require_grounds(request, [id_])
    patient = await read(connection, "Patient", check_id(id_))
    if patient is None:
        raise errors.not_found()
    if patient.body is None:
        raise errors.gone()
    parameters = _parameters(service, request)
    asked, count, after = _asked(parameters, id_, service.settings.page_size)
    found = await everything(connection, asked, after=after, count=count + 1)
    visible = await request.permit.visible("r")
    page = found[:count]
    shown = [one for one in page if visible.shows(*one)]
    rights.note_look(
        request, Action.OPERATION, "Patient", shown, named=[id_], id_=id_, operation="everything"
    )
    links = [Link("self", url_of(request, parameters))]
    if len(found) > count:
        kept: Parameters = tuple(p for p in parameters if p[0] != "_page")
        token = encode(("e", page[-1].stored.type, page[-1].stored.id))
        links.append(Link("next", url_of(request, (*kept, ("_page", token)))))
    complete = len(found) <= count and after == ("", "")
    entries = (search_entry(request.base, stored, "match") for stored, _ in shown)
    return Response(200, searchset(links, len(shown) if complete else None, entries))


def _asked(parameters: Parameters, id_: str, page_size: int) -> tuple[Everything, int, tuple[str, str]]:
    types, since, count, after = None, None, page_size, ("", "")
    for name, value in parameters:
        match name:
            case "_type":
                types = _types(value)
            case "_since":
                since = moment_parameter(name, value)
            case "_count":
                count = min(count_parameter(value), _EVERYTHING_COUNT_MAX)
            case "_page":
                after = _after(value)
            case "_format" | "_pretty":
                pass
            case _:
                raise errors.bad_parameter(name)
    return Everything(id_, everything_terms(id_), types_outside(), types, since), count, after


def _parameters(service: Service, request: Request) -> Parameters:
    """From the URL, or from a Parameters resource where the operation was POSTed."""
    if request.content is None:
        return request.parameters
    posted = []
    for parameter in check_resource(service.settings, request.content, "Parameters").get("parameter", ()):
        values = [value for name, value in parameter.items() if name.startswith("value")]
        if values:
            posted.append((str(parameter["name"]), str(values[0])))
    return (*request.parameters, *posted)


def _types(text: str) -> list[str]:
    types = text.split(",")
    if not all(type_ in resource_types() for type_ in types):
        raise errors.bad_parameter("_type")
    return types


def _after(token: str) -> tuple[str, str]:
    kind, type_, id_ = decode(token, 3)
    if kind != "e" or not isinstance(type_, str) or not isinstance(id_, str):
        raise errors.bad_parameter("_page")
    return type_, id_


def _parameter(parameters: dict[str, Any], name: str) -> Any:
    listed = parameters.get("parameter")
    for parameter in listed if isinstance(listed, list) else ():
        if isinstance(parameter, dict) and parameter.get("name") == name:
            return parameter.get(name)
    return None
