"""The logon storm's arithmetic and picture. The storm itself is a benchmark."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections import Counter
from xml.etree import ElementTree

import pytest

from benchmarks import logon_picture
from benchmarks.logon import goodput_percent
from benchmarks.logon_load import MIX, Crowd, People, Person, Phase, arrivals

ALONE = {"logon": 50.0, "badge": 500.0, "refresh": 500.0, "ward": 2000.0}
CAPACITY = 100.0


def people(**counts: int) -> list[Person]:
    return [Person(kind, 0.0, 1.0, 0.1, 1) for kind, count in counts.items() for _ in range(count)]


def test_the_mix_at_capacity_is_a_hundred_percent() -> None:
    a_second = people(**{kind: round(share * CAPACITY) for kind, share in MIX.items()})
    assert goodput_percent(a_second, 1.0, CAPACITY, ALONE) == 100.0


def test_cheap_answers_do_not_hide_dear_ones_that_were_not_given() -> None:
    assert goodput_percent(people(ward=100), 1.0, CAPACITY, ALONE) < 6


def test_nobody_let_in_is_no_goodput() -> None:
    assert goodput_percent([], 1.0, CAPACITY, ALONE) == 0.0


def test_as_many_come_as_the_load_says_and_in_no_rhythm() -> None:
    came = arrivals(Phase("storm", 10, per_second=100), random.Random(1))
    assert Counter(kind for _, kind in came) == {kind: round(1_000 * share) for kind, share in MIX.items()}
    assert [at for at, _ in came] == sorted(at for at, _ in came)
    assert all(0 <= at <= 10 for at, _ in came)
    each_second = Counter(int(at) for at, _ in came)
    assert 80 <= statistics.mean(each_second.values()) <= 120
    assert 5 <= statistics.stdev(each_second.values()) <= 20  # a Poisson process': about 10


def test_where_nobody_listens_nobody_is_let_in_and_no_one_waits_for_ever() -> None:
    async def run() -> People:
        crowd = People(Crowd(10, ["key"], ["refresh"], ["token"]), port=1, hasty=True, seed=1)
        async with asyncio.timeout(30):
            await crowd.pass_through(Phase("storm", 0.2, per_second=100))
            await crowd.finish()
        return crowd

    seen = asyncio.run(run()).run
    assert seen.people
    assert {person.in_s for person in seen.people} == {None}


@pytest.mark.parametrize("percent", [0.0, 99.0, 250.0])
def test_the_picture_has_a_line_for_each_load_and_stays_inside(percent: float) -> None:
    storm = {"goodput_percent": percent, "after_percent": 100.0, "storm_seconds": [1.5, 8.5]}
    storms = [
        {**storm, "load": load, "protected": protected, "timeline": [percent] * 14}
        for protected in (True, False)
        for load in ("1x", "10x", "one hour's logons in one minute")
    ]
    picture = logon_picture.draw({"accounts": 20_000, "capacity_per_second": 90.0, "storms": storms})
    lines = ElementTree.fromstring(picture).findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 4
    heights = [float(point.split(",")[1]) for line in lines for point in line.get("points", "").split()]
    assert all(100 <= height <= 340 for height in heights)
