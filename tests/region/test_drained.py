"""Who is taken out of work, by whom, and what a canary that fell silent is worth."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from altid.record.postgres.account import current
from altid.region.builtin import builtin_region
from altid.region.drained import Drained, read_drained, read_losers, write_drained, write_out
from altid.region.layout import Layout
from altid.region.status import read_canary

SITE = builtin_region().site("A")


@pytest.fixture
def where(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.place("A").gateway.mkdir(parents=True)
    return layout


def test_an_operator_and_the_canary_take_servers_out_without_each_others_doing(where: Layout) -> None:
    write_out(where, SITE, frozenset({"server-2"}), current())
    assert read_drained(where, SITE) == Drained(out=frozenset({"server-2"}))
    write_drained(where, SITE, Drained(frozenset({"server-1"}), site=True), current())
    assert read_drained(where, SITE) == Drained(frozenset({"server-1"}), True, frozenset({"server-2"}))
    write_out(where, SITE, frozenset(), current())
    assert read_drained(where, SITE) == Drained(frozenset({"server-1"}), site=True)


def test_who_has_lost_an_order_is_kept_beside(where: Layout) -> None:
    write_out(where, SITE, frozenset({"server-2"}), current(), {"server-2": 7, "server-3": None})
    assert read_losers(where, SITE) == {"server-2": 7, "server-3": None}
    assert read_drained(where, SITE) == Drained(out=frozenset({"server-2"}))
    where.place("A").out.write_text('{"servers": []}')  # of an earlier version
    assert read_losers(where, SITE) == {}


def test_a_file_that_is_torn_takes_nobody_out(where: Layout) -> None:
    where.place("A").out.write_text('{"servers": ["ser')
    assert read_drained(where, SITE) == Drained()


def test_a_canary_that_fell_silent_tells_nothing(where: Layout) -> None:
    path = where.place("A").canary
    assert read_canary(where, SITE) is None
    path.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "servers": {}}))
    assert read_canary(where, SITE) is not None
    path.write_text(json.dumps({"at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()}))
    assert read_canary(where, SITE) is None
    path.write_text("[]")
    assert read_canary(where, SITE) is None
