"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.record.backup.moment import DENMARK, MomentError, parse_moment, show


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T14:30", datetime(2026, 3, 1, 13, 30, tzinfo=UTC)),
        ("2026-07-01 14:30:05", datetime(2026, 7, 1, 12, 30, 5, tzinfo=UTC)),
        ("2026-03-01T14:30:00Z", datetime(2026, 3, 1, 14, 30, tzinfo=UTC)),
        ("2026-03-01T14:30:00.25+05:30", datetime(2026, 3, 1, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-03-01T14:30:00,5-02:00", datetime(2026, 3, 1, 16, 30, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-03-01", "14:30", "2026-13-01T00:00", "2026-03-01T25:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(MomentError, match="is no time"):
        parse_moment(text)


def test_an_hour_that_is_twice_asks_for_a_zone() -> None:
    with pytest.raises(MomentError, match=r"is twice .* 2026-10-25T02:30\+02:00 or 2026-10-25T02:30\+01:00"):
        parse_moment("2026-10-25T02:30")
    assert parse_moment("2026-10-25T02:30+02:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_an_hour_that_is_never_asks_for_a_zone() -> None:
    with pytest.raises(MomentError, match="is never on Danish clocks"):
        parse_moment("2026-03-29T02:30")


_seconds = st.integers(315_532_800, 4_102_444_800)
"""From 1980 to 2100."""


@given(_seconds.map(lambda second: datetime.fromtimestamp(second, UTC)))
def test_what_is_shown_is_read_back(moment: datetime) -> None:
    assert parse_moment(show(moment)) == moment


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_an_error(text: str) -> None:
    try:
        found = parse_moment(text)
    except MomentError:
        return
    assert found.tzinfo is UTC
    assert found.astimezone(DENMARK)
