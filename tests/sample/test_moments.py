from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.sample.moments import DANISH_TIME, stamp, weekday


@pytest.fixture(scope="module")
def copenhagen() -> ZoneInfo:
    try:
        return ZoneInfo("Europe/Copenhagen")
    except ZoneInfoNotFoundError:
        pytest.skip("This machine has no time zone database to compare with.")


@given(st.datetimes(datetime(1996, 1, 1), datetime(2036, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_danish_time_is_that_of_the_time_zone_database(copenhagen: ZoneInfo, at: datetime) -> None:
    assert at.astimezone(DANISH_TIME).isoformat() == at.astimezone(copenhagen).isoformat()


def test_a_stamp_has_seconds_and_offset() -> None:
    assert stamp(datetime(2026, 1, 2, 3, 4, tzinfo=DANISH_TIME)) == "2026-01-02T03:04:00+01:00"
    assert stamp(datetime(2026, 7, 2, 3, 4, tzinfo=DANISH_TIME)) == "2026-07-02T03:04:00+02:00"


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=DANISH_TIME)
    assert [stamp(twice)[-6:], stamp(twice.replace(fold=1))[-6:]] == ["+02:00", "+01:00"]


def test_a_saturday_becomes_the_monday_after() -> None:
    saturday = datetime(2026, 11, 21, 9, tzinfo=DANISH_TIME)
    assert weekday(saturday) == datetime(2026, 11, 23, 9, tzinfo=DANISH_TIME)
