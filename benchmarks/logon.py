"""`python -m benchmarks.logon`: a morning of logons, and a storm of them, with protections on and off.

Capacity is measured first, in a closed loop; then people arrive at 1, 2, 5 and 10 times that. Goodput is the
work done for people who still waited, in % of the capacity: each kind of logon counts with what it costs, so
that a hundred cheap answers don't hide ten expensive ones that were never given.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from altid.access.secret import AccessSecret
from altid.record.postgres import Cluster
from benchmarks import results
from benchmarks.latency import Latency, summarize
from benchmarks.logon_load import MIX, PATIENCE_S, Crowd, Person, Phase, Run, run
from benchmarks.logon_setup import populate, server
from benchmarks.results import Results
from benchmarks.starting import database

ACCOUNTS = 20_000
LOADS = (1, 2, 5, 10)
CALM = 0.8
AT_ONCE = 12
"""People of the closed loop: the cores never wait, and nobody waits long."""
HOURS = {"one hour's logons in five minutes": 67, "one hour's logons in one minute": 333}
"""Per second, for 20,000 accounts."""
_SETTLED_S = 2.0
"""So long after the load has fallen, everything must be as before."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Seconds of each part."""

    capacity_s: float = 4.0
    storm_s: float = 8.0
    after_s: float = 8.0
    warmup_s: float = 1.5


QUICK = Effort(2, 4, 6, 1)


@dataclass(frozen=True, slots=True)
class Storm:
    """What people met at one load, and after it."""

    load: str
    protected: bool
    people_per_second: float
    goodput_percent: float
    let_in_per_second: Mapping[str, float]
    latency: Latency | None
    after_percent: float
    """Goodput when the load had been low for two seconds, in % of what was wanted then, or of the capacity if
    more was: those who were sent away come back at the times that they were told."""
    after_latency: Latency | None
    refused: int
    gave_up: int
    faults: Mapping[str, int]
    generator_busy: float
    storm_seconds: tuple[float, float]
    """When it began and when the load fell."""
    timeline: list[float]
    """Goodput in % of capacity, second by second, calm, storm and after."""


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.logon", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short measurements: a trial")
    parser.add_argument("--only", choices=["on", "off"], help="with protections, or without")
    parser.add_argument("--loads", type=lambda text: [int(part) for part in text.split(",")], default=LOADS)
    parser.add_argument("--out", type=Path, default=results.FOLDER, help="folder of results")
    options = parser.parse_args()
    found = results.begun("benchmarks.logon", sys.argv[1:])
    found |= measure(QUICK if options.quick else Effort(), tuple(options.loads), options.only)
    is_whole = not options.quick and options.only is None and tuple(options.loads) == LOADS
    results.write(options.out, "logon" if is_whole else "logon-trial", found)
    return 0


def measure(effort: Effort, loads: Sequence[int] = LOADS, only: str | None = None) -> Results:
    """The capacity, and the storms at these multiples of it. `only`: "on" or "off"."""
    return {"accounts": ACCOUNTS, "mix": MIX, **asyncio.run(_storms(effort, loads, only))}


async def _storms(effort: Effort, loads: Sequence[int], only: str | None) -> Results:
    secret = AccessSecret(random.Random(3).randbytes(32))
    with tempfile.TemporaryDirectory(prefix="altid-logon-") as folder:
        async with database(Path(folder)) as cluster:
            crowd = await populate(cluster, secret, ACCOUNTS)
            # What follows waits for other processes, PostgreSQL's supervisor goes on meanwhile.
            return await asyncio.to_thread(_measure, cluster, secret, crowd, effort, loads, only)


def _measure(
    cluster: Cluster,
    secret: AccessSecret,
    crowd: Crowd,
    effort: Effort,
    loads: Sequence[int],
    only: str | None,
) -> Results:
    dsn = cluster.dsn_for("altid_app")
    with server(dsn, secret, protected=True) as running:
        costs = _capacities(crowd, running.port, effort)
    capacity = costs.pop("mix")
    results.say(f"capacity: {capacity:.1f} people/s of the mix; alone: {costs}")
    storms = []
    for protected in (True, False):
        if only == ("off" if protected else "on"):
            continue
        for name, per_second in _loads(loads, capacity, protected).items():
            with server(dsn, secret, protected=protected) as running:
                storms.append(
                    _storm(crowd, running.port, name, per_second, capacity, costs, effort, protected)
                )
            _show(storms[-1])
    return {
        "capacity_per_second": round(capacity, 1),
        "alone_per_second": {kind: round(rate, 1) for kind, rate in costs.items()},
        "storms": [asdict(one) for one in storms],
    }


