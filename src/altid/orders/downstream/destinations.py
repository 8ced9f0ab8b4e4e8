"""`orders.toml`: to whom orders leave, and from whom results come. Read once, at a server's start.

Lines are TLS with certificates at both ends; without them only on this machine. A mistake is told with its
line. docs/orders.toml is an example with all there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from altid.tomlfile import Table, is_here, read_table

FILE = "orders.toml"
DESTINATIONS_MAX, SOURCES_MAX = 16, 64
KINDS = ("MedicationRequest", "ServiceRequest")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)


class OrdersFileError(ValueError):
    """`orders.toml` can't be used. One line: which line of the file, what is wrong."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files: our certificate with its chain, its key, and whose certificates are believed."""

    certificate: str
    key: str
    authority: str


@dataclass(frozen=True, slots=True)
class Destination:
    """One system that orders are sent to."""

    name: str
    host: str
    port: int
    takes: tuple[str, ...]
    """Types of orders."""
    tls: Tls | None = None
    """None only on this machine."""
    categories: tuple[str, ...] = ()
    """`system|code`: only orders of one of these categories. Empty: all."""
    application: str = ""
    """MSH-5 and MSH-6: how the receiver calls itself."""
    facility: str = ""
    sender_application: str = "ALTID"
    sender_facility: str = ""
    attempts_max: int = 12
    """So often a message is tried before somebody must look at it; not reaching the receiver is no try."""
    connect_s: float = 5.0
    answer_s: float = 15.0
    pause_s: float = 1.0
    """After a failure; doubled with each more, up to the next."""
    pause_s_max: float = 300.0
    late_s: float = 300.0
    """An order that waits for so long is alarmed."""


@dataclass(frozen=True, slots=True)
class Source:
    """One system that results come from."""

    application: str
    """MSH-3 and MSH-4: how it calls itself."""
    facility: str
    client: str
    """The system that the audit names for it, as `altid client add` has registered it."""
    peer: str = ""
    """A name in its certificate (DNS). Empty only without TLS."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where results come in."""

    host: str
    port: int
    tls: Tls | None
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Downstream:
    """All of the file."""

    destinations: tuple[Destination, ...] = ()
    listener: Listener | None = None


def read_destinations(path: Path) -> Downstream:
    """What the file says; nobody is there where there is no file. Raises `OrdersFileError`."""
    top = read_table(path, OrdersFileError)
    return Downstream() if top is None else _downstream(top)


def _downstream(top: Table) -> Downstream:
    sender = _sender(top.table("sender"))
    tables = top.tables("destination", maximum=DESTINATIONS_MAX)
    destinations: list[Destination] = []
    for table in tables:
        made = _destination(table, sender)
        if made.name in {one.name for one in destinations}:
            raise table.fault("two destinations have the same name", "name")
        destinations.append(made)
    sources = top.tables("source", maximum=SOURCES_MAX)
    listeners = top.tables("listener", maximum=1, single=True)
    listener = _listener(listeners[0], sources) if listeners else None
    if sources and listener is None:
        raise sources[0].fault("there is a source, but no [listener] that it could call")
    top.end()
    return Downstream(tuple(destinations), listener)


def _sender(table: Table) -> tuple[str, str]:
    """How we call ourselves: application and facility."""
    named = table.text("application", "ALTID"), table.text("facility", "")
    table.end()
    return named


def _destination(table: Table, sender: tuple[str, str]) -> Destination:
    name = table.text("name")
    if not _NAME.fullmatch(name):
        raise table.fault("name has 1 to 32 small letters, digits or -", "name")
    host, port = table.address()
    takes = table.texts("takes", ())
    if not takes or not set(takes) <= set(KINDS):
        raise table.fault(f"takes names some of {', '.join(KINDS)}", "takes")
    made = Destination(
        name,
        host,
        port,
        takes,
        _tls(table, host),
        table.texts("categories", ()),
        table.text("application", ""),
        table.text("facility", ""),
        *sender,
        round(table.number("attempts_max", 12, 1, 1_000)),
        table.number("connect_s", 5.0, 0.1, 60),
        table.number("answer_s", 15.0, 0.1, 300),
        table.number("pause_s", 1.0, 0.01, 60),
        table.number("pause_s_max", 300.0, 0.01, 3_600),
        table.number("late_s", 300.0, 1, 86_400),
    )
    table.end()
    return made


def _listener(table: Table, sources: list[Table]) -> Listener:
    host, port = table.address()
    tls = _tls(table, host)
    table.end()
    if not sources:
        raise table.fault("nobody may call: name them as [[source]]")
    return Listener(host, port, tls, tuple(_source(one, tls is not None) for one in sources))


def _source(table: Table, with_tls: bool) -> Source:
    made = Source(
        table.text("application"),
        table.text("facility", ""),
        table.text("client"),
        table.text("peer", None if with_tls else ""),
    )
    table.end()
    return made


def _tls(table: Table, host: str) -> Tls | None:
    names = ("certificate", "key", "authority")
    given = [table.file(name) for name in names]
    if not any(given):
        if not is_here(host):
            raise table.fault(
                "certificate, key and authority are missing: without TLS only on this machine", "address"
            )
        return None
    for name, value in zip(names, given, strict=True):
        if not value:
            raise table.fault(f"{name} is missing")
    return Tls(*given)
