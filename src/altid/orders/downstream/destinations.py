"""`orders.toml`: to whom orders leave, and from whom results come. Read once, at a server's start.

Lines are TLS with certificates at both ends; without them only on this machine. A mistake is told with its
line. docs/orders.toml is an example with all there is.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "orders.toml"
FILE_BYTES_MAX = 256 * 1024
DESTINATIONS_MAX, SOURCES_MAX = 16, 64
KINDS = ("MedicationRequest", "ServiceRequest")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253}):([0-9]{1,5})", re.ASCII)


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
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Downstream()
    except OSError as error:
        raise OrdersFileError(f"{path} can't be read ({type(error).__name__})") from None
    if len(content) > FILE_BYTES_MAX:
        raise OrdersFileError(f"{path} has more than {FILE_BYTES_MAX} bytes")
    try:
        text = content.decode("utf-8")
        values = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OrdersFileError(f"{path} is no TOML: {error}") from None
    return _File(path, text.splitlines()).read(values)


class _File:
    def __init__(self, path: Path, lines: list[str]) -> None:
        self._path, self._lines = path, lines

    def read(self, values: dict[str, Any]) -> Downstream:
        top = _Table(self, "", 1, values)
        sender = top.tables("sender", maximum=1, single=True)
        destinations = tuple(
            self._destination(one, sender[0] if sender else None)
            for one in top.tables("destination", maximum=DESTINATIONS_MAX)
        )
        sources = top.tables("source", maximum=SOURCES_MAX)
        listeners = top.tables("listener", maximum=1, single=True)
        listener = self._listener(listeners[0], sources) if listeners else None
        if sources and listener is None:
            raise sources[0].fault("there is a source, but no [listener] that it could call")
        for table in (*sender, top):
            table.end()
        for place, destination in enumerate(destinations, 1):
            if destination.name in {one.name for one in destinations[: place - 1]}:
                raise self.fault("destination", place, "name", "two destinations have the same name")
        return Downstream(destinations, listener)

    def _destination(self, table: _Table, sender: _Table | None) -> Destination:
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
            self._tls(table, host),
            table.texts("categories", ()),
            table.text("application", ""),
            table.text("facility", ""),
            sender.peek("application", "ALTID") if sender else "ALTID",
            sender.peek("facility", "") if sender else "",
            round(table.number("attempts_max", 12, 1, 1_000)),
            table.number("connect_s", 5.0, 0.1, 60),
            table.number("answer_s", 15.0, 0.1, 300),
            table.number("pause_s", 1.0, 0.01, 60),
            table.number("pause_s_max", 300.0, 0.01, 3_600),
            table.number("late_s", 300.0, 1, 86_400),
        )
        table.end()
        return made

    def _listener(self, table: _Table, sources: list[_Table]) -> Listener:
        host, port = table.address()
        tls = self._tls(table, host)
        table.end()
        if not sources:
            raise table.fault("nobody may call: name them as [[source]]")
        return Listener(host, port, tls, tuple(self._source(one, tls is not None) for one in sources))

    @staticmethod
    def _source(table: _Table, with_tls: bool) -> Source:
        made = Source(
            table.text("application"),
            table.text("facility", ""),
            table.text("client"),
            table.text("peer", None if with_tls else ""),
        )
        table.end()
        return made

    def _tls(self, table: _Table, host: str) -> Tls | None:
        names = ("certificate", "key", "authority")
        given = [table.text(name, "") for name in names]
        if not any(given):
            if not _is_here(host):
                raise table.fault(
                    "certificate, key and authority are missing: without TLS only on this machine", "address"
                )
            return None
        for name, value in zip(names, given, strict=True):
            if not value:
                raise table.fault(f"{name} is missing")
            if not (self._path.parent / value).is_file():
                raise table.fault(f"{name} names no file", name)
        return Tls(*(str(self._path.parent / value) for value in given))

    def fault(self, table: str, place: int, name: str, text: str) -> OrdersFileError:
        return OrdersFileError(f"{self._path.name}: line {self._line_of(table, place, name)}: {text}")

    def _line_of(self, table: str, place: int, name: str) -> int:
        """The line that gives the name in the table, else the table's own."""
        head = re.compile(rf"\s*\[{{1,2}}\s*{re.escape(table)}\s*\]")
        wanted = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[=.]")
        seen, found = 0 if table else place, 1
        for number, line in enumerate(self._lines, 1):
            if line.lstrip().startswith("["):
                seen += bool(head.match(line)) if table else 1
                if table and head.match(line) and seen == place:
                    found = number
            if name and seen == place and wanted.match(line):
                return number
        return found


class _Table:
    """One table, read value by value; what is left over at the end was misspelt."""

    def __init__(self, file: _File, name: str, place: int, values: Mapping[str, Any]) -> None:
        self._file, self._name, self._place = file, name, place
        self._values = dict(values)

    def fault(self, text: str, name: str = "") -> OrdersFileError:
        return self._file.fault(self._name, self._place, name, text)

    def tables(self, name: str, *, maximum: int, single: bool = False) -> list[_Table]:
        given = self._values.pop(name, {} if single else [])
        listed = ([given] if given else []) if single else given
        head = f"[{name}]" if single else f"[[{name}]]"
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise self._file.fault(name, 1, "", f"{name} is a table {head}")
        if len(listed) > maximum:
            raise self._file.fault(name, maximum + 1, "", f"there are at most {maximum} {head}")
        return [_Table(self._file, name, place, one) for place, one in enumerate(listed, 1)]

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.pop(name, default)
        if value is None:
            raise self.fault(f"{name} is missing")
        if not isinstance(value, str) or len(value) > 1_024 or not (value.isprintable() or not value):
            raise self.fault(f"{name} must be a text of one line", name)
        return value

    def peek(self, name: str, default: str) -> str:
        """As `text`, for what several read."""
        value = self.text(name, default)
        self._values[name] = value
        return value

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self._values.pop(name, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fault(f"{name} must be a list of texts", name)
        return tuple(value)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self._values.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.fault(f"{name} is a number from {low:g} to {high:g}", name)
        return float(value)

    def address(self) -> tuple[str, int]:
        found = _ADDRESS.fullmatch(self.text("address"))
        if found is None or not 0 < int(found[2]) < 65_536:
            raise self.fault("address is HOST:PORT", "address")
        return found[1].strip("[]"), int(found[2])

    def end(self) -> None:
        if self._name == "sender":
            for name in ("application", "facility"):
                self._values.pop(name, None)
        for name in sorted(self._values):
            text = f"nothing is known of {name!r}"
            is_table = not self._name and isinstance(self._values[name], dict | list)
            raise self._file.fault(name, 1, "", text) if is_table else self.fault(text, name)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
