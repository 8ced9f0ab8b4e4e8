"""How old the data are, and when our clock can't be believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.lookup.age import State, Watch
from altid.lookup.bar import age_text, bar_of
from altid.lookup.change import Heartbeat
from altid.lookup.settings import Thresholds
from altid.screen.words import words

T0 = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
LIMITS = Thresholds()


class Clock:
    """The wall clock, which can be set, and the machine's own count of seconds, which can't."""

    def __init__(self) -> None:
        self.at, self.ran_s = T0, 0.0

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.ran_s += seconds

    def watch(self) -> Watch:
        return Watch(lambda: self.at, lambda: self.ran_s)


@pytest.mark.parametrize(
    ("age_s", "state"),
    [(0, "current"), (119, "current"), (120, "late"), (1_799, "late"), (1_800, "old"), (14_400, "very-old")],
)
def test_three_thresholds_part_four_states(age_s: int, state: str) -> None:
    clock = Clock()
    age = clock.watch().age_of(Heartbeat(T0 - timedelta(seconds=age_s), T0), LIMITS)
    assert (age.state, age.age_s) == (State(state), age_s)


def test_a_clock_that_is_set_while_we_run_is_not_believed_until_a_heartbeat_agrees() -> None:
    clock = Clock()
    watch, beat = clock.watch(), Heartbeat(T0, T0)
    clock.passes(60)
    clock.at += timedelta(hours=1)
    assert watch.age_of(beat, LIMITS).state is State.CLOCK
    clock.at -= timedelta(hours=2)
    assert watch.age_of(beat, LIMITS).state is State.CLOCK
    new = Heartbeat(clock.at, clock.at)
    assert watch.age_of(new, LIMITS).state is State.CURRENT
    clock.passes(300)
    assert watch.age_of(new, LIMITS).state is State.LATE


def test_what_was_received_in_the_future_is_told_as_a_wrong_clock() -> None:
    clock = Clock()
    late = Heartbeat(T0 - timedelta(hours=1), T0 + timedelta(hours=1))
    assert clock.watch().age_of(late, LIMITS).state is State.CLOCK


@given(st.integers(0, 40 * 86_400))
def test_an_age_is_never_told_younger_than_its_two_largest_parts(age_s: int) -> None:
    said = age_text(words("da"), age_s)
    units = {"døgn": 86_400, "t": 3_600, "min": 60}
    parts = said.replace("under 1", "0").split()
    told = sum(int(number) * units[unit] for number, unit in zip(parts[::2], parts[1::2], strict=True))
    assert told <= age_s < told + (3_600 if age_s >= 86_400 else 60)


@pytest.mark.parametrize("language", ["da", "en"])
def test_the_bar_is_one_sentence_in_both_languages(language: str) -> None:
    clock = Clock()
    age = clock.watch().age_of(Heartbeat(T0 - timedelta(minutes=17), T0), LIMITS)
    bar = bar_of(words("da" if language == "da" else "en"), age, LIMITS, "B12")
    said = {
        "da": "LÆSEADGANG – data fra 22. november 2026 02:43, 17 min gamle",
        "en": "READ ONLY – data of 22 November 2026 02:43, 17 min old",
    }
    assert bar.sentence.replace("\u00a0", " ") == said[language]
