"""What authorisation costs: the arithmetic, the servers with less of a guard, and the page. The measurement
itself is a benchmark."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import authorisation_parts, report_access
from benchmarks.__main__ import _kinds
from benchmarks.authorisation import added_percent, spread_of
from benchmarks.authorisation_app import VARIANTS
from benchmarks.dataset import patient_id
from benchmarks.ward import BEDS, bundle

ROOT = Path(__file__).parents[2]


def test_what_is_added_is_of_the_same_round() -> None:
    assert added_percent([110.0, 230.0], [100.0, 200.0]) == [10.0, 15.0]


def test_half_the_rate_is_twice_the_time() -> None:
    assert added_percent([500.0], [1_000.0], inverse=True) == [100.0]


def test_a_spread_is_the_median_between_the_ends() -> None:
    spread = spread_of([3.0, 1.0, 2.0])
    assert (spread.median, spread.min, spread.max) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_left_out_is_still_a_part_of_the_product(variant: str) -> None:
    # In a process of its own: it is taken out of the modules.
    program = f"from benchmarks.authorisation_app import VARIANTS; VARIANTS[{variant!r}]()"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_everybody_is_admitted_to_a_ward_that_there_is() -> None:
    resources = [entry["resource"] for entry in bundle(BEDS + 1)["entry"]]
    wards = {f"Organization/{one['id']}" for one in resources if one["resourceType"] == "Organization"}
    stays = [one for one in resources if one["resourceType"] == "Encounter"]
    assert {stay["serviceProvider"]["reference"] for stay in stays} <= wards
    assert len({stay["subject"]["reference"] for stay in stays}) == BEDS + 1
    assert stays[0]["subject"]["reference"] == f"Patient/{patient_id(0)}"


def test_each_part_has_a_cost(tmp_path: Path) -> None:
    parts = authorisation_parts.measure(tmp_path, times=20)
    assert parts.token_first_us > parts.token_again_us > 0
    assert min(parts.reach_us, parts.event_us, parts.seal_us, parts.sync_alone_ms, parts.sync_group_ms) > 0


@pytest.mark.parametrize(
    ("named", "kinds"),
    [
        ([], ["throughput", "authorisation", "logon"]),
        (["logon"], ["logon"]),
        (["read", "import"], ["throughput"]),
        (["read", "authorisation"], ["throughput", "authorisation"]),
    ],
)
def test_what_is_named_is_measured(named: list[str], kinds: list[str]) -> None:
    assert _kinds(named) == kinds


def spread(value: float) -> dict[str, float]:
    return {"median": value, "min": value - 1, "max": value + 1}


AUTHORISATION: dict[str, Any] = {
    "command": "python -m benchmarks.authorisation",
    "date": "2026-01-02",
    "patients": 500,
    "doctors": 50,
    "rounds": 9,
    "seconds": 2.0,
    "parts": {
        "token_first_us": 131.0,
        "token_again_us": 3.2,
        "reach_us": 4.0,
        "event_us": 9.0,
        "seal_us": 8.0,
        "sync_alone_ms": 1.1,
        "sync_group_ms": 1.3,
    },
    "comparisons": [
        {
            "work": work,
            "connections": 8,
            "per_second": {"no guard": spread(2000), "no audit": spread(1800), "whole": spread(1500)},
            "added_percent": {"no audit": spread(11), "whole": spread(33)},
            "server_us": {"no guard": spread(400), "no audit": spread(440), "whole": spread(530)},
            "errors": 0,
        }
        for work in ("read", "search", "ward")
    ],
}
LOGON: dict[str, Any] = {
    "command": "python -m benchmarks.logon",
    "date": "2026-01-02",
    "accounts": 20_000,
    "mix": {"logon": 0.4, "badge": 0.6},
    "capacity_per_second": 70.0,
    "alone_per_second": {"logon": 30.0, "badge": 400.0},
    "storms": [
        {
            "load": "1x",
            "protected": protected,
            "people_per_second": 70.0,
            "goodput_percent": goodput,
            "latency": latency,
            "refused": 3,
            "gave_up": 2,
            "after_percent": 100.0,
        }
        for protected, goodput, latency in (
            (True, 97.0, {"p50_ms": 50.0, "p99_ms": 700.0}),
            (False, 0.0, None),
        )
    ],
}


@pytest.mark.parametrize("section", [report_access.authorisation(AUTHORISATION), report_access.logon(LOGON)])
def test_the_sections_have_regular_tables_and_name_their_commands(section: str) -> None:
    assert "`python -m benchmarks." in section
    for block in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_the_table_says_what_each_server_adds() -> None:
    line = next(
        line for line in report_access.authorisation(AUTHORISATION).splitlines() if line.startswith("| read")
    )
    assert "| 2,000 | 1,800 | **11 %** (10 to 12) | 1,500 | **33 %** (32 to 34) |" in line
