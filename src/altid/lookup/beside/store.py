"""What the sources of this room need of the copy, no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from altid.lookup.change import Change, Heartbeat, Position

Also = Callable[[Any], None]
"""Runs in the transaction of what is applied."""


class Store(Protocol):
    """`altid.lookup.copy.Copy`."""

    def apply(
        self,
        changes: Sequence[Change],
        position: Position,
        heartbeat: Heartbeat | None,
        also: Also | None = None,
    ) -> object: ...

    def positions(self) -> Mapping[str, Position]: ...

    def resource(self, type_: str, id_: str) -> Change | None: ...

    def patient_resources(self, patient_id: str) -> Iterator[Change]: ...

    def reading(self) -> AbstractContextManager[Any]: ...

    def writing(self) -> AbstractContextManager[Any]: ...

    def meta(self, name: str) -> str | None: ...

    def set_meta(self, name: str, value: str) -> object: ...


HELD = "beside.held"
"""Name of the small text that says how many messages are held."""


def tell(store: Store, source: str, phase: str, code: str = "", done: int = 0) -> None:
    """Keep how a source is doing, for `altid opslag sources`. `code` is ours, and says nothing of anybody."""
    with store.writing() as connection:
        connection.execute(_TELL, (source, phase, code, done, time.time_ns() // 1_000))


_TELL = """
INSERT INTO beside_source (source, phase, code, done, told) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (source) DO UPDATE
   SET phase = excluded.phase, code = excluded.code, done = excluded.done, told = excluded.told
"""
