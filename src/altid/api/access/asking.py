"""A request as the handlers want it: who calls, in which language, and the fields of its body or query."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from altid.access import refusal
from altid.access.desk import Desk
from altid.access.door import Caller
from altid.access.guard import Guard, NotIdentifiedError
from altid.access.identity import Identity, Role
from altid.access.permit import Origin
from altid.access.reentry import fingerprint
from altid.access.refusal import Language, Refusal
from altid.access.wishes import Fields
from altid.api.access.limits import (
    BODY_BYTES_MAX,
    BODY_S_MAX,
    DEADLINE_S,
    DEADLINE_S_MAX,
    FIELDS_MAX,
    QUERY_BYTES_MAX,
)

_REQUEST_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}", re.ASCII)
_DEADLINE_MS = re.compile(r"[0-9]{1,9}", re.ASCII)


class RefusedError(Exception):
    """The request can't be understood, or not from this caller."""

    def __init__(self, refused: Refusal) -> None:
        super().__init__(refused.code)
        self.refused = refused


class Body(Enum):
    """What a request brings."""

    NONE = ""
    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Its fields may hold passwords, so they stand in no `repr`."""

    guard: Guard
    caller: Caller
    language: Language
    request_id: str
    headers: Mapping[str, str] = field(repr=False)
    query: Fields = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    form: Fields = field(repr=False, default=())

    @property
    def desk(self) -> Desk:
        return self.guard.desk

    @property
    def identity(self) -> Identity:
        """Who asks, by the bearer token. Raises `RefusedError`."""
        try:
            return self.guard.identify(self.headers)
        except NotIdentifiedError:
            raise RefusedError(refusal.NOT_LOGGED_ON) from None

    def origin(self, workplace_key: str = "") -> Origin:
        """Where it comes from, as the audit keeps it; a workplace by the fingerprint of its key."""
        workplace = fingerprint(workplace_key) if workplace_key else ""
        return Origin(self.caller.address, self.request_id, workplace)

    def text(self, name: str) -> str:
        """A field that must be there. Raises `RefusedError`."""
        value = self.optional(name)
        if value is None:
            raise RefusedError(refusal.INVALID_REQUEST)
        return value

    def optional(self, name: str) -> str | None:
        """A field that may be missing or null. Raises `RefusedError` where it is no text."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise RefusedError(refusal.INVALID_REQUEST)
        return value

    def number(self, name: str) -> int:
        """A whole number that must be there. Raises `RefusedError`."""
        value = self.fields.get(name)
        if type(value) is not int:
            raise RefusedError(refusal.INVALID_REQUEST)
        return value

    def texts(self, name: str) -> list[str] | None:
        """A list of texts, which may be missing."""
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise RefusedError(refusal.INVALID_REQUEST)
        return value

    def role(self, name: str = "role") -> Role | None:
        """A role that may be missing."""
        value = self.optional(name)
        try:
            return None if value is None else Role(value)
        except ValueError:
            raise RefusedError(refusal.INVALID_REQUEST) from None

    def answer(self, name: str) -> str:
        """A browser's answer for a passkey: as its API gives it, or as text."""
        value = self.fields.get(name)
        return json.dumps(value) if isinstance(value, dict) else self.text(name)


async def ask(guard: Guard, request: Request, body: Body) -> Asked:
    """Read the request within its limits. Raises `RefusedError`."""
    received_s = guard.desk.monotonic()
    content = b"" if body is Body.NONE else await _content(request, body)
    return Asked(
        guard=guard,
        caller=Caller(request.client.host if request.client else "", received_s + _patience_s(request)),
        language=language_of(request),
        request_id=request_id_of(request),
        headers=request.headers,
        query=fields_of(request.scope["query_string"]),
        fields=_object(content) if body is Body.JSON else {},
        form=fields_of(content) if body is Body.FORM else (),
    )


def language_of(request: Request) -> Language:
    return "da" if request.headers.get("accept-language", "").lower().startswith("da") else "en"


def request_id_of(request: Request) -> str:
    """The client's own if it can be one, else one made here; the same each time that it is asked for."""
    state = request.scope.setdefault("state", {})
    if "request_id" not in state:
        given = request.headers.get("x-request-id", "")
        state["request_id"] = given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()
    made: str = state["request_id"]
    return made


def fields_of(text: bytes | str) -> Fields:
    """The fields of a form or a query, in their order. Raises `RefusedError`."""
    try:
        plain = text if isinstance(text, str) else text.decode("ascii")
        if len(plain) > max(BODY_BYTES_MAX, QUERY_BYTES_MAX):
            raise RefusedError(refusal.TOO_LARGE)
        return tuple(parse_qsl(plain, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX))
    except ValueError:
        raise RefusedError(refusal.INVALID_REQUEST) from None


def single(fields: Fields) -> dict[str, str]:
    """Each name once (RFC 6749 §3.2). Raises `RefusedError`."""
    named = dict(fields)
    if len(named) < len(fields):
        raise RefusedError(refusal.INVALID_REQUEST)
    return named


def _patience_s(request: Request) -> float:
    given = request.headers.get("altid-deadline", "")
    return min(int(given) / 1000, DEADLINE_S_MAX) if _DEADLINE_MS.fullmatch(given) else DEADLINE_S


async def _content(request: Request, body: Body) -> bytes:
    if _media_type(request) != body.value:
        raise RefusedError(refusal.WRONG_TYPE)
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or len(declared) > 9 or int(declared) > BODY_BYTES_MAX:
        raise RefusedError(refusal.TOO_LARGE)
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for chunk in request.stream():
                content += chunk
                if len(content) > BODY_BYTES_MAX:
                    raise RefusedError(refusal.TOO_LARGE)
    except TimeoutError:
        raise RefusedError(refusal.UNFINISHED) from None
    return bytes(content)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise RefusedError(refusal.INVALID_REQUEST) from None
    if not isinstance(parsed, dict):
        raise RefusedError(refusal.INVALID_REQUEST)
    return parsed
