"""HTTP to FHIR and back: the ASGI application at the FHIR base.

Reads the body within its limits, negotiates JSON, turns every failure into an `OperationOutcome` and writes
ETag, Last-Modified, gzip and HEAD as HTTP has them. Errors that we did not foresee are logged by their type
and place alone, never with their text: a text may quote a patient.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.guard import NotIdentifiedError
from altid.access.identity import NOBODY
from altid.access.permit import Origin, Permit
from altid.api import errors, negotiation, rights
from altid.api.failure import failure_response
from altid.api.keeping import Keeper
from altid.api.messages import Request, Response, outcome_response
from altid.api.routes import answer
from altid.api.settings import Service
from altid.fhir import json
from altid.fhir.outcome import FhirError, refuse

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

Answers = Callable[[Service, Request], Awaitable[Response]]
Finish = Callable[[Response], Response]

_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]{1,255}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_FORM = "application/x-www-form-urlencoded"
OPEN = "metadata"
"""The one path below the base that is answered without a token."""
_QUERY_FIELDS_MAX = 200
"""Parameters of one search; each costs planning."""


class FhirApp:
    """ASGI application for everything below the FHIR base, or below one of ours that is asked alike."""

    def __init__(self, service: Service, answers: Answers = answer, finish: Finish | None = None) -> None:
        """`answers`: what carries out a request; `finish`: a last touch on each answer, failures included."""
        self._service = service
        self._answers, self._finish = answers, finish
        self._in_flight = 0
        self._keeper = Keeper(service.guard.audit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._in_flight += 1
        try:
            await self._respond(scope, receive, send)
        finally:
            self._in_flight -= 1

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(scope["method"], (), (), headers)
        request_id = _request_id(headers)
        origin = Origin(_address(scope), request_id)
        try:
            permit = Permit(NOBODY, None) if _is_open(scope) else self._permit(headers)
            if self._in_flight > self._service.settings.in_flight_max:
                raise errors.busy()
            body = await _read_body(receive, headers, self._service.settings) if _has_body(headers) else b""
            request = _request(scope, headers, body, self._service.settings, permit)
            response = await self._answers(self._service, request)
            response = negotiation.pretty(request, response)
        except Exception as error:
            response = failure_response(error, request.method, request.language, request_id)
            rights.note_failure(request, response.status)
        except asyncio.CancelledError:
            self._keeper.keep_unknown(request, origin)
            raise
        try:
            await self._keeper.keep(request, origin)
        except FhirError as error:
            response = outcome_response(error, request.language)
        if self._finish is not None:
            response = self._finish(response)
        await _send(send, scope["method"], headers, response, request_id, self._service.settings)

    def _permit(self, headers: dict[str, str]) -> Permit:
        """Nothing is begun for whom nobody knows, or that could not be told of in the audit."""
        guard = self._service.guard
        try:
            permit = guard.permit(guard.identify(headers, pages=True))
        except NotIdentifiedError as error:
            raise errors.not_identified(given=error.given) from None
        fault = guard.audit.fault
        if fault is not None:
            raise errors.not_audited(AuditUnavailableError(fault))
        return permit


def _is_open(scope: Scope) -> bool:
    """What a program must read before it can have a token (FHIR R4 http.html#capabilities; SMART App Launch).
    It holds nothing of any patient, and is the same for all."""
    return scope["method"] in ("GET", "HEAD") and _below_base(scope).strip("/") == OPEN


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _request(scope: Scope, headers: dict[str, str], body: bytes, settings: Any, permit: Permit) -> Request:
    path = tuple(unquote(part) for part in _below_base(scope).split("/") if part)
    parameters = _fields(scope["query_string"])
    content: Any = None
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _FORM:
        parameters += _fields(body)
    elif body:
        negotiation.check_body_type(media_type, scope["method"])
        content = _parse(body)
    negotiation.check_answer_type(headers, parameters)
    query = "" if media_type == _FORM else scope["query_string"].decode("ascii", "replace")
    base = settings.base_url or _base(scope, headers)
    names_base = content is not None and base.encode() in body
    return Request(scope["method"], path, parameters, headers, content, base, names_base, query, permit)


def _below_base(scope: Scope) -> str:
    path: str = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    return path.removeprefix(scope.get("root_path", ""))


def _base(scope: Scope, headers: dict[str, str]) -> str:
    host = headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise errors.bad_parameter("Host")
    return f"{scope['scheme']}://{host}{scope.get('root_path', '')}"


def _fields(text: bytes) -> tuple[tuple[str, str], ...]:
    if not text:
        return ()
    try:
        return tuple(
            parse_qsl(
                text.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_QUERY_FIELDS_MAX,
            )
        )
    except ValueError:
        raise refuse(
            400,
            "invalid",
            "The query is not valid percent-encoded UTF-8 of at most {limit} parameters.",
            "Forespørgslens parametre er ikke gyldig procentkodet UTF-8 med højst {limit} parametre.",
            limit=_QUERY_FIELDS_MAX,
        ) from None


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JsonError as error:
        raise refuse(400, "structure", "{text}", "Kroppen er ikke gyldig JSON: {text}", text=error) from None


def _has_body(headers: dict[str, str]) -> bool:
    """RFC 9112 §6.3: a request has a body where it says so."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


async def _read_body(receive: Receive, headers: dict[str, str], settings: Any) -> bytes:
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > settings.body_bytes_max:
        raise _too_large(settings.body_bytes_max)
    try:
        async with asyncio.timeout(settings.body_s_max):
            return await _read_chunks(receive, settings.body_bytes_max)
    except TimeoutError:
        raise refuse(
            408, "timeout", "The body did not arrive in time.", "Kroppen nåede ikke frem i tide."
        ) from None


async def _read_chunks(receive: Receive, bytes_max: int) -> bytes:
    message = await receive()
    if not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
        return body
    chunks, size = [message.get("body", b"")], len(message.get("body", b""))
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > bytes_max:
            raise _too_large(bytes_max)
    return b"".join(chunks)


def _too_large(bytes_max: int) -> FhirError:
    return refuse(
        413,
        "too-long",
        "The body is larger than {limit} bytes.",
        "Kroppen er større end {limit} byte.",
        limit=bytes_max,
    )


def _request_id(headers: dict[str, str]) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()


async def _send(
    send: Send, method: str, headers: dict[str, str], response: Response, request_id: str, settings: Any
) -> None:
    body = response.body
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    lines.append((b"x-request-id", request_id.encode()))
    if body:
        lines.append((b"content-type", f"{response.type}; charset=utf-8".encode()))
        lines.append((b"vary", b"Accept, Accept-Encoding, Accept-Language, Prefer"))
        if len(body) >= settings.gzip_bytes_min and negotiation.takes_gzip(headers):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            lines.append((b"content-encoding", b"gzip"))
    if response.status not in (204, 304):
        lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": lines})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
