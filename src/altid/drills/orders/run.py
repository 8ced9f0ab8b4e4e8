"""One order drill from beginning to end, judged by the clients, the record and the reconciliation."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from altid.access.programs import Credentials
from altid.drills import evidence
from altid.drills.clients import Endpoint
from altid.drills.orders.clients import Doctor, Gateway
from altid.drills.orders.held import held_since
from altid.drills.orders.history import Held, Listed
from altid.drills.orders.line import FAIR, Line, Weather
from altid.drills.orders.listing import listed
from altid.drills.orders.patients import admitted
from altid.drills.orders.result import OrderRun, operations_of, result_of
from altid.drills.picture import latency_picture
from altid.drills.report import markdown
from altid.drills.run import DrillOptions, announce, play, ready
from altid.drills.scenarios import Scenario
from altid.drills.stage import Stage, drill_tokens
from altid.drills.versions import versions
from altid.region import events
from altid.region.error import RegionError
from altid.region.http import HttpError
from altid.region.layout import Layout
from altid.region.tls import of_operator
from altid.region.topology import Region, Site

_PATIENTS = 40
_HASTY = 3
"""Every third doctor closes the page at once: what nobody sends again is what reconciliation is for."""
_DRAIN_S_MAX = 40.0
_POLL_S = 0.2
_RUN_LENGTH_MAX = 40
_SETTLE_S = 20.0
"""What a server had noted, and never knew the end of, is looked up after 15 s, and sent again if need be."""


@dataclass(frozen=True, slots=True)
class _Crowd:
    """The doctors of a drill."""

    doctors: list[Doctor]
    weather: Weather
    pause_s: float

    def work(self, stop: asyncio.Event) -> Iterable[Coroutine[Any, Any, None]]:
        return (doctor.work(stop, self.pause_s) for doctor in self.doctors)

    def trouble(self, *, begins: bool) -> None:
        for doctor in self.doctors:
            doctor.line.weather = self.weather if begins else FAIR

    async def close(self) -> None:
        """Half of those who have something in their outbox open the page again; the others never do."""
        await asyncio.gather(*(doctor.reopen() for doctor in self.doctors if doctor.number % 2))
        await asyncio.gather(*(doctor.close() for doctor in self.doctors))


async def drill(
    name: str, scenario: Scenario, where: Layout, region: Region, options: DrillOptions, folder: Path
) -> dict[str, Any]:
    """Run it on the running region; gives the contract's result. Raises `RegionError` if it can't begin."""
    began = datetime.now(UTC)
    stage = await ready(where, region, scenario, options.seed)
    run = folder.name.replace("Z", "")[-_RUN_LENGTH_MAX:]
    tokens = await drill_tokens(where, region)
    patients = await admitted(region, run, _PATIENTS, tokens)
    crowd = _crowd(stage, scenario, options, run, patients, tokens)
    moments, after = await play(stage, scenario, crowd)
    await asyncio.sleep(_SETTLE_S)
    held = {site.name: await _patiently(site, began, run, tokens) for site in region.sites}
    outboxes = [[one for one in doctor.memory if one.is_open] for doctor in crowd.doctors]
    found = await listed(where, region, began, outboxes, tokens)
    told = OrderRun(name, scenario, stage, options.seed, moments, [one.memory for one in crowd.doctors])
    result = result_of(told, held, found, after)
    result |= {"began": began.isoformat(timespec="seconds"), "evidence": str(folder)}
    result["versions"] = await asyncio.to_thread(versions, where, region)
    _keep(told, result, next(iter(held.values())), found, began, folder)
    announce(stage, result)
    return result


def _crowd(
    stage: Stage,
    scenario: Scenario,
    options: DrillOptions,
    run: str,
    patients: Sequence[str],
    tokens: Credentials,
) -> _Crowd:
    """Half of the doctors at home at each site; each knows some of the patients."""
    gateways = [Gateway(site.name, site.host, site.gateway) for site in stage.region.sites]
    tls = of_operator(stage.where).client
    doctors = []
    for number in range(options.clients):
        dice = random.Random(f"{options.seed} {number}")
        order = gateways if number % 2 else gateways[::-1]
        own = dice.sample(list(patients), max(1, len(patients) // 4))
        line = Line(random.Random(f"{options.seed} line {number}"))
        is_hasty = number % _HASTY == 0
        doctors.append(Doctor(number, run, order, tls, own, dice, tokens, line, is_hasty))
    return _Crowd(doctors, scenario.weather, options.pause_s)


async def _patiently(site: Site, began: datetime, run: str, tokens: Credentials) -> list[Held]:
    """What the site holds, by whichever of its servers answers."""
    end_s = time.monotonic() + _DRAIN_S_MAX
    while True:
        for port in site.server_ports:
            with suppress(HttpError):
                return await held_since(Endpoint(site.name, site.host, port), began, run, tokens)
        if time.monotonic() > end_s:
            raise RegionError(f"{site.name}'s servers do not answer after the drill, so it can't be judged.")
        await asyncio.sleep(_POLL_S)


def _keep(
    run: OrderRun,
    result: dict[str, Any],
    held: Sequence[Held],
    found: Sequence[Listed],
    began: datetime,
    folder: Path,
) -> None:
    where = run.stage.where
    timeline = [event for event in events.read(where.events) if event["time"] >= began.isoformat()[:23]]
    image = latency_picture(f"{run.name}: {run.scenario.about}", operations_of(run.signed), run.moments)
    evidence.write(folder, result, timeline, run.signed, held, image, markdown(result, timeline))
    evidence.write_lines(folder / "listed.jsonl", found)


__all__ = ["drill"]
