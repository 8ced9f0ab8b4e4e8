"""What reconciliation finds: plain data, for terminals, screens, paper and evidence alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from altid.orders.receipt import Detail
from altid.orders.todo import TODO, Why


@dataclass(frozen=True, slots=True)
class Ward:
    """Where a patient was; "" where nobody says."""

    hospital: str = ""
    ward: str = ""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """One order that a person must see to."""

    identity: bytes
    why: Why
    key: str
    order: str
    action: str
    patient: str
    signer_name: str
    at: datetime
    sources: tuple[str, ...]
    """Who says so: journals' writers, "browser", sites."""
    sites: tuple[str, ...]
    """That hold it."""
    ward: Ward = Ward()

    @property
    def todo(self) -> Detail:
        """What to do, for people."""
        return TODO[self.why]


@dataclass(frozen=True, slots=True)
class SiteDigest:
    """Of the versions of the window: equal at two sites only if each has the same."""

    site: str
    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Affected:
    """How many patients and orders of a ward."""

    ward: Ward
    patients: int
    orders: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Without test orders."""

    intents: int
    registered: int
    """Versions in the window, at any site."""
    held: int
    uncertain: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The verdict on a window, and what it stands on."""

    since: datetime
    until: datetime
    uncertain: tuple[Uncertain, ...]
    counts: Counts
    digests: tuple[SiteDigest, ...]
    unread: tuple[str, ...]
    not_sent_again: tuple[Uncertain, ...] = ()
    """Certain: whoever signed was told that it is not registered. But nobody has sent it again."""

    @property
    def listed(self) -> tuple[Uncertain, ...]:
        """All that a person may want to look at, the uncertain ones first."""
        return (*self.uncertain, *self.not_sent_again)

    @property
    def sites_agree(self) -> bool:
        return len({(one.count, one.sha256) for one in self.digests}) <= 1

    @property
    def is_certain(self) -> bool:
        """Nothing is left for a person, and everything was read: of one site at least."""
        return bool(self.digests) and not self.uncertain and not self.unread and self.sites_agree

    @property
    def affected(self) -> tuple[Affected, ...]:
        """By hospital and ward. An order whose patient nobody names counts as an order alone."""
        by: dict[Ward, list[Uncertain]] = defaultdict(list)
        for one in self.uncertain:
            by[one.ward].append(one)
        return tuple(
            Affected(ward, len({one.patient for one in some if one.patient}), len(some))
            for ward, some in sorted(by.items(), key=lambda item: (item[0].hospital, item[0].ward))
        )

    def placed(self, wards: Mapping[bytes, Ward]) -> Reconciliation:
        """With the wards, by the orders' identities."""

        def place(some: tuple[Uncertain, ...]) -> tuple[Uncertain, ...]:
            return tuple(replace(one, ward=wards.get(one.identity, one.ward)) for one in some)

        return replace(self, uncertain=place(self.uncertain), not_sent_again=place(self.not_sent_again))
