"""Reading a whole type through search pages, and writing it so that no half file is taken for a whole one."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from altid.cli.remote import Patience, send
from altid.fhir import json

PAGE_RESOURCES = 500
"""Few round trips, and a page of some hundred kB that the server composes in milliseconds."""

_COMPRESSION = 6


class ExportError(Exception):
    """The export cannot go on; the message says where it stopped."""


class Reading(NamedTuple):
    """The server to read from."""

    http: httpx.AsyncClient
    base: str
    patience: Patience


async def resource_types(reading: Reading) -> list[str]:
    """The types that the server's CapabilityStatement names."""
    statement = await _get(reading, f"{reading.base}/metadata")
    rest = statement.get("rest") or [{}]
    return [str(resource["type"]) for resource in rest[0].get("resource", [])]


async def write_type(reading: Reading, type_: str, folder: Path, advance: Callable[[str, int], None]) -> int:
    """Write all resources of a type to `folder`; how many. A type without any gets no file."""
    target = folder / f"{type_}.ndjson.gz"
    part = target.with_name(f".{target.name}.part")
    count = 0
    try:
        with part.open("wb") as raw:
            with gzip.GzipFile(
                filename="", fileobj=raw, mode="wb", compresslevel=_COMPRESSION, mtime=0
            ) as file:
                async for resources in _pages(reading, type_):
                    file.writelines(json.dumps(resource) + b"\n" for resource in resources)
                    count += len(resources)
                    advance(type_, len(resources))
            raw.flush()
            os.fsync(raw.fileno())
        if count:
            part.rename(target)
        else:
            target.unlink(missing_ok=True)
    finally:
        part.unlink(missing_ok=True)
    return count


async def _pages(reading: Reading, type_: str) -> AsyncIterator[list[dict[str, Any]]]:
    url: str | None = f"{reading.base}/{type_}?_count={PAGE_RESOURCES}"
    while url is not None:
        bundle = await _get(reading, url)
        yield [entry["resource"] for entry in bundle.get("entry", []) if _is_match(entry, type_)]
        url = _next(reading, bundle)


def _is_match(entry: Any, type_: str) -> bool:
    """Not what the server says about the search, nor what it includes."""
    return isinstance(entry.get("resource"), dict) and entry["resource"].get("resourceType") == type_


def _next(reading: Reading, bundle: dict[str, Any]) -> str | None:
    """The next page, at the address that we were given: what the server calls itself may not work here."""
    links = bundle.get("link", [])
    given = next((str(link["url"]) for link in links if link.get("relation") == "next"), None)
    if given is None:
        return None
    origin, wanted = urlsplit(reading.base), urlsplit(given)
    return wanted._replace(scheme=origin.scheme, netloc=origin.netloc).geturl()


async def _get(reading: Reading, url: str) -> dict[str, Any]:
    request = reading.http.build_request("GET", url)
    response = await send(reading.http, request, reading.patience, twice_is_once=True)
    if response.status_code != httpx.codes.OK:
        raise ExportError(f"the server answers {response.status_code} to {request.url.path}")
    try:
        content = json.loads(response.content)
    except json.JsonError:
        content = None
    if not isinstance(content, dict):
        raise ExportError(f"the server's answer to {request.url.path} is not FHIR")
    return content
