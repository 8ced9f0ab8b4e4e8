"""How long a place has been alone is counted whatever is done to its clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from altid.lookup.entry.contact import DAY_S, KEEP_EVERY_S, Contact


class Texts:
    """As much of a copy as is needed."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def meta(self, name: str) -> str | None:
        return self.kept.get(name)

    def set_meta(self, name: str, value: str) -> None:
        self.kept[name] = value


class Clocks:
    wall_s, running_s = 1_800_000_000.0, 50.0

    def go(self, seconds: float) -> None:
        self.wall_s += seconds
        self.running_s += seconds


def contact(texts: Texts, clocks: Clocks, days: float = 3) -> Contact:
    return Contact(texts, days, lambda: clocks.wall_s, lambda: clocks.running_s)  # type: ignore[arg-type]


def test_it_is_overdue_after_its_days_and_not_before() -> None:
    clocks = Clocks()
    alone = contact(Texts(), clocks)
    clocks.go(3 * DAY_S - 1)
    assert not alone.is_overdue
    clocks.go(2)
    assert alone.is_overdue


def test_a_contact_begins_the_count_anew() -> None:
    clocks = Clocks()
    alone = contact(Texts(), clocks)
    clocks.go(2 * DAY_S)
    alone.touched()
    clocks.go(2 * DAY_S)
    assert not alone.is_overdue


def test_the_time_while_it_was_off_counts() -> None:
    clocks, texts = Clocks(), Texts()
    contact(texts, clocks)
    clocks.wall_s += 4 * DAY_S
    clocks.running_s = 10
    assert contact(texts, clocks).is_overdue


def test_a_clock_set_back_makes_it_no_younger_neither_running_nor_off() -> None:
    clocks, texts = Clocks(), Texts()
    running = contact(texts, clocks)
    clocks.go(2 * DAY_S)
    clocks.wall_s -= 365 * DAY_S
    assert running.silent_s == 2 * DAY_S
    running.keep()
    clocks.running_s = 10
    again = contact(texts, clocks)
    assert again.silent_s == 2 * DAY_S
    clocks.go(1 * DAY_S + 1)
    assert again.is_overdue


def test_a_clock_set_forward_while_it_runs_does_not_lock_it() -> None:
    clocks = Clocks()
    running = contact(Texts(), clocks)
    clocks.wall_s += 365 * DAY_S
    assert not running.is_overdue


STEPS = st.tuples(st.sampled_from(["run", "set", "off"]), st.integers(-100_000, 100_000))


@given(st.lists(STEPS, max_size=30))
def test_it_never_counts_less_than_it_has_run_since_the_last_contact(steps: list[tuple[str, int]]) -> None:
    clocks, texts = Clocks(), Texts()
    alone = contact(texts, clocks)
    ran_s = 0
    for what, seconds in steps:
        if what == "run":
            clocks.go(abs(seconds))
            ran_s += abs(seconds)
            alone.keep()
        elif what == "set":
            clocks.wall_s += seconds
        else:
            clocks.running_s = 5.0
            alone = contact(texts, clocks)
    lost_s = (len(steps) + 1) * (KEEP_EVERY_S + 1)
    assert alone.silent_s >= ran_s - lost_s
