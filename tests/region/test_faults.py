"""Faults that can't be made are refused in one line, and nothing is written down."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from altid.region import faults, netns
from altid.region.builtin import builtin_region
from altid.region.error import RegionError
from altid.region.faults import Degree
from altid.region.layout import Layout

_REGION = builtin_region()


@pytest.fixture
def where(tmp_path: Path) -> Layout:
    for place in _REGION.places:
        (tmp_path / place.name).mkdir()
    return Layout(tmp_path)


def _refused(
    where: Layout, name: str, site: str, part: str | None = None, degree: Degree | None = None
) -> str:
    with pytest.raises(RegionError) as refused:
        asyncio.run(faults.inject(where, _REGION, name, site, part, degree))
    assert faults.active(where) == []
    assert not where.events.exists()
    return str(refused.value)


@pytest.fixture
def with_lines(where: Layout) -> Layout:
    """A region that says that it has namespaces; none of these tests gets as far as using them."""
    told = netns.Namespaces("none", {"A": "a", "B": "b", "W": "w"}, {"A": "", "B": "", "W": ""}, "none")
    fields = {name: getattr(told, name) for name in ("router", "places", "networks", "link")}
    (where.data / netns.FILE).write_text(json.dumps(fields))
    return where


@pytest.mark.parametrize(
    ("name", "site", "part", "wanted"),
    [
        ("earthquake", "A", None, "There is no fault 'earthquake'"),
        ("site-kill", "C", None, "no place 'C': A, B, W"),
        ("part-kill", "A", None, "part-kill needs --part"),
        ("part-kill", "A", "etcd", "no running part 'etcd'"),
        ("partition", "A,B", None, "started with --netns"),
        ("slow-line", "A,B", None, "started with --netns"),
        ("partition", "A", None, "two places, as in --site A,B"),
        ("partition", "A,A", None, "two places, as in --site A,B"),
        ("site-silent", "A,B", None, "wants one place"),
        ("apply-freeze", "A", None, "no process applies a log"),
        ("disk-full", "W", "postgres", "wants --part postgres or etcd or intents that W has"),
        ("disk-full", "A", "guardian", "wants --part postgres or etcd or intents that A has"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    where: Layout, name: str, site: str, part: str | None, wanted: str
) -> None:
    assert wanted in _refused(where, name, site, part)


@pytest.mark.parametrize(
    ("name", "degree", "wanted"),
    [
        ("slow-line", Degree(), "slow-line needs --ms"),
        ("lossy-line", Degree(), "lossy-line needs --loss"),
        ("lossy-line", Degree(loss=1.5), "lossy-line needs --loss"),
    ],
)
def test_a_line_is_worsened_by_a_degree(with_lines: Layout, name: str, degree: Degree, wanted: str) -> None:
    assert wanted in _refused(with_lines, name, "A,B", None, degree)
