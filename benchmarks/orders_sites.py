"""`python -m benchmarks orders --two-sites`: from sign to receipt where each commit waits for the other site.

A real region in network namespaces, as `altid up --netns` makes it, and a line between its sites that takes
0, 1.5 and 5 ms there and back. Beside each order a plain create, in rounds that alternate; and the commit
alone, by one client at the database. The receipt keeps its promise where it costs no more than one such
commit more. Each round trip has patients of its own, or those after the first would find longer charts.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import shutil
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altid.drills.probe import CommitTime, commit_time
from altid.drills.stage import Stage
from altid.gateway.startup import up
from altid.region import faults, netns
from altid.region.builtin import builtin_netns_region
from altid.region.error import RegionError
from altid.region.faults import Degree
from altid.region.layout import Layout, load_region
from altid.region.operating import tokens_of
from altid.region.regionfile import render_region
from altid.region.shutdown import down
from altid.region.status import gather
from altid.region.topology import Site
from benchmarks.orders_load import Found, Make, offered
from benchmarks.orders_requests import prepare, requests

ROUND_TRIPS_MS = (0.0, 1.5, 5.0)
LOADS = (("leader", 50.0), ("other", 50.0), ("leader", 500.0))
"""At which site, and how many offered a second."""
ROUNDS = 3
COMMIT_S = 2.0
_LIFE_S = 3600.0
_TITLE = "round trip  site    offered   sign p50 / p99   create p50 / p99   more  ratio  commit  one at most"


@dataclass(frozen=True, slots=True)
class Compared:
    """Orders beside plain creates. Times in ms: medians of the rounds."""

    round_trip_ms: float
    site: str
    """`leader` or `other`."""
    offered_per_second: float
    sign_p50_ms: float
    sign_p99_ms: float
    create_p50_ms: float
    create_p99_ms: float
    commit_ms: float
    """p50 of a commit alone."""
    errors: int

    @property
    def more_ms(self) -> float:
        return self.sign_p50_ms - self.create_p50_ms

    @property
    def ratio(self) -> float:
        return self.sign_p50_ms / self.create_p50_ms

    @property
    def holds(self) -> bool:
        """The receipt costs no more than one commit more."""
        return self.more_ms <= self.commit_ms


def refusal() -> str:
    """Why it can't be measured here; nothing if it can."""
    return "" if netns.possible() else "orders --two-sites needs root and the program `ip`: lines are slowed."


async def measure(seconds: float, warmup_s: float) -> list[Compared]:
    """All of it: about three minutes with three seconds for each measurement. Raises `RegionError`."""
    async with _region() as (stage, bearer):
        sites = {"leader": stage.leader, "other": stage.other}
        for site in sites.values():  # statements are prepared, code is warm
            for make in (await _ways(stage.leader, bearer, 0)).values():
                await offered("", site.server_ports[0], make, 50.0, 1.0, 0.0, host=site.host)
        print(_TITLE, flush=True)
        found = []
        for number, round_trip_ms in enumerate(ROUND_TRIPS_MS, 1):
            ways = await _ways(stage.leader, bearer, number)
            async with _slowed(stage, round_trip_ms):
                commit = await commit_time(stage, COMMIT_S)
                for name, rate in LOADS:
                    rounds = await _rounds(sites[name], ways, rate, seconds, warmup_s)
                    found.append(compared(round_trip_ms, name, rate, commit, rounds))
                    print(row(found[-1]), flush=True)
        return found


async def _ways(site: Site, bearer: str, number: int) -> dict[str, Make]:
    """Orders, and creates for others, so that a create makes no chart longer."""
    groups = {"sign": 2 * number, "create": 2 * number + 1}
    for group in groups.values():
        await prepare(site.server_ports[0], bearer, site.host, group)
    paths = {"sign": "/orders", "create": "/fhir/MedicationRequest"}
    return {name: requests(paths[name], bearer, group) for name, group in groups.items()}


async def _rounds(
    site: Site, ways: dict[str, Make], rate: float, seconds: float, warmup_s: float
) -> list[Found]:
    port, found = site.server_ports[0], []
    for number in range(ROUNDS):
        for name, make in ways.items():
            found.append(
                await offered(name, port, make, rate, seconds, warmup_s, seed=number, host=site.host)
            )
    return found


def compared(
    round_trip_ms: float, site: str, rate: float, commit: CommitTime, rounds: list[Found]
) -> Compared:
    """The medians of the rounds."""

    def median(name: str, value: str) -> float:
        known = [one.latency for one in rounds if one.name == name and one.latency is not None]
        return statistics.median(getattr(one, value) for one in known) if known else float("inf")

    return Compared(
        round_trip_ms,
        site,
        rate,
        median("sign", "p50_ms"),
        median("sign", "p99_ms"),
        median("create", "p50_ms"),
        median("create", "p99_ms"),
        commit.p50,
        sum(one.errors for one in rounds),
    )


def row(one: Compared) -> str:
    """One line of the table."""
    errors = f"  {one.errors} errors" if one.errors else ""
    sign, create = f"{one.sign_p50_ms:7.2f} /{one.sign_p99_ms:7.2f}", f"{one.create_p50_ms:7.2f}"
    create += f" /{one.create_p99_ms:7.2f}"
    return (
        f"{one.round_trip_ms:7.1f} ms  {one.site:6}  {one.offered_per_second:5.0f}/s  {sign}   {create}  "
        f"{one.more_ms:5.2f}  {one.ratio:5.2f}  {one.commit_ms:6.2f}  {'yes' if one.holds else 'NO'}{errors}"
    )


def told(found: list[Compared]) -> list[dict[str, Any]]:
    """As it is kept."""
    return [
        {**dataclasses.asdict(one), "more_ms": one.more_ms, "ratio": one.ratio, "holds": one.holds}
        for one in found
    ]


@asynccontextmanager
async def _slowed(stage: Stage, round_trip_ms: float) -> AsyncIterator[None]:
    """The line as it is stands for none."""
    line = ",".join(site.name for site in stage.region.sites)
    if round_trip_ms:
        await stage.inject("slow-line", line, degree=Degree(ms=round_trip_ms))
    try:
        yield
    finally:
        await stage.heal("slow-line")


@asynccontextmanager
async def _region() -> AsyncIterator[tuple[Stage, str]]:
    """One that is made for it and gone afterwards, and a token for all of it."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="altid-orders-"))
    await asyncio.to_thread(folder.chmod, 0o755)  # the databases' user must reach what is inside
    where, file = Layout(folder / "data"), folder / "region.toml"
    text = render_region(builtin_netns_region(netns.free_prefix(), servers=1))
    try:
        await asyncio.to_thread(file.write_text, text)
        await up(where, file, lambda _line: None, in_netns=True)
        region = load_region(where)
        status = await gather(where, region)
        if status.leader is None or status.durability != "two-sites":
            raise RegionError(f"The region isn't whole: {status.summary()}.")
        stage = Stage(where, region, region.site(status.leader), random.Random(1))
        yield stage, await tokens_of(where, region, "benchmark", life_s=_LIFE_S).token()
    finally:
        if where.marker.is_file():
            await faults.heal(where, load_region(where))
            await down(where)
        shutil.rmtree(folder)
