"""What entry needs of the copy: connections to its one file, and small texts kept there."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Connection(Protocol):
    """Of `sqlcipher3`, as much as is used here: rows come as tuples."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...

    def executemany(self, sql: str, parameters: Any, /) -> Any: ...


class Tables(Protocol):
    """The copy's file. `altid.lookup.copy.Copy` is one."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that sees one state."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction, one at a time; what raises is rolled back."""
        ...

    def meta(self, name: str) -> str | None: ...

    def set_meta(self, name: str, value: str) -> None: ...
