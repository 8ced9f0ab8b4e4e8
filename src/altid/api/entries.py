"""The entries of a batch or transaction as requests of their own (R4 bundle.html, http.html#transaction)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from altid.api import seen
from altid.api.messages import Parameters, Request
from altid.fhir.outcome import FhirError, Issue

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
_HEADERS = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifNoneExist": "if-none-exist",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place in the Bundle, the fullUrl that others refer to it by, and its request."""

    index: int
    full_url: str | None
    request: Request

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.index}]"


def entries(bundle: dict[str, Any], around: Request) -> Iterator[Entry | FhirError]:
    """The entries in order; one that can't be understood comes as the error to answer it with."""
    for index, entry in enumerate(bundle.get("entry", ())):
        try:
            yield _entry(entry, index, around)
        except FhirError as error:
            yield error


def _entry(entry: Any, index: int, around: Request) -> Entry:
    place = f"Bundle.entry[{index}]"
    if not isinstance(entry, dict):
        raise _faulty(place, "An entry must be an object.", "En indgang skal være et objekt.")
    full_url = entry.get("fullUrl")
    if not (full_url is None or isinstance(full_url, str)):
        raise _faulty(place, "fullUrl must be a text.", "fullUrl skal være en tekst.")
    return Entry(index, full_url, _request(entry, index, around))


def _request(entry: dict[str, Any], index: int, around: Request) -> Request:
    asked = entry.get("request")
    place = f"Bundle.entry[{index}].request"
    if not isinstance(asked, dict):
        raise _faulty(place, "Every entry needs a request.", "Hver indgang skal have en request.")
    method, url = asked.get("method"), asked.get("url")
    if method not in _METHODS or not isinstance(url, str):
        raise _faulty(place, "The request needs a method and a URL.", "Request skal have method og url.")
    headers = {ours: str(asked[theirs]) for theirs, ours in _HEADERS.items() if theirs in asked}
    headers.update({name: around.headers[name] for name in _OF_ALL if name in around.headers})
    path, parameters = _split_url(url.removeprefix(around.base).lstrip("/"), place)
    return replace(
        around,
        method=method,
        path=path,
        parameters=parameters,
        headers=headers,
        content=entry.get("resource"),
    )


_OF_ALL = ("prefer", "accept-language", seen.HEADER)
"""Of the request around: they hold for each of its entries."""


def _split_url(url: str, place: str) -> tuple[tuple[str, ...], Parameters]:
    path, _, query = url.partition("?")
    if "://" in path:
        raise _faulty(place, "The URL leads to another server.", "URL'en fører til en anden server.")
    try:
        parameters = tuple(parse_qsl(query, keep_blank_values=True, errors="strict"))
    except ValueError:
        raise _faulty(place, "The URL can't be read.", "URL'en kan ikke læses.") from None
    return tuple(unquote(part) for part in path.split("/") if part), parameters


def _faulty(place: str, text_en: str, text_da: str) -> FhirError:
    return FhirError(400, [Issue("invalid", text_en, text_da, expression=place)])


def at_entry(error: FhirError, entry: Entry) -> FhirError:
    """The error with the place of its entry before each expression."""
    issues = []
    for issue in error.issues:
        inside = f"{entry.place}.resource" if issue.expression else entry.place
        path = (issue.expression or "").partition(".")[2]
        issues.append(replace(issue, expression=f"{inside}.{path}" if path else inside))
    return FhirError(error.status, issues)
