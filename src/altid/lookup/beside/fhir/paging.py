"""Searches and histories, page by page (R4 http.html §3.1.0.1.1 `next` links)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from altid.lookup.beside.fhir.asking import Asker, SourceDownError
from altid.lookup.beside.fhir.known import instant_of

PAGES_MAX = 200_000
"""Of one search: a server whose pages link in a circle must not keep us for ever."""

COUNT_MAX = 4_000
"""On one page, where more than fit on the usual one have the same time."""

Entry = dict[str, Any]


async def pages(asker: Asker, path: str, params: Mapping[str, str]) -> AsyncIterator[list[Entry]]:
    """The entries of each page, until there is no more. Raises `SourceDownError`.

    Some servers give no `next` although there is more: then what is sorted by its time is asked for from the
    last time on, and where that is no way, it is an error. Nobody must take a part for the whole.
    """
    asked, answer = dict(params), await asker.ask(path, params)
    following, seen = "", 0
    for _ in range(PAGES_MAX):
        bundle = answer.resource
        if bundle.get("resourceType") != "Bundle":
            raise SourceDownError("no-bundle")
        entries = [one for one in bundle.get("entry") or () if isinstance(one, dict)]
        yield entries
        seen += len(entries)
        last, following = following, _next(bundle)
        if following and following == last:
            break
        if following:
            answer = await asker.ask(following)
        elif _is_more(bundle, seen):
            asked, seen = _from_last_on(asked, entries), 0
            answer = await asker.ask(path, asked)
        else:
            return
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


def _is_more(bundle: dict[str, Any], seen: int) -> bool:
    total = bundle.get("total")
    return isinstance(total, int) and total > seen > 0


def _from_last_on(asked: Mapping[str, str], entries: list[Entry]) -> dict[str, str]:
    times = [((one.get("resource") or {}).get("meta") or {}).get("lastUpdated") for one in entries]
    after = f"ge{times[-1]}"
    is_sorted = asked.get("_sort") == "_lastUpdated" and instant_of(times[-1]) is not None
    if not is_sorted or times != sorted(times, key=str):
        raise SourceDownError("pages-end-early")
    if asked.get("_lastUpdated") != after:
        return {**asked, "_lastUpdated": after}
    # More of one time than fit on a page: a longer page.
    count = int(asked["_count"]) * 4
    if count > COUNT_MAX:
        raise SourceDownError("pages-end-early")
    return {**asked, "_count": str(count)}


def _next(bundle: dict[str, Any]) -> str:
    links = (one for one in bundle.get("link") or () if isinstance(one, dict))
    found = next((one.get("url") for one in links if one.get("relation") == "next"), None)
    return found if isinstance(found, str) else ""
