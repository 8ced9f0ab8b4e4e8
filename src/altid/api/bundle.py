"""Bundles as bytes: stored resources are put between the lines as they are, none is parsed on the way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from altid.api.messages import Response, etag
from altid.record.history import HistoryEntry
from altid.record.stored import Stored, compose, instant
from altid.record.write import new_id

_STATUS_TEXT = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 304: "304 Not Modified"}
_HISTORY_STATUS = {"POST": "201", "PUT": "200", "DELETE": "204"}


class Link(NamedTuple):
    """A Bundle's link: self, next, …"""

    relation: str
    url: str


def searchset(
    links: Iterable[Link], total: int | None, entries: Iterable[bytes], type_: str = "searchset"
) -> bytes:
    return _bundle(type_, links, total, entries)


def search_entry(base: str, stored: Stored, mode: str, content: bytes | None = None) -> bytes:
    """One entry of a searchset; `content` where only a subset of the resource is shown."""
    return b'{"fullUrl":"%b/%b/%b","resource":%b,"search":{"mode":"%b"}}' % (
        base.encode(),
        stored.type.encode(),
        stored.id.encode(),
        content or compose(stored),
        mode.encode(),
    )


def outcome_entry(outcome: bytes) -> bytes:
    """What the server has to say about the search itself."""
    return b'{"resource":%b,"search":{"mode":"outcome"}}' % outcome


def history_bundle(base: str, links: Iterable[Link], entries: Sequence[HistoryEntry]) -> bytes:
    return _bundle("history", links, None, (_history_entry(base, entry) for entry in entries))


def response_bundle(type_: str, responses: Iterable[Response]) -> bytes:
    """batch-response or transaction-response, in the order of the request."""
    return _bundle(type_, (), None, (_response_entry(response) for response in responses))


def _bundle(type_: str, links: Iterable[Link], total: int | None, entries: Iterable[bytes]) -> bytes:
    head = f'{{"resourceType":"Bundle","id":"{new_id()}","type":"{type_}"'
    if total is not None:
        head += f',"total":{total}'
    link = [{"relation": link.relation, "url": link.url} for link in links]
    parts = [head.encode()]
    if link:
        parts.append(b',"link":' + orjson.dumps(link))
    body = b",".join(entries)
    # FHIR has no empty arrays.
    parts.append(b',"entry":[' + body + b"]}" if body else b"}")
    return b"".join(parts)


def _history_entry(base: str, entry: HistoryEntry) -> bytes:
    stored, method = entry.stored, entry.method
    url = f"{stored.type}/{stored.id}" if method != "POST" else stored.type
    status = "201" if stored.version == 1 else _HISTORY_STATUS[method]
    resource = b"" if stored.body is None else b'"resource":' + compose(stored) + b","
    tail = (
        f'"request":{{"method":"{method}","url":"{url}"}},"response":{{"status":"{status}",'
        f'"etag":"W/\\"{stored.version}\\"","lastModified":"{instant(stored.last_updated)}"}}}}'
    )
    return f'{{"fullUrl":"{base}/{stored.type}/{stored.id}",'.encode() + resource + tail.encode()


def _response_entry(response: Response) -> bytes:
    headers = dict(response.headers)
    facts: dict[str, object] = {"status": _STATUS_TEXT.get(response.status, str(response.status))}
    if "location" in headers:
        facts["location"] = headers["location"]
    if "etag" in headers:
        facts["etag"] = headers["etag"]
    if "altid-last-updated" in headers:
        facts["lastModified"] = headers["altid-last-updated"]
    if not response.body:
        return orjson.dumps({"response": facts})
    if response.status >= 400:
        return b'{"response":' + orjson.dumps(facts)[:-1] + b',"outcome":' + response.body + b"}}"
    return b'{"resource":' + response.body + b',"response":' + orjson.dumps(facts) + b"}"


__all__ = ["Link", "etag", "history_bundle", "outcome_entry", "response_bundle", "search_entry", "searchset"]
