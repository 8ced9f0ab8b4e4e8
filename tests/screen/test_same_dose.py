"""Whether two moments of giving can be those of one dose that was given twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.screen.views.dosage import dosages_of
from altid.screen.views.moments import ZONE
from altid.screen.views.slots import CLOSE, is_same_dose

START = "2026-11-02T06:00:00+01:00"
"""A Monday."""
TWICE = {"timeOfDay": ["08:00:00", "20:00:00"], "frequency": 2, "period": 1, "periodUnit": "d"}
WEEKLY = {"dayOfWeek": ["mon"], "frequency": 1, "period": 1, "periodUnit": "wk"}
MONDAYS_AT_8 = {**WEEKLY, "timeOfDay": ["08:00:00"]}
EVERY_8_HOURS = {"frequency": 1, "period": 8, "periodUnit": "h"}
EVERY_OTHER_DAY = {"timeOfDay": ["08:00:00"], "frequency": 1, "period": 2, "periodUnit": "d"}
ONCE = {"count": 1}
AS_NEEDED = {"asNeededBoolean": True}


def lines(repeat: dict[str, Any], **more: Any) -> Any:
    return dosages_of([{"timing": {"repeat": {"boundsPeriod": {"start": START}, **repeat}}, **more}])


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("repeat", "one", "other", "expected"),
    [
        (TWICE, at(17, 7, 10), at(17, 9, 30), True),
        (TWICE, at(17, 8), at(17, 20), False),
        (TWICE, at(17, 13), at(17, 15), False),
        (TWICE, at(17, 20), at(18, 8), False),
        (TWICE, at(17, 20), at(18, 1), True),
        (MONDAYS_AT_8, at(16, 8), at(17, 8), True),
        (MONDAYS_AT_8, at(16, 8), at(23, 8), False),
        (MONDAYS_AT_8, at(16, 8), at(18, 8), True),
        (WEEKLY, at(16, 8), at(17, 8), True),
        (WEEKLY, at(16, 8), at(23, 8), False),
        (EVERY_8_HOURS, at(17, 8), at(17, 11), True),
        (EVERY_8_HOURS, at(17, 8), at(17, 15), False),
        (EVERY_OTHER_DAY, at(16, 8), at(16, 20), True),
        (EVERY_OTHER_DAY, at(16, 8), at(18, 8), False),
        (ONCE, at(16, 8), at(26, 8), True),
    ],
)
def test_a_dose_counts_for_the_time_that_it_is_nearest_to(
    repeat: dict[str, Any], one: datetime, other: datetime, expected: bool
) -> None:
    assert is_same_dose(lines(repeat), one, other) is expected
    assert is_same_dose(lines(repeat), other, one) is expected


def test_days_of_the_week_are_doses_of_their_own() -> None:
    days = lines({"dayOfWeek": ["mon", "tue"], "frequency": 1, "period": 1, "periodUnit": "wk"})
    assert not is_same_dose(days, at(16, 8, 5), at(17, 8, 10))
    assert is_same_dose(days, at(16, 8, 5), at(16, 11))


def test_what_is_taken_as_needed_is_one_dose_only_within_minutes() -> None:
    needed = lines({}, **AS_NEEDED)
    assert is_same_dose(needed, at(17, 8), at(17, 8, 29))
    assert not is_same_dose(needed, at(17, 8), at(17, 8, 30))


def test_what_is_ordered_in_words_is_one_dose_only_within_minutes() -> None:
    assert is_same_dose((), at(17, 8), at(17, 8, 10))
    assert not is_same_dose((), at(17, 8), at(17, 9))


_MINUTES = st.integers(0, 40 * 24 * 60)
_REPEATS = st.sampled_from([TWICE, MONDAYS_AT_8, WEEKLY, EVERY_8_HOURS, EVERY_OTHER_DAY, ONCE])


@given(_REPEATS, _MINUTES, _MINUTES)
def test_it_does_not_matter_which_was_first(repeat: dict[str, Any], first: int, later: int) -> None:
    one = at(3, 0) + timedelta(minutes=first)
    other = one + timedelta(minutes=later)
    there = is_same_dose(lines(repeat), one, other)
    assert there == is_same_dose(lines(repeat), other, one)
    assert there or other - one >= CLOSE
