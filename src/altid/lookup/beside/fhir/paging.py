"""Searches and histories, page by page (R4 http.html §3.1.0.1.1 `next` links)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from altid.lookup.beside.fhir.asking import Asker, SourceDownError

PAGES_MAX = 200_000
"""Of one search: a server whose pages link in a circle must not keep us for ever."""

Entry = dict[str, Any]


async def pages(asker: Asker, path: str, params: Mapping[str, str]) -> AsyncIterator[list[Entry]]:
    """The entries of each page, until there is no `next`. Raises `SourceDownError`."""
    answer = await asker.ask(path, params)
    following: str | None = None
    for _ in range(PAGES_MAX):
        bundle = answer.resource
        if bundle.get("resourceType") != "Bundle":
            raise SourceDownError("no-bundle")
        yield [one for one in bundle.get("entry") or () if isinstance(one, dict)]
        last, following = following, _next(bundle)
        if following is None:
            return
        if following == last:
            break
        answer = await asker.ask(following)
    raise SourceDownError("pages-in-a-circle")


def matches(entries: list[Entry], type_: str) -> list[dict[str, Any]]:
    """What was asked for, of what came: not what was included, nor what the server says about the search."""
    return [
        one["resource"]
        for one in entries
        if (one.get("search") or {}).get("mode", "match") == "match"
        and isinstance(one.get("resource"), dict)
        and one["resource"].get("resourceType") == type_
    ]


def _next(bundle: dict[str, Any]) -> str | None:
    links = (one for one in bundle.get("link") or () if isinstance(one, dict))
    found = next((one.get("url") for one in links if one.get("relation") == "next"), None)
    return found if isinstance(found, str) and found else None
