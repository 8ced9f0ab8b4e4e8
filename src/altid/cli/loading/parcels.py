"""Files cut into parcels to send: bundles, single resources and NDJSON, plain or gzip.

An item is what is accepted or refused by itself: a line, an entry of a Bundle, a resource, a transaction.
Items of a file are numbered from 1 (0 is the file as a whole), so that the journal can say which are done.
Resources are sent as the very bytes that were read where possible: digits of decimals must stay.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Container, Iterator
from typing import IO, Any, NamedTuple

import orjson

from altid.cli.loading.inputs import Input
from altid.fhir import json

LINE_BYTES_MAX = 16 * 1024 * 1024
"""The server takes no larger body, so no larger resource either."""

DOCUMENT_BYTES_MAX = 256 * 1024 * 1024
"""A Bundle is read as a whole; collections beyond this belong in NDJSON."""

PARCEL_ITEMS_MAX = 200
PARCEL_BYTES_MAX = 1_000_000
"""Large enough that commits are few, small enough for others to get their turn and for any server's limit."""

WHOLE = 0
"""The number of the item that is the whole file: a transaction, a resource."""

_SKIP_BYTES = 1024 * 1024


class Item(NamedTuple):
    """Something to send, or with `fault` something that can't be."""

    number: int
    entry: bytes = b""
    fault: str = ""
    twice_is_once: bool = True
    transaction: bool = False
    """`entry` is a whole Bundle, to be sent by itself."""


class Parcel(NamedTuple):
    """One request: a batch of items, or a transaction as it was written."""

    input: Input
    items: tuple[Item, ...]
    body: bytes
    transaction: bool
    twice_is_once: bool
    bytes_read: int
    """How far in the file (compressed) the reader is; for the progress bar."""


def parcels(source: Input, done: Container[int]) -> Iterator[Parcel]:
    """The parcels of a file without the items in `done`. Raises OSError, EOFError or zlib.error."""
    with source.path.open("rb") as raw:
        stream = _unpacked(raw)
        items = _lines(stream, done) if source.is_lines else _document(stream, done)
        yield from _packed(source, raw, items)


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    is_gzip = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return io.BufferedReader(gzip.GzipFile(fileobj=raw)) if is_gzip else raw


def _lines(stream: IO[bytes], done: Container[int]) -> Iterator[Item]:
    number = 0
    while line := stream.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            _skip_line(stream, line)
            yield Item(number, fault=f"the line is longer than {LINE_BYTES_MAX} bytes")
            continue
        if number not in done and line.strip():
            yield _line(number, line.strip().removeprefix(b"\xef\xbb\xbf"))


def _line(number: int, text: bytes) -> Item:
    try:
        return _item(number, json.loads(text), text)
    except json.JsonError as error:
        return Item(number, fault=str(error))


def _skip_line(stream: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(_SKIP_BYTES)


def _item(number: int, content: Any, text: bytes) -> Item:
    if isinstance(content, dict) and _is_bundle_of(content, ("transaction",)):
        once = all(_twice_is_once(entry.get("request")) for entry in _objects(content))
        return Item(number, text, "", once, transaction=True)
    return _resource(number, content, text)


def _is_bundle_of(content: dict[str, Any], types: tuple[str, ...]) -> bool:
    return content.get("resourceType") == "Bundle" and content.get("type") in types


def _resource(number: int, resource: Any, text: bytes) -> Item:
    """The batch entry that stores the resource `text`: PUT where it has an id, else POST."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return Item(number, fault="this is not a FHIR resource: it has no resourceType")
    type_, id_ = resource["resourceType"], resource.get("id")
    method, url = ("PUT", f"{type_}/{id_}") if isinstance(id_, str) else ("POST", type_)
    request = orjson.dumps({"method": method, "url": url})
    return Item(number, b'{"resource":' + text + b',"request":' + request + b"}", "", method == "PUT")


def _document(stream: IO[bytes], done: Container[int]) -> Iterator[Item]:
    text = stream.read(DOCUMENT_BYTES_MAX + 1).removeprefix(b"\xef\xbb\xbf")
    if len(text) > DOCUMENT_BYTES_MAX:
        yield Item(WHOLE, fault=f"the file is larger than {DOCUMENT_BYTES_MAX} bytes: write it as NDJSON")
        return
    try:
        content = json.loads(text)
    except json.JsonError as error:
        yield Item(WHOLE, fault=str(error))
        return
    if isinstance(content, dict) and _is_bundle_of(content, _UNPACKED):
        yield from _entries(content, done)
    elif WHOLE not in done:
        yield _item(WHOLE, content, text)


_UNPACKED = ("batch", "collection", "searchset")
"""Bundles that only carry resources; others, such as documents, mean something as a whole."""


def _entries(bundle: dict[str, Any], done: Container[int]) -> Iterator[Item]:
    for number, entry in enumerate(_objects(bundle), 1):
        if number not in done and not _is_outcome(entry):
            yield _entry(number, entry, bundle["type"])


def _entry(number: int, entry: dict[str, Any], bundle_type: str) -> Item:
    """The entry as one of a batch; what a batch asks is kept as it is."""
    try:
        if bundle_type == "batch" and isinstance(entry.get("request"), dict):
            return Item(number, json.dumps(entry), "", _twice_is_once(entry["request"]))
        return _resource(number, entry.get("resource"), json.dumps(entry.get("resource")))
    except json.JsonError as error:
        return Item(number, fault=str(error))


def _is_outcome(entry: dict[str, Any]) -> bool:
    """What a search says about itself."""
    search = entry.get("search")
    return isinstance(search, dict) and search.get("mode") == "outcome"


def _objects(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries; what is none comes as an empty one, to be refused in its place."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        return []
    return [entry if isinstance(entry, dict) else {} for entry in entries]


def _packed(source: Input, raw: IO[bytes], items: Iterator[Item]) -> Iterator[Parcel]:
    waiting: list[Item] = []
    size = 0
    for item in items:
        full = len(waiting) == PARCEL_ITEMS_MAX or size + len(item.entry) > PARCEL_BYTES_MAX
        if waiting and (full or item.transaction or waiting[0].transaction):
            yield _parcel(source, waiting, raw.tell())
            waiting, size = [], 0
        waiting.append(item)
        size += len(item.entry)
    if waiting:
        yield _parcel(source, waiting, source.bytes)


def _parcel(source: Input, items: list[Item], bytes_read: int) -> Parcel:
    once = all(item.twice_is_once for item in items)
    if items[0].transaction:
        return Parcel(source, tuple(items), items[0].entry, True, once, bytes_read)
    entries = [item.entry for item in items if not item.fault]
    body = b'{"resourceType":"Bundle","type":"batch","entry":[' + b",".join(entries) + b"]}"
    return Parcel(source, tuple(items), body if entries else b"", False, once, bytes_read)


def _twice_is_once(request: Any) -> bool:
    """Whether carrying out a Bundle's request twice leaves what doing it once does."""
    if not isinstance(request, dict):
        return True  # it will be refused
    if request.get("method") == "POST":
        return "ifNoneExist" in request
    return request.get("method") in ("PUT", "DELETE", "GET", "HEAD")
