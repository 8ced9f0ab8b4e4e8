"""What pgbench prints."""

from __future__ import annotations

import pytest

from benchmarks.limits import parse

PRINTED = """
transaction type: read.sql
number of clients: 8
latency average = 0.254 ms
initial connection time = 12.089 ms
tps = 31462.701243 (without initial connection time)
"""


def test_rate_and_latency_are_found() -> None:
    assert parse(PRINTED) == (31462.7, 0.254)


def test_no_result_is_an_error() -> None:
    with pytest.raises(ValueError, match="no result"):
        parse("pgbench: error: connection refused")
