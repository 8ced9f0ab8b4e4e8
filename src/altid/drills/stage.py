"""What a scenario plays on: the running region, who led when it began, and what it notes down."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any

from altid.access.programs import Credentials
from altid.region import faults
from altid.region.faults import Degree
from altid.region.layout import Layout
from altid.region.operating import tokens_of
from altid.region.topology import Region, Site

_TOKEN_S = 3 * 3600.0
"""The drill `clock-jump` puts a site an hour ahead, where a usual token of ten minutes has ended."""


async def drill_tokens(where: Layout, region: Region) -> Credentials:
    """What the clients prove themselves with. The first is made now: later there may be no database.

    Raises `RegionError`.
    """
    tokens = tokens_of(where, region, "drill", life_s=_TOKEN_S)
    await tokens.token()
    return tokens


@dataclass(frozen=True, slots=True)
class Stage:
    """The region of one run."""

    where: Layout
    region: Region
    leader: Site
    dice: random.Random
    measured: dict[str, Any] = field(default_factory=dict)
    """Figures that the scenario itself takes: they go into the result."""

    silent: list[tuple[float, float]] = field(default_factory=list)
    """Times (monotonic) in which nobody may acknowledge a write or answer a read: there was no quorum."""

    @property
    def other(self) -> Site:
        return self.region.other(self.leader)

    async def inject(
        self, name: str, place: str, part: str | None = None, degree: Degree | None = None
    ) -> None:
        await faults.inject(self.where, self.region, name, place, part, degree)

    async def heal(self, name: str, place: str | None = None) -> None:
        await faults.heal(self.where, self.region, name, place)

    def nobody_answers(self, from_s: float, until_s: float | None = None) -> None:
        """Note that from then on (until now) no site may answer as the live record."""
        self.silent.append((from_s, time.monotonic() if until_s is None else until_s))
