"""A place that was lost for good: for how long a new one may join, and what etcd is then told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from altid.region import etcd
from altid.region.builtin import builtin_netns_region
from altid.region.layout import PlaceFolders, may_join
from altid.region.programs import Programs

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PROGRAMS = Programs(Path("/usr/bin/etcd"), (3, 4, 23), Path("/usr/bin/python3"), Path("/usr/bin"))


def announced(folder: Path, text: str) -> PlaceFolders:
    folders = PlaceFolders(folder)
    folders.joins.write_text(text)
    return folders


def test_a_place_that_was_announced_may_join_until_its_time_is_over(tmp_path: Path) -> None:
    folders = announced(tmp_path, json.dumps({"until": (NOW + timedelta(hours=1)).isoformat()}))
    assert may_join(folders, NOW)
    assert not may_join(folders, NOW + timedelta(hours=1))


def test_a_place_that_was_never_announced_may_not(tmp_path: Path) -> None:
    assert not may_join(PlaceFolders(tmp_path), NOW)


@pytest.mark.parametrize(
    "text", ["", "{", "{}", "[]", '{"until": 3}', '{"until": "soon"}', '{"until": "2099-01-01T00:00"}']
)
def test_a_damaged_announcement_is_none(tmp_path: Path, text: str) -> None:
    assert not may_join(announced(tmp_path, text), NOW)


@pytest.mark.parametrize(("joins", "state"), [(False, "new"), (True, "existing")])
def test_only_a_place_that_joins_counts_on_an_etcd_that_is_there(joins: bool, state: str) -> None:
    region = builtin_netns_region("10.89")
    command = etcd.command(region, region.sites[0], "/x", Path("/pki"), PROGRAMS, joins=joins)
    assert f"--initial-cluster-state={state}" in command