def _loads(multiples: Sequence[int], capacity: float, protected: bool) -> dict[str, float]:
    loads = {f"{multiple}x": multiple * capacity for multiple in multiples}
    return loads | HOURS if protected and tuple(multiples) == LOADS else loads


def _capacities(crowd: Crowd, port: int, effort: Effort) -> dict[str, float]:
    """People per second in a closed loop: of the mix, and of each kind alone."""
    kinds = [("mix", tuple(MIX)), *((kind, (kind,)) for kind in MIX)]
    phases = [Phase("warm-up", effort.warmup_s, at_once=AT_ONCE)]
    phases += [Phase(name, effort.capacity_s, at_once=AT_ONCE, kinds=which) for name, which in kinds]
    seen = run(crowd, port, phases, hasty=False)
    return {
        name: len(_let_in(seen, seen.began_s[number], seen.began_s[number + 1]))
        / (seen.began_s[number + 1] - seen.began_s[number])
        for number, (name, _) in enumerate(kinds, 1)
    }


def _storm(
    crowd: Crowd,
    port: int,
    name: str,
    per_second: float,
    capacity: float,
    costs: Mapping[str, float],
    effort: Effort,
    protected: bool,
) -> Storm:
    calm = Phase("calm", effort.warmup_s, CALM * capacity)
    after = Phase("after", effort.after_s, CALM * capacity)
    phases = [calm, Phase("storm", effort.storm_s, per_second), after]
    seen = run(crowd, port, phases, hasty=not protected)
    _, begin, fall, end = seen.began_s
    inside = _let_in(seen, begin, fall)
    counted = Counter(person.kind for person in inside)

    def percent(first_s: float, last_s: float) -> float:
        return goodput_percent(_let_in(seen, first_s, last_s), last_s - first_s, capacity, costs)

    return Storm(
        load=name,
        protected=protected,
        people_per_second=round(per_second, 1),
        goodput_percent=percent(begin, fall),
        let_in_per_second={kind: round(counted[kind] / (fall - begin), 1) for kind in MIX},
        latency=summarize([person.latency_s for person in inside]),
        after_percent=_after_percent(seen, fall + _SETTLED_S, end - PATIENCE_S, capacity, costs),
        after_latency=summarize([one.latency_s for one in _let_in(seen, fall + _SETTLED_S, end)]),
        refused=seen.refused,
        gave_up=seen.gave_up,
        faults=seen.faults,
        generator_busy=seen.busy[1],
        storm_seconds=(round(begin, 1), round(fall, 1)),
        timeline=[percent(second, second + 1) for second in range(int(end))],
    )


def goodput_percent(
    people: Sequence[Person], seconds: float, capacity: float, alone_per_second: Mapping[str, float]
) -> float:
    """The work done for `people` in % of what is done in so many seconds at capacity.

    One of a kind counts as 1 / (how many of that kind are let in per second when nothing else is done).
    """
    work = sum(1 / alone_per_second[person.kind] for person in people)
    full = capacity * sum(share / alone_per_second[kind] for kind, share in MIX.items())
    return round(100 * work / (full * seconds), 1)


def _after_percent(
    seen: Run, first_s: float, last_s: float, capacity: float, alone_per_second: Mapping[str, float]
) -> float:
    tries = [one for one in seen.people for meant_s in one.meant_s if first_s <= meant_s < last_s]
    wanted = goodput_percent(tries, last_s - first_s, capacity, alone_per_second)
    done = goodput_percent(_let_in(seen, first_s, last_s), last_s - first_s, capacity, alone_per_second)
    return round(100 * done / min(100.0, wanted), 1) if wanted else 100.0


def _let_in(seen: Run, first_s: float, last_s: float) -> list[Person]:
    return [one for one in seen.people if one.in_s is not None and first_s <= one.in_s < last_s]


def _show(storm: Storm) -> None:
    latency = f"p50 {storm.latency.p50_ms:.0f} p99 {storm.latency.p99_ms:.0f} ms" if storm.latency else ""
    protections = "on " if storm.protected else "off"
    results.say(
        f"protections {protections} {storm.load:34} {storm.people_per_second:7.1f}/s  "
        f"goodput {storm.goodput_percent:5.1f} %  {latency:24}  after {storm.after_percent:5.1f} %  "
        f"refused {storm.refused}  gave up {storm.gave_up}  faults {dict(storm.faults)}  "
        f"in/s {dict(storm.let_in_per_second)}  generator {storm.generator_busy}"
    )


if __name__ == "__main__":
    sys.exit(main())
