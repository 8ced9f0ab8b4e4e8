"""When a dose is due: from the schedule of the order, and from when the drug was last given."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.screen.views.dosage import dosages_of
from altid.screen.views.due import due_of
from altid.screen.views.medication import medications_of
from altid.screen.views.moments import ZONE, moment_of
from altid.screen.views.slots import LATE, next_slot
from tests.screen.charts import NOW, chart

NOON = datetime(2026, 11, 17, 12, 0, tzinfo=ZONE)
FOUR_TIMES = {
    "timeOfDay": ["06:00:00", "12:00:00", "18:00:00", "00:00:00"],
    "frequency": 4,
    "period": 1,
    "periodUnit": "d",
}


def lines(repeat: dict[str, Any], start: str = "2026-11-10T08:00:00+01:00", **more: Any) -> Any:
    return dosages_of([{"timing": {"repeat": {"boundsPeriod": {"start": start}, **repeat}}, **more}])


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (at(17, 6, 10), at(17, 9), at(17, 12)),
        (at(17, 5, 40), at(17, 9), at(17, 12)),
        (at(17, 0, 5), at(17, 9), at(17, 6)),
        (at(17, 11, 30), at(17, 11, 45), at(17, 18)),
        (at(10, 6), at(17, 9), at(16, 12)),
        (None, at(17, 9), at(17, 12)),
    ],
    ids=["given", "given early", "missed", "early and due now", "long ago", "never noted"],
)
def test_a_dose_counts_for_the_time_that_it_was_given_nearest_to(
    last: datetime | None, now: datetime, due: datetime
) -> None:
    slot = next_slot(lines(FOUR_TIMES), last, now)
    assert slot is not None
    assert slot.at.at == due
    assert slot.is_overdue == (due + LATE < now)
    assert not slot.is_about


def test_a_part_of_the_day_is_about_then() -> None:
    slot = next_slot(lines({"when": ["MORN", "EVE"]}), at(17, 8, 20), at(17, 9))
    assert slot is not None
    assert (slot.at.at, slot.is_about) == (at(17, 18), True)


def test_a_rate_counts_from_the_last_dose() -> None:
    every = {"frequency": 1, "period": 6, "periodUnit": "h"}
    slot = next_slot(lines(every), at(17, 4), NOON)
    assert slot is not None
    assert (slot.at.at, slot.is_overdue) == (at(17, 10), True)
    assert next_slot(lines(every), None, NOON) is None


@pytest.mark.parametrize(
    ("repeat", "due"),
    [
        ({"when": ["MORN"], "dayOfWeek": ["fri"]}, at(20, 8)),
        ({"when": ["MORN"], "period": 3, "periodUnit": "d", "frequency": 1}, at(19, 8)),
    ],
)
def test_a_dose_may_be_days_ahead(repeat: dict[str, Any], due: datetime) -> None:
    slot = next_slot(lines(repeat), None, NOON)
    assert slot is not None
    assert slot.at.at == due


@pytest.mark.parametrize(
    ("repeat", "last", "now", "due"),
    [
        ({"timeOfDay": ["08:00:00"], "frequency": 1, "period": 3, "periodUnit": "d"}, 10, 13, at(13, 8)),
        ({"when": ["MORN"], "dayOfWeek": ["mon"]}, 9, 13, at(16, 8)),
        ({"when": ["MORN"], "dayOfWeek": ["mon"]}, 9, 17, at(16, 8)),
    ],
    ids=["every third day", "weekly", "weekly, missed yesterday"],
)
def test_a_dose_of_days_ago_counts_for_its_own_time(
    repeat: dict[str, Any], last: int, now: int, due: datetime
) -> None:
    slot = next_slot(lines(repeat, "2026-11-07"), at(last, 8, 5), at(now, 7))
    assert slot is not None
    assert slot.at.at == due


def test_what_is_given_on_days_of_the_week_is_due_on_those_days() -> None:
    days = {"dayOfWeek": ["mon", "tue"], "frequency": 1, "period": 1, "periodUnit": "wk"}
    slot = next_slot(lines(days), at(16, 8, 5), at(16, 12))
    assert slot is not None
    assert (slot.at.at, slot.is_about) == (at(17, 8), True)
    later = next_slot(lines(days), at(17, 8, 5), at(17, 12))
    assert later is not None
    assert later.at.at == at(23, 8)


def test_what_was_missed_for_days_is_late_since_yesterday() -> None:
    three = {"frequency": 3, "period": 1, "periodUnit": "d"}
    slot = next_slot(lines(three), at(12, 8), NOON)
    assert slot is not None
    assert (slot.at.at, slot.is_overdue) == (at(16, 12), True)


def test_nothing_is_due_as_needed_nor_after_the_end_nor_in_words_alone() -> None:
    ended = {"when": ["MORN"], "boundsPeriod": {"end": "2026-11-16"}}
    assert next_slot(dosages_of([{"timing": {"repeat": ended}}]), None, NOON) is None
    assert next_slot(lines(FOUR_TIMES, asNeededBoolean=True), None, NOON) is None
    assert next_slot(dosages_of([{"text": "som aftalt"}]), at(17, 6), NOON) is None


def test_a_first_dose_that_was_not_given_is_missed() -> None:
    slot = next_slot(lines({"when": ["MORN"]}, start="2026-11-17T07:00:00+01:00"), None, NOON)
    assert slot is not None
    assert (slot.at.at, slot.is_overdue) == (at(17, 8), True)


@given(
    st.lists(st.sampled_from(["06:00:00", "08:00:00", "12:30:00", "22:00:00"]), min_size=1, unique=True),
    st.integers(0, 60 * 48),
    st.integers(0, 60 * 24),
)
def test_the_next_dose_is_always_after_the_last(times: list[str], ago_min: int, hour_min: int) -> None:
    now = NOON + timedelta(minutes=hour_min)
    last = now - timedelta(minutes=ago_min)
    slot = next_slot(lines({"timeOfDay": times}), last, now)
    assert slot is not None
    nearest = 12 * 60
    assert slot.at.at > last - timedelta(minutes=nearest)
    assert slot.at.at > now - timedelta(days=1)


def order(identity: str, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": identity,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": identity},
        "dosageInstruction": [{"timing": {"repeat": {"when": ["MORN", "EVE"]}}}],
        **elements,
    }


def given_at(identity: str, when: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "request": {"reference": f"MedicationRequest/{identity}"},
        "effectiveDateTime": when,
    }


def test_the_doses_to_come_are_told_soonest_first() -> None:
    found = due_of(
        chart(
            order("a"),
            order("b", dosageInstruction=[{"timing": {"repeat": {"timeOfDay": ["12:00:00"]}}}]),
            order("paused", status="on-hold"),
            order("forbidden", doNotPerform=True),
            given_at("a", "2026-11-17T08:05:00+01:00"),
        )
    )
    assert [(one.drug.product, one.at.at) for one in found] == [("b", at(17, 12)), ("a", at(17, 18))]
    assert found[1].last is not None


def test_where_doses_could_not_be_read_nothing_looks_overdue() -> None:
    read = chart(order("a"), unread=("MedicationAdministration",))
    assert due_of(read) == ()
    assert medications_of(read).current_count == 1
    assert NOW.tzinfo is not None


TAPER = [
    {"sequence": number, "timing": {"repeat": {"when": ["MORN"], **bounds}}, "text": str(number)}
    for number, bounds in enumerate(
        ({"boundsDuration": {"value": 7, "code": "d"}}, {"boundsDuration": {"value": 1, "code": "wk"}}, {}), 1
    )
]


@pytest.mark.parametrize(
    ("now", "step", "due"),
    [
        (at(15, 12), 1, at(16, 8)),
        (at(16, 12), 2, at(17, 8)),
        (at(23, 7), 2, at(23, 8)),
        (at(23, 12), 3, at(24, 8)),
    ],
)
def test_of_a_tapered_drug_the_step_whose_days_they_are_is_due(
    now: datetime, step: int, due: datetime
) -> None:
    placed = dosages_of(TAPER, moment_of("2026-11-10"))
    slots = [(slot.at.at, line.written) for line in placed if (slot := next_slot([line], None, now))]
    assert min(slots) == (due, str(step))


def test_steps_of_an_order_without_a_beginning_have_no_days_of_their_own() -> None:
    assert [line.start for line in dosages_of(TAPER)] == [None, None, None]
