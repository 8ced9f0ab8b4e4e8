"""What journals, sites and browsers say of orders, each by itself: plain data for `reconcile`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from altid.orders.intent import End


@dataclass(frozen=True, slots=True)
class Promise:
    """An intent of some server's journal, and what that server noted of its end."""

    identity: bytes
    """As `order_key.identity`: which write it is of."""
    write_key: str
    key: str
    site: str
    writer: str
    at: datetime
    action: str
    order: str
    """Reference."""
    patient: str
    organisation: str
    signer_name: str
    end: End | None = None
    is_test: bool = False

    @property
    def type(self) -> str:
        return self.order.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Version:
    """A row of `order_key` as one site has it; version 0: a person has discarded the key.

    A version that came without a key has itself for identity, and no key.
    """

    identity: bytes
    write_key: str
    order: str
    version: int
    at: datetime
    digest: bytes
    """SHA-256 of the version's body, of nothing for a deletion; empty where the version itself is missing."""
    patient: str = ""
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of `order_recovered` as one site has it."""

    identity: bytes
    key: str
    order: str
    action: str
    patient: str
    organisation: str
    signer_name: str
    at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class HeldKey:
    """What a browser has told that it holds unconfirmed."""

    identities: tuple[bytes, ...]
    """Of the key itself, and of the parts that a Bundle of this key would have."""
    key: str
    at: datetime
    patient: str = ""
    kind: str = ""
    action: str = ""
    ward: str = ""
    signer: str = ""
    is_released: bool = False
    """The browser has said later that it holds it no longer."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one site's database says by itself."""

    site: str
    versions: tuple[Version, ...]
    shown: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known of a time, from `since` on and before `until`.

    `holdings` may have versions of other times, where a journal or a browser names their keys.
    `unread`: sites and journals that could not be read: "B", "A.0123abcd".
    """

    since: datetime
    until: datetime
    promises: tuple[Promise, ...]
    held: tuple[HeldKey, ...]
    holdings: tuple[Holding, ...]
    unread: tuple[str, ...] = ()
