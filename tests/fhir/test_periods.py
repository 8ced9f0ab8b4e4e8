from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.fhir.periods import EARLIEST, LATEST, PeriodError, of_period, of_timing, parse_period


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", utc(2024, 1, 1), utc(2025, 1, 1)),
        ("2024-02", utc(2024, 2, 1), utc(2024, 3, 1)),
        ("2024-12", utc(2024, 12, 1), utc(2025, 1, 1)),
        ("2024-02-29", utc(2024, 2, 29), utc(2024, 3, 1)),
        ("2024-05-01T10:20", utc(2024, 5, 1, 10, 20), utc(2024, 5, 1, 10, 21)),
        ("2024-05-01T10:20Z", utc(2024, 5, 1, 10, 20), utc(2024, 5, 1, 10, 21)),
        ("2024-05-01T10:20:30", utc(2024, 5, 1, 10, 20, 30), utc(2024, 5, 1, 10, 20, 31)),
        ("2024-05-01T10:20:30Z", utc(2024, 5, 1, 10, 20, 30), utc(2024, 5, 1, 10, 20, 31)),
        ("2024-05-01T00:20:30+02:00", utc(2024, 4, 30, 22, 20, 30), utc(2024, 4, 30, 22, 20, 31)),
        (
            "2024-05-01T10:20:30.5Z",
            utc(2024, 5, 1, 10, 20, 30, 500_000),
            utc(2024, 5, 1, 10, 20, 30, 600_000),
        ),
        (
            "2024-05-01T10:20:30.123456789-01:00",
            utc(2024, 5, 1, 11, 20, 30, 123_456),
            utc(2024, 5, 1, 11, 20, 30, 123_457),
        ),
    ],
)
def test_a_date_is_as_long_as_it_is_precise(text, low, high):
    assert parse_period(text) == (low, high)


def test_a_leap_second_is_the_second_after_the_last():
    assert parse_period("2016-12-31T23:59:60Z") == (utc(2017, 1, 1), utc(2017, 1, 1, 0, 0, 1))


@pytest.mark.parametrize(
    "text", ["9999", "9999-12", "9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"]
)
def test_the_end_of_time_is_the_latest(text):
    assert parse_period(text)[1] == LATEST


@pytest.mark.parametrize("text", ["0001", "0001-01-01", "0001-01-01T00:00:00+14:00"])
def test_the_beginning_of_time_is_the_earliest(text):
    assert parse_period(text)[0] == EARLIEST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "0000",
        "2024-13",
        "2024-02-30",
        "2024-2-3",
        "20240203",
        "2024-01-01T",
        "2024-01-01T10",
        "2024-01-01T25:00:00Z",
        "2024-01-01T10:00:61Z",
        "2024-01-01T10:00:00+0100",
        "2024-01-01T10:00:00+99:00",
        "2024-01-01 10:00:00Z",
        "2024-W05-1T10:00:00Z",
        "2024-01-01T10:00:00.Z",
        "٢٠٢٤",
        " 2024",
    ],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(PeriodError):
        parse_period(text)


def test_an_error_does_not_repeat_the_text():
    with pytest.raises(PeriodError) as caught:
        parse_period("251248-9996")
    assert "251248" not in str(caught.value)


def test_a_period_runs_from_the_start_of_its_start_to_the_end_of_its_end():
    assert of_period({"start": "2024-01", "end": "2024-02"}) == (utc(2024, 1, 1), utc(2024, 3, 1))


def test_an_open_period_has_no_end():
    assert of_period({"start": "2024"}) == (utc(2024, 1, 1), LATEST)


def test_a_period_without_a_start_is_open_there():
    assert of_period({"end": "2024"}) == (EARLIEST, utc(2025, 1, 1))


def test_a_period_that_says_nothing_is_none():
    assert of_period({"extension": []}) is None


def test_a_timing_is_as_long_as_its_outer_limits():
    timing = {
        "event": ["2024-01-05", "2024-01-01"],
        "repeat": {"boundsPeriod": {"start": "2024-01-02", "end": "2024-02"}},
    }
    assert of_timing(timing) == (utc(2024, 1, 1), utc(2024, 3, 1))


def test_a_timing_without_dates_is_none():
    assert of_timing({"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}) is None


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 6))
def test_every_moment_lies_in_its_own_period(moment, digits):
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    text = f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{fraction}Z"
    low, high = parse_period(text)
    assert low <= moment < high or high == LATEST


@given(
    st.datetimes(
        min_value=datetime.fromisoformat("0002-01-01"), max_value=datetime.fromisoformat("9998-01-01")
    ),
    st.integers(-14 * 60, 14 * 60),
)
def test_the_offset_does_not_change_the_moment(moment, minutes):
    shifted = moment + timedelta(minutes=minutes)
    sign, offset = "-" if minutes < 0 else "+", abs(minutes)
    date = f"{shifted.year:04d}-{shifted:%m-%dT%H:%M:%S}"
    low, _ = parse_period(f"{date}{sign}{offset // 60:02d}:{offset % 60:02d}")
    assert low == moment.replace(microsecond=0, tzinfo=UTC)


@given(st.text())
def test_any_text_is_a_date_or_refused(text):
    try:
        low, high = parse_period(text)
    except PeriodError:
        return
    assert low < high
