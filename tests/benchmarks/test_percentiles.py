"""Percentiles by nearest rank."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.latency import Latency, percentile, summarize


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 50), (99, 99), (100, 100)])
def test_of_a_hundred_values_the_nth_percentile_is_the_nth(percent: float, value: float) -> None:
    assert percentile(list(range(1, 101)), percent) == value


def test_of_one_value_every_percentile_is_that_value() -> None:
    assert [percentile([7.0], percent) for percent in (0, 50, 100)] == [7.0, 7.0, 7.0]


def test_a_summary_is_in_milliseconds() -> None:
    assert summarize([0.002, 0.001, 0.004]) == Latency(2.0, 4.0, 4.0, 4.0)


def test_nothing_measured_has_no_summary() -> None:
    assert summarize([]) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_measured_value_that_enough_others_do_not_exceed(
    values: list[float], percent: int
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in ordered
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)
