"""A FHIR request and its response as plain data, whether they came over HTTP or in a Bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from altid.access.identity import NOBODY
from altid.access.permit import Permit
from altid.fhir import json
from altid.fhir.outcome import FhirError, Language, operation_outcome
from altid.record.stored import Stored, compose

JSON_TYPE = "application/fhir+json"

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is below the FHIR base, split at "/"; header names are lower case; `base` ends without "/".

    `content` is the parsed body: a resource, a JSON Patch, or None where there was no body.
    """

    method: str
    path: tuple[str, ...]
    parameters: Parameters = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Any = None
    base: str = ""
    names_base: bool = False
    """The body mentions `base`, so its references may lead here by the full address."""
    query: str = ""
    """The query as it stood in the URL, still encoded; "" where it was not in a URL."""
    permit: Permit = field(default_factory=lambda: Permit(NOBODY, None))
    """What whoever asks may do: nothing, until the request has come through the door."""

    @property
    def language(self) -> Language:
        return "da" if self.headers.get("accept-language", "").lower().startswith("da") else "en"

    @property
    def prefer(self) -> dict[str, str]:
        """The Prefer header (RFC 7240) as names and values, both lower case."""
        preferences = {}
        for part in self.headers.get("prefer", "").replace(";", ",").split(","):
            name, _, value = part.strip().partition("=")
            preferences[name.strip().lower()] = value.strip().strip('"').lower()
        return preferences

    @property
    def strict(self) -> bool:
        return self.prefer.get("handling") == "strict"


@dataclass(frozen=True, slots=True)
class Response:
    """`body` is JSON, ready to be sent; empty where FHIR sends nothing."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    type: str = JSON_TYPE


def url_of(request: Request, parameters: Parameters) -> str:
    """The absolute URL of a request's path with these parameters."""
    path = request.path[:-1] if request.path[-1:] == ("_search",) else request.path
    url = "/".join((request.base, *path))
    return f"{url}?{urlencode(parameters)}" if parameters else url


def versioned(status: int, stored: Stored, body: bytes, *extra: tuple[str, str]) -> Response:
    """A response about one version, with its ETag and Last-Modified (R4 http.html#versions)."""
    headers = (
        ("etag", etag(stored.version)),
        ("last-modified", http_date(stored.last_updated)),
        *extra,
    )
    return Response(status, body, headers)


def resource_response(status: int, stored: Stored) -> Response:
    return versioned(status, stored, compose(stored))


_HEADERS: Mapping[int, tuple[tuple[str, str], ...]] = {
    401: (("www-authenticate", 'Bearer realm="altid"'),),
    503: (("retry-after", "1"),),
}
"""What goes with a refusal (RFC 9110 §10.2.3, §11.6.1)."""


def outcome_response(error: FhirError, language: Language) -> Response:
    headers = _HEADERS.get(error.status, ())
    return Response(error.status, json.dumps(operation_outcome(error.issues, language)), headers)


def etag(version: int) -> str:
    return f'W/"{version}"'


def http_date(moment: datetime) -> str:
    """RFC 9110 date; it has no fractions, which is why versions and not times decide conflicts."""
    return format_datetime(moment, usegmt=True)
