"""What a client remembers: every operation with its times and what it was told.

Most clients own one register each (a resource that only they write), and write the numbers 1, 2, 3, ... to
it. Rivals share one: each reads it and writes the next number, if nobody else has meanwhile. So every write
is known by its number, and a register may never be seen to go back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["write", "read"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one client, from its first attempt to its answer."""

    session: int
    kind: Kind
    register: str
    value: int | None
    """Written, or read; None for a read that got no answer."""

    site: str
    """Where the last attempt was made."""

    started_s: float
    ended_s: float
    acknowledged: bool
    attempts: int = 1
    """How many times it was sent; each of those may have been done."""

    version: int | None = None
    """The register's version that the answer spoke of."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the record holds of a register in the end: the values of its versions, oldest first."""

    register: str
    values: tuple[int, ...]
