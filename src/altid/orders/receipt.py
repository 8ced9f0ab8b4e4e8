"""The receipt of an order: what became of a key, in one of four words.

The first three follow MedCom's acknowledgement. A receipt is computed from the record whenever it is asked
for and kept nowhere: the same key has the same receipt, but that the sites that hold the order may have
become more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altid.hl7.word import Word
from altid.record.stored import instant
from altid.record.write import Safety, Written
from altid.record.write_key import WriteKey, client_id, client_key

INTERACTION = "order"
"""One for all that writes orders: a key means the same wherever it is sent."""
PARTS_MAX = 200
"""Orders of one Bundle."""

_KEY = re.compile(r"[!-~]{1,200}")
_IDENTITY_BYTES = 10


@dataclass(frozen=True, slots=True)
class Detail:
    """Why, for people."""

    da: str
    en: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is not known or does not apply is None."""

    key: str
    """As the client chose it."""
    word: Word
    order: str | None = None
    """Reference of the resource: "MedicationRequest/…"."""
    version: int | None = None
    time: datetime | None = None
    """When the version was written."""
    sites: tuple[str, ...] = ()
    """Names of the sites that hold it durably."""
    durability: Safety | None = None
    """None where there is one server alone."""
    position: str | None = None
    """A place in PostgreSQL's log that the version's commit is behind."""
    detail: Detail | None = None
    as_of: datetime | None = None
    """When the record was asked; None in the answer to what has just been written."""

    @property
    def json(self) -> dict[str, Any]:
        """As programs get it."""
        return {
            "key": self.key,
            "word": self.word,
            "order": self.order,
            "version": self.version,
            "time": self.time and instant(self.time),
            "sites": list(self.sites),
            "durability": self.durability,
            "position": self.position,
            "detail": self.detail and {"da": self.detail.da, "en": self.detail.en},
            **({"asOf": instant(self.as_of)} if self.as_of else {}),
        }


def is_key(text: str) -> bool:
    """Whether a client's key can be used: a UUID, or whatever else of 200 characters without spaces."""
    return _KEY.fullmatch(text) is not None


def part_key(key: str, place: int) -> str:
    """The key of one entry of a Bundle, the first being 1."""
    return f"{key}#{place}"


def side_key(key: str, place: int) -> str:
    """The key of what is written beside an order, such as its progress. Nobody asks for it by name."""
    return f"{key}#+{place}"


def is_side_key(key: str) -> bool:
    return "#+" in key


def main_key(key: str) -> str:
    """The key of the order that it belongs to: its own, or that of what it was written beside."""
    return key.partition("#+")[0]


def write_key(key: str, content: bytes) -> WriteKey:
    """The key of the write that makes this content's version."""
    return client_key(key, INTERACTION, content)


def order_id(key: str) -> str:
    """The id of the order that is made with this key: the same at every server, and before it is there."""
    return client_id(key, INTERACTION)


def identity_of(key: str) -> bytes:
    """What `order_key.identity` is for this key."""
    return bytes(write_key(key, b"").value.bytes[:_IDENTITY_BYTES])


def sites_of(safety: Safety | None, leader: str | None, sites: Sequence[str]) -> tuple[str, ...]:
    """The sites that hold what was committed. `sites`: all of the region, or the one of a server alone;
    `leader`: where the primary is, if it is known."""
    if safety == "two-sites" or (safety is None and len(sites) == 1):
        return tuple(sites)
    return () if leader is None else (leader,)


def receipt_of(key: str, order: str, written: Written, sites: Sequence[str]) -> Receipt:
    """The receipt of what has just been written, or was before with the same key."""
    return Receipt(
        key,
        Word.OK,
        order,
        written.version,
        written.last_updated,
        sites_of(written.safety, written.site, sites),
        written.safety,
        position_text(written.order_position),
    )


def position_text(position: int | None) -> str | None:
    """As PostgreSQL writes it."""
    return None if position is None else f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
