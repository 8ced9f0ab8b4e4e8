"""Guessing is slowed; a ward never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access import throttle
from altid.access.throttle import ACCOUNT, ADDRESS, PAIR, Throttle
from tests.access.desks import Hands

WARD_ADDRESS, FAR = "10.1.2.3", "203.0.113.9"


def fail(door: Throttle, times: int, account: str = "anne", address: str = WARD_ADDRESS) -> None:
    for _ in range(times):
        door.failed(account, address)


def test_a_few_wrong_tries_cost_nothing() -> None:
    door = Throttle(Hands())
    fail(door, 3)
    assert door.pause("anne", WARD_ADDRESS).refuse_s == 0


def test_then_each_costs_twice_as_much_up_to_a_limit() -> None:
    door = Throttle(Hands())
    fail(door, 3)
    pauses = []
    for _ in range(9):
        fail(door, 1)
        pauses.append(door.pause("anne", WARD_ADDRESS).refuse_s)
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == PAIR.pause_s_max


def test_the_pause_passes() -> None:
    clock = Hands()
    door = Throttle(clock)
    fail(door, 5)
    clock.forward(2)
    assert door.pause("anne", WARD_ADDRESS).refuse_s == 0


def test_wrong_tries_are_forgotten_one_a_minute() -> None:
    clock = Hands()
    door = Throttle(clock)
    fail(door, 6)
    clock.forward(6 * PAIR.leak_s)
    fail(door, 3)
    assert door.pause("anne", WARD_ADDRESS).refuse_s == 0


def test_the_right_password_makes_ones_own_wrong_tries_forgotten() -> None:
    door = Throttle(Hands())
    fail(door, 6)
    door.succeeded("anne", WARD_ADDRESS)
    fail(door, 3)
    assert door.pause("anne", WARD_ADDRESS).refuse_s == 0


def test_an_account_is_guessed_slowly_also_from_many_addresses() -> None:
    door = Throttle(Hands())
    for number in range(40):
        door.failed("anne", f"203.0.113.{number}")
    assert door.pause("anne", "198.51.100.1").refuse_s == ACCOUNT.pause_s_max


def test_guessing_from_far_away_does_not_keep_the_owner_out() -> None:
    door = Throttle(Hands())
    door.succeeded("anne", WARD_ADDRESS)
    for number in range(1_000):
        door.failed("anne", f"203.0.113.{number % 250}")
    assert door.pause("anne", WARD_ADDRESS).refuse_s == 0


def test_an_address_that_tries_many_accounts_is_slowed() -> None:
    door = Throttle(Hands())
    for number in range(150):
        door.failed(f"user{number}", FAR)
    assert door.pause("anne", FAR).hold_s == ADDRESS.pause_s_max


def test_who_has_logged_on_from_an_address_is_not_slowed_by_others_there() -> None:
    door = Throttle(Hands())
    door.succeeded("anne", WARD_ADDRESS)
    for number in range(1_000):
        door.failed(f"user{number}", WARD_ADDRESS)
    pause = door.pause("anne", WARD_ADDRESS)
    assert (pause.refuse_s, pause.hold_s) == (0, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["bo", "carl", "dorte", "root", "admin"]),
            st.sampled_from([WARD_ADDRESS, FAR]),
            st.booleans(),
            st.floats(0, 30),
        ),
        max_size=300,
    )
)
def test_nobody_is_locked_out_by_the_tries_of_others(tries: list[tuple[str, str, bool, float]]) -> None:
    """Whatever others do from the same address: one is held for two seconds at most, and never refused."""
    clock = Hands()
    door = Throttle(clock)
    for account, address, is_right, pause_s in tries:
        (door.succeeded if is_right else door.failed)(account, address)
        clock.forward(pause_s)
        pause = door.pause("anne", WARD_ADDRESS)
        assert pause.refuse_s == 0
        assert pause.hold_s <= ADDRESS.pause_s_max


@given(st.lists(st.floats(0, 200), max_size=60))
def test_ones_own_wrong_tries_never_cost_more_than_a_minute(pauses: list[float]) -> None:
    clock = Hands()
    door = Throttle(clock)
    for pause_s in pauses:
        door.failed("anne", WARD_ADDRESS)
        assert 0 <= door.pause("anne", WARD_ADDRESS).refuse_s <= PAIR.pause_s_max
        clock.forward(pause_s)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "ENTRIES_MAX", 10)
    door = Throttle(Hands())
    for number in range(100):
        door.failed(f"user{number}", f"address{number}")
        door.succeeded(f"user{number}", f"address{number}")
    assert door.entries == 10
