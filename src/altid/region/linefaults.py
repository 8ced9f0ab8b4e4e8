"""The faults of lines between places: cut, slow, lossy. All are made in the router between the namespaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from altid.region import line, netns
from altid.region.error import RegionError
from altid.region.netns import Namespaces
from altid.region.relay import Quality

LINE_FAULTS = {"site-silent": 1, "partition": 2, "slow-line": 2, "lossy-line": 2}
"""How many places each names."""


@dataclass(frozen=True, slots=True)
class Degree:
    """How bad a fault is, where there is more than one way."""

    ms: float = 0.0
    """Added to a round trip."""
    jitter_ms: float = 0.0
    loss: float = 0.0
    """The share of packets that vanish, each way."""
    seed: int = 0
    seconds: float = 3600.0
    """By how much a clock jumps."""


def check(name: str, degree: Degree) -> None:
    """Raise `RegionError` when it isn't said how bad the fault shall be."""
    if name == "lossy-line" and not 0 < degree.loss <= 1:
        raise RegionError("lossy-line needs --loss: the share of packets that vanish, such as 0.33.")
    if name == "slow-line" and degree.ms <= 0:
        raise RegionError("slow-line needs --ms: what is added to a round trip, such as 5.")


def make(found: Namespaces, name: str, places: Sequence[str], degree: Degree) -> None:
    """Break the line. Raises `RegionError` with the reason."""
    if name == "site-silent":
        netns.silence(found, places[0], cut=True)
    elif name == "partition":
        netns.part(found, *places, cut=True)
    else:
        quality = Quality(degree.ms / 2, degree.jitter_ms, degree.loss, degree.seed)
        line.worsen(found, places[0], places[1], quality)


def mend(found: Namespaces, name: str, places: Sequence[str]) -> None:
    """The line is as before."""
    if name == "site-silent":
        netns.silence(found, places[0], cut=False)
    elif name == "partition":
        netns.part(found, *places, cut=False)
    else:
        line.mend(found, places[0], places[1])
