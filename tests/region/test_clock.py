"""A place's own wall clock: Python programs and those that libfaketime serves both see it jump."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from altid.region import clock
from altid.region.error import RegionError

_NOW = "import time; print(time.time(), time.monotonic())"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    try:
        clock.check()
    except RegionError as error:
        pytest.skip(str(error))
    clock.make_own(tmp_path)
    return tmp_path


def _environment(place: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **clock.environment(place)}


def _python(place: Path, program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=_environment(place),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout


def test_a_place_has_the_machines_clock_as_a_rule(tmp_path: Path) -> None:
    assert clock.environment(tmp_path) == {}


def test_a_clock_of_its_own_shows_the_right_time_until_it_jumps(place: Path) -> None:
    assert abs(float(_python(place, _NOW).split()[0]) - time.time()) < 30


def test_a_jump_moves_the_wall_clock_and_not_the_monotonic_one(place: Path) -> None:
    clock.jump(place, 3600.0)
    wall_s, steady_s = map(float, _python(place, _NOW).split())
    assert abs(wall_s - time.time() - 3600.0) < 30
    assert abs(steady_s - time.monotonic()) < 30


def test_only_what_patroni_starts_is_preloaded(place: Path) -> None:
    told = "import os; print(os.environ.get('LD_PRELOAD', ''))"
    assert _python(place, told).strip() == ""
    assert "libfaketime" in _python(place, told, "patroni")


def test_a_program_under_the_preload_sees_the_jump(place: Path) -> None:
    clock.jump(place, -7200.0)
    preload = _python(place, "import os; print(os.environ['LD_PRELOAD'])", "patroni").strip()
    told = subprocess.run(
        ["date", "+%s"],
        env=_environment(place) | {"LD_PRELOAD": preload},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout
    assert abs(int(told) - time.time() + 7200) < 30


def test_a_clock_that_was_given_up_is_the_machines_again(place: Path) -> None:
    clock.give_up(place)
    assert clock.environment(place) == {}
    assert list(place.iterdir()) == []
