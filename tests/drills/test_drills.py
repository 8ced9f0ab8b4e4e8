"""Every drill that there is, on a real region in network namespaces; each is left whole for the next."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from altid.drills.evidence import make_folder
from altid.drills.run import DrillOptions, drill
from altid.drills.scenarios import SCENARIOS, missing
from altid.gateway.startup import up
from altid.region import faults, netns
from altid.region.layout import Layout, load_region
from altid.region.shutdown import down
from altid.region.status import gather

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_SEED = 11
_SLOW = 4
"""A busy machine is slower than the goals by less than this."""
_NO_OFFENCE = {
    "missing": 0,
    "duplicated": 0,
    "stale_reads": 0,
    "two_leaders": 0,
    "answered_without_quorum": 0,
}


@pytest.fixture(scope="module")
def where() -> Iterator[Layout]:
    if not netns.possible():
        pytest.skip("lines between namespaces need root and the program `ip`")
    folder = Path(tempfile.mkdtemp(prefix="altid-drills-"))
    folder.chmod(0o755)
    layout = Layout(folder / "data")
    try:
        asyncio.run(up(layout, None, lambda _line: None, in_netns=True))
        yield layout
    finally:
        if layout.marker.is_file():
            asyncio.run(down(layout))
        shutil.rmtree(folder)


def _drill(where: Layout, name: str) -> dict[str, Any]:
    reason = missing(SCENARIOS[name])
    if reason:
        pytest.skip(reason)

    async def run() -> dict[str, Any]:
        region, folder = load_region(where), make_folder(where.data / "evidence", name, _SEED)
        try:
            return await drill(name, SCENARIOS[name], where, region, DrillOptions(_SEED), folder)
        finally:
            await faults.heal(where, region)
            await faults.tidy(where, region)

    return asyncio.run(run())


def _offences(result: dict[str, Any]) -> dict[str, int]:
    return {name: result[name] for name in _NO_OFFENCE}


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "slow-line"])
def test_a_drill_loses_nothing_and_leaves_the_region_whole(where: Layout, name: str) -> None:
    result, scenario = _drill(where, name), SCENARIOS[name]
    assert _offences(result) == _NO_OFFENCE
    assert result["durability_after"] == "two-sites"
    assert result["sites_agree"]
    assert not scenario.lead_moves or result["leader"]["after"] != result["leader"]["before"]
    # How long is allowed says the drill itself, and its evidence; here only broken is told from slow.
    assert result["write_pause_s"] < _SLOW * scenario.write_s_max
    evidence = Path(result["evidence"])
    assert {"report.md", "result.json", "latency.svg"} <= {path.name for path in evidence.iterdir()}


def test_a_commit_costs_one_round_trip_more(where: Layout) -> None:
    result = _drill(where, "slow-line")
    assert _offences(result) == _NO_OFFENCE
    p50_ms = {row["round_trip_ms"]: row["p50"] for row in result["measured"]["commit_ms"]}
    assert p50_ms[1.5] - p50_ms[0.0] >= 1.5
    assert 5.0 <= p50_ms[5.0] - p50_ms[0.0] < 15.0


def test_every_drill_is_in_the_regions_list_and_left_no_fault_behind(where: Layout) -> None:
    told = [json.loads(line) for line in (where.data / "drills.jsonl").read_text().splitlines()]
    assert [one["drill"] for one in told][-1] == "slow-line"
    assert faults.active(where) == []
    assert asyncio.run(gather(where, load_region(where))).durability == "two-sites"
