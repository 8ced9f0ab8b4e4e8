"""What is made of the rounds of orders on two sites, and what is said where they can't be measured."""

from __future__ import annotations

import os

import pytest

from altid.drills.probe import CommitTime
from benchmarks import orders
from benchmarks.latency import summarize
from benchmarks.orders_load import Found
from benchmarks.orders_sites import compared, row

COMMIT = CommitTime(6.0, 9.0, 300)


def found(name: str, ms: float, errors: int = 0) -> Found:
    return Found(name, 50.0, 50.0, summarize([ms / 1000]), errors)


def test_orders_are_compared_by_the_medians_of_their_rounds() -> None:
    rounds = [found("sign", 15.0), found("create", 10.0), found("sign", 99.0), found("create", 11.0)]
    rounds += [found("sign", 16.0), found("create", 90.0)]
    one = compared(5.0, "leader", 50.0, COMMIT, rounds)
    assert (one.sign_p50_ms, one.create_p50_ms, one.errors) == (16.0, 11.0, 0)
    assert (one.more_ms, one.holds) == (5.0, True)
    assert "yes" in row(one)


def test_one_that_costs_more_than_a_commit_more_does_not_hold() -> None:
    one = compared(5.0, "leader", 50.0, COMMIT, [found("sign", 17.0, errors=2), found("create", 10.0)])
    assert not one.holds
    assert "NO  2 errors" in row(one)


def test_where_nothing_was_answered_nothing_holds() -> None:
    assert not compared(5.0, "leader", 50.0, COMMIT, [found("create", 10.0)]).holds


def test_without_root_it_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert orders.main(["--two-sites"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "root" in told
