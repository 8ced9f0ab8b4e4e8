"""Which interaction a request is (R4 http.html#summary)."""

from __future__ import annotations

from altid.api import errors, rights
from altid.api.batch import batch_or_transaction
from altid.api.capability import capability_statement
from altid.api.compartments import compartment_restriction
from altid.api.messages import Request, Response
from altid.api.operations import patient_everything, validate_resource, validate_stored
from altid.api.reading import read_current, read_history, read_one_version
from altid.api.searching import search_resources
from altid.api.settings import Service
from altid.api.writing import (
    create_resource,
    delete_by_search,
    delete_resource,
    patch_by_search,
    patch_resource,
    update_by_search,
    update_resource,
)
from altid.fhir.definitions import resource_types
from altid.record.database import Connection

_READS = ("GET", "HEAD")


async def answer(service: Service, request: Request) -> Response:
    """Carry out any request. Raises `FhirError` for what is refused."""
    if request.method in _READS:
        if request.path == ("metadata",):
            return capability_statement(request)
        async with service.database.reading() as connection:
            return await answer_read(service, request, connection)
    if request.method == "POST":
        return await _post(service, request)
    match request.method, request.path:
        case "PUT", (type_,):
            return await update_by_search(service, request, _type(type_))
        case "PUT", (type_, id_):
            return await update_resource(service, request, _type(type_), id_)
        case "PATCH", (type_,):
            return await patch_by_search(service, request, _type(type_))
        case "PATCH", (type_, id_):
            return await patch_resource(service, request, _type(type_), id_)
        case "DELETE", (type_,):
            return await delete_by_search(service, request, _type(type_))
        case "DELETE", (type_, id_):
            return await delete_resource(service, request, _type(type_), id_)
    raise errors.method_not_allowed(request.method)


async def answer_read(service: Service, request: Request, connection: Connection) -> Response:
    """Carry out a GET on a given connection: that of an open transaction sees what it has written."""
    match request.path:
        case ():
            return await search_resources(connection, service, request, None)
        case ("metadata",):
            return capability_statement(request)
        case ("_history",):
            return await read_history(connection, service, request, None, None)
        case (type_,):
            return await search_resources(connection, service, request, _type(type_))
        case (type_, "_history"):
            return await read_history(connection, service, request, _type(type_), None)
        case (type_, id_):
            return await read_current(connection, request, _type(type_), id_)
        case (type_, id_, "_history"):
            return await read_history(connection, service, request, _type(type_), id_)
        case (type_, id_, "_history", version):
            return await read_one_version(connection, request, _type(type_), id_, version)
        case ("Patient", id_, "$everything"):
            return await patient_everything(connection, service, request, id_)
        case (type_, id_, "$validate"):
            return await validate_stored(connection, service, request, _type(type_), id_)
        case (compartment, id_, type_) if type_ == "*" or type_ in resource_types():
            wanted = None if type_ == "*" else type_
            restriction = compartment_restriction(_type(compartment), id_, wanted)
            if compartment == "Patient":
                await rights.require_grounds(request, [id_])
            return await search_resources(connection, service, request, wanted, restriction)
    raise errors.not_found()


async def _post(service: Service, request: Request) -> Response:
    match request.path:
        case ():
            return await batch_or_transaction(service, request, answer, answer_read)
        case ("$validate",):
            return await validate_resource(service, request, None)
        case ("_search",) | (_, "_search") if request.content is not None:
            raise errors.form_expected()
        case ("_search",):
            async with service.database.reading() as connection:
                return await search_resources(connection, service, request, None)
        case (type_,):
            return await create_resource(service, request, _type(type_))
        case (type_, "_search"):
            async with service.database.reading() as connection:
                return await search_resources(connection, service, request, _type(type_))
        case (type_, "$validate") | (type_, _, "$validate"):
            return await validate_resource(service, request, _type(type_))
        case ("Patient", id_, "$everything"):
            async with service.database.reading() as connection:
                return await patient_everything(connection, service, request, id_)
        case (type_, _) if type_ in resource_types():
            raise errors.method_not_allowed(request.method)
    raise errors.not_found()


def _type(name: str) -> str:
    if name not in resource_types():
        raise errors.unknown_type(name)
    return name
