"""TOML files that people write: read value by value, so that a mistake is told with its line.

Whoever reads a file takes out of each table what it knows; what is left over at the end was misspelt.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE_BYTES_MAX = 256 * 1024
_TEXT_CHARACTERS_MAX = 1_024

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253}):([0-9]{1,5})", re.ASCII)


def read_table(path: Path, error: type[ValueError]) -> Table | None:
    """All of a file as one table; None where there is no file. Raises `error`, in one line."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise error(f"{path} can't be read ({type(failure).__name__})") from None
    if len(content) > FILE_BYTES_MAX:
        raise error(f"{path} has more than {FILE_BYTES_MAX} bytes")
    try:
        text = content.decode("utf-8")
        values = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        raise error(f"{path} is no TOML: {failure}") from None
    return Table(_File(path, text.splitlines(), error), "", 1, values)


class _File:
    def __init__(self, path: Path, lines: list[str], error: type[ValueError]) -> None:
        self.path, self._lines, self._error = path, lines, error

    def fault(self, table: str, place: int, name: str, text: str) -> ValueError:
        return self._error(f"{self.path.name}: line {self._line_of(table, place, name)}: {text}")

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


class Table:
    """One table: each reader takes its value out, and raises the file's error for one that can't be used."""

    def __init__(self, file: _File, name: str, place: int, values: Mapping[str, Any]) -> None:
        self._file, self._name, self._place = file, name, place
        self._values = dict(values)

    def fault(self, text: str, name: str = "") -> ValueError:
        return self._file.fault(self._name, self._place, name, text)

    def tables(self, name: str, *, maximum: int, single: bool = False) -> list[Table]:
        """Those `[[name]]`, or the one `[name]` where it is `single`."""
        given = self._values.pop(name, {} if single else [])
        listed = ([given] if given else []) if single else given
        head = f"[{name}]" if single else f"[[{name}]]"
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise self._file.fault(name, 1, "", f"{name} is a table {head}")
        if len(listed) > maximum:
            raise self._file.fault(name, maximum + 1, "", f"there are at most {maximum} {head}")
        return [Table(self._file, name, place, one) for place, one in enumerate(listed, 1)]

    def table(self, name: str) -> Table:
        """The one `[name]`, empty where it is not there."""
        return next(iter(self.tables(name, maximum=1, single=True)), Table(self._file, name, 1, {}))

    def text(self, name: str, default: str | None = None) -> str:
        """One line. Without a default it must be there."""
        value = self._values.pop(name, default)
        if value is None:
            raise self.fault(f"{name} is missing")
        is_line = isinstance(value, str) and len(value) <= _TEXT_CHARACTERS_MAX
        if not is_line or not (value.isprintable() or not value):
            raise self.fault(f"{name} must be a text of one line", name)
        return str(value)

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

    def file(self, name: str) -> str:
        """The path of a file that is there, named from the folder of this one; "" for none."""
        value = self.text(name, "")
        if value and not (self._file.path.parent / value).is_file():
            raise self.fault(f"{name} names no file", name)
        return str(self._file.path.parent / value) if value else ""

    def address(self, default: str | None = None) -> tuple[str, int]:
        """Host and port of `address`."""
        found = _ADDRESS.fullmatch(self.text("address", default))
        if found is None or not 0 < int(found[2]) < 65_536:
            raise self.fault("address is HOST:PORT", "address")
        return found[1].strip("[]"), int(found[2])

    def end(self) -> None:
        """Raises the file's error for what nobody took out."""
        for name in sorted(self._values):
            text = f"nothing is known of {name!r}"
            is_table = not self._name and isinstance(self._values[name], dict | list)
            raise self._file.fault(name, 1, "", text) if is_table else self.fault(text, name)


def is_here(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
