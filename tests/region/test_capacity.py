"""Whether each site alone carries the region's peak: the verdict on what was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from altid.record.postgres import account as accounts
from altid.region import capacity
from altid.region.builtin import builtin_region
from altid.region.layout import Layout
from altid.region.topology import Peak, Region

REGION = replace(builtin_region(), peak=Peak(100.0, 10.0))


def measurement(region: Region, **reads_per_s: float) -> dict[str, Any]:
    return {
        "sites": {
            name: {
                "measured": f"2026-11-22T10:00:0{number}+00:00",
                "alone": True,
                "made_of": capacity.made_of(region, region.site(name)),
                "reads_per_s": reads,
                "writes_per_s": reads / 10,
            }
            for number, (name, reads) in enumerate(reads_per_s.items())
        }
    }


def judged(region: Region, **reads_per_s: float) -> capacity.Capacity:
    return capacity.judge(region, measurement(REGION, **reads_per_s))


def test_a_region_is_safe_when_each_site_carries_the_peak() -> None:
    verdict = judged(REGION, A=100.0, B=350.0)
    assert (verdict.verdict, verdict.margins) == ("safe", {"A": 1.0, "B": 3.5})
    assert verdict.measured == "2026-11-22T10:00:00+00:00"


def test_one_weak_site_makes_the_region_unsafe() -> None:
    verdict = judged(REGION, A=400.0, B=99.0)
    assert verdict.verdict == "unsafe"
    assert verdict.reason == "B alone carries 0.99 times the region's peak"


def test_a_peak_that_has_grown_since_makes_it_unsafe_without_measuring_again() -> None:
    assert judged(replace(REGION, peak=Peak(500.0, 10.0)), A=400.0, B=400.0).verdict == "unsafe"


def test_writes_count_as_much_as_reads() -> None:
    assert judged(replace(REGION, peak=Peak(1.0, 100.0)), A=400.0, B=400.0).margins == {"A": 0.4, "B": 0.4}


def test_a_site_that_was_not_measured_leaves_it_unknown() -> None:
    assert judged(REGION, A=400.0).verdict == "unknown"


def test_figures_of_other_servers_say_nothing_of_these() -> None:
    fewer = replace(REGION, sites=(replace(REGION.sites[0], servers=1), REGION.sites[1]))
    verdict = judged(fewer, A=400.0, B=400.0)
    assert (verdict.verdict, verdict.reason) == ("unknown", "A has changed since: measure again")


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    where = Layout(tmp_path)
    capacity.write(where, measurement(REGION, A=100.0, B=100.0), accounts.current())
    assert capacity.read(where, REGION).verdict == "safe"
    assert set(capacity.earlier(where)) == {"A", "B"}


def test_nothing_measured_is_unknown_and_names_the_command(tmp_path: Path) -> None:
    found = capacity.read(Layout(tmp_path), REGION)
    assert (found.verdict, found.reason, found.measured) == (
        "unknown",
        "not measured: `altid capacity`",
        None,
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sites": {}}', '{"sites": 3}', json.dumps("x")])
def test_a_damaged_file_is_unknown_and_breaks_nothing(tmp_path: Path, text: str) -> None:
    where = Layout(tmp_path)
    where.capacity.write_text(text)
    assert capacity.read(where, REGION).verdict == "unknown"
    assert capacity.earlier(where) == {}
