"""One table of a TOML file, read value by value; what is left over at the end was misspelt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXT_CHARACTERS_MAX = 1_024


class IdentityFileError(ValueError):
    """`identity.toml` can't be used. One line: where, what is wrong, what to do. It holds no secret."""


class Table:
    """`where` is how messages call it."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where = where
        self._values = dict(values)

    def fault(self, text: str) -> IdentityFileError:
        return IdentityFileError(f"{self.where}: {text}")

    def text(self, name: str, default: str | None = None) -> str:
        """A text that isn't empty; where it may be missing, with a default."""
        value = self._values.pop(name, default)
        if value is None:
            raise self.fault(f"{name} is missing")
        if not isinstance(value, str) or not self._is_line(value) or (not value and default is None):
            raise self.fault(f"{name} must be a text of one line")
        return value

    def optional(self, name: str) -> str | None:
        return self.text(name) if name in self._values else None

    def flag(self, name: str) -> bool:
        value = self._values.pop(name, False)
        if not isinstance(value, bool):
            raise self.fault(f"{name} must be true or false")
        return value

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self._values.pop(name, list(default))
        if not isinstance(value, list) or not all(
            isinstance(one, str) and self._is_line(one) for one in value
        ):
            raise self.fault(f"{name} must be a list of texts")
        return tuple(value)

    def pairs(self, name: str) -> dict[str, str]:
        """A table from text to text; empty where it is missing."""
        value = self._values.pop(name, {})
        is_table = isinstance(value, dict)
        if not is_table or not all(isinstance(one, str) and self._is_line(one) for one in value.values()):
            raise self.fault(f"{name} must be a table of texts")
        return dict(value)

    def table(self, name: str) -> Table:
        value = self._values.pop(name, {})
        if not isinstance(value, dict):
            raise self.fault(f"{name} must be a table")
        return Table(f"{self.where}, {name}", value)

    def end(self) -> None:
        """Raises `IdentityFileError` for the first name that nobody has read."""
        if self._values:
            raise self.fault(f"nothing is known of {sorted(self._values)[0]!r}")

    @staticmethod
    def _is_line(text: str) -> bool:
        return len(text) <= TEXT_CHARACTERS_MAX and (text.isprintable() or not text)
