"""What a copy is fed with: versions of resources, how far a source was read, and when it was last alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One version of one resource. `body`: its whole JSON, None where it was deleted."""

    type: str
    id: str
    version: int
    at: datetime
    """`meta.lastUpdated`."""
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a source was read. `cursor` means something to that source alone."""

    source: str
    """Its name: "record", or that of another system's server."""
    epoch: str
    """Another one: the source's past may have changed, so everything is compared."""
    cursor: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life of the source. All that it held at that moment has been applied here."""

    at: datetime
    """By the source's clock."""
    received: datetime
    """By ours."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a group of patients has: how many resources, and their digests XORed (16 bytes)."""

    count: int
    value: bytes
