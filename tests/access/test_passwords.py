"""Passwords and PINs: argon2id as it should be, the same work for nobody, and what may be chosen."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from altid.access import passwords
from altid.access.passwords import PASSWORD_CHARACTERS_MAX, Passwords, is_outdated, is_pin, strength
from tests.access.desks import PASSWORD, hashed


@contextmanager
def pool(threads: int = 1) -> Iterator[Passwords]:
    made = Passwords(threads, random.Random(5))
    try:
        yield made
    finally:
        made.close()


def run(work: Callable[[Passwords], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        with pool() as made:
            return await work(made)

    return asyncio.run(inside())


def test_hashes_have_owasps_parameters() -> None:
    found = extract_parameters(hashed(PASSWORD))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 19_456, 2, 1)
    assert (found.salt_len, found.hash_len) == (16, 32)


def test_the_right_password_is_right_and_another_is_wrong() -> None:
    stored = hashed(PASSWORD)
    assert run(lambda pool: pool.verify(stored, PASSWORD))
    assert not run(lambda pool: pool.verify(stored, PASSWORD + " "))


def test_two_hashes_of_one_password_differ() -> None:
    async def both(pool: Passwords) -> tuple[str, str]:
        return await pool.hash(PASSWORD), await pool.hash(PASSWORD)

    first, second = run(both)
    assert first != second


def test_nobodys_password_is_wrong_even_if_it_is_the_made_up_one() -> None:
    made_up = random.Random(5).randbytes(passwords.SALT_BYTES).hex()
    assert not run(lambda pool: pool.verify(None, made_up))


def test_nobodys_password_costs_as_much_as_somebodys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in work, not in time: the same parameters are verified once in either case."""
    seen: list[Any] = []
    real = passwords._verify

    def watched(stored: str, password: str) -> bool:
        seen.append(extract_parameters(stored))
        return real(stored, password)

    monkeypatch.setattr(passwords, "_verify", watched)
    stored = hashed(PASSWORD)
    run(lambda pool: pool.verify(stored, "wrong password"))
    run(lambda pool: pool.verify(None, "wrong password"))
    assert seen[0] == seen[1]


def test_a_composed_and_a_decomposed_letter_are_the_same() -> None:
    stored = hashed("blåbærgrød i skål")
    assert run(lambda pool: pool.verify(stored, "bla\u030abærgrød i ska\u030al"))


def test_a_stored_text_that_is_no_hash_opens_nothing() -> None:
    assert not run(lambda pool: pool.verify("plain text", "plain text"))


def test_what_is_too_long_is_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hashed(PASSWORD)
    monkeypatch.setattr(passwords, "_verify", lambda *_: pytest.fail("hashed"))
    assert not run(lambda pool: pool.verify(stored, "x" * (PASSWORD_CHARACTERS_MAX + 1)))


def test_a_lone_surrogate_is_wrong_and_no_error() -> None:
    stored = hashed(PASSWORD)
    assert not run(lambda pool: pool.verify(stored, "\ud800" * 12))


def test_a_hash_of_other_parameters_is_outdated() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    assert is_outdated(weak)
    assert not is_outdated(hashed(PASSWORD))


def test_the_hashing_threads_give_way_to_the_loop() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    with pool() as made:
        assert made._pool.submit(niceness).result(5) == min(19, niceness() + passwords._NICENESS)


def test_no_more_threads_hash_than_were_given() -> None:
    async def many(made: Passwords) -> int:
        await asyncio.gather(*(made.verify(None, str(number)) for number in range(6)))
        return len(made._pool._threads)

    assert run(many) == 1


@pytest.mark.parametrize(
    "password", ["kort", "aaaaaaaaaaaaaa", "121212121212", "anne er min bedste ven", "x" * 300]
)
def test_what_is_easy_to_guess_cannot_be_chosen(password: str) -> None:
    refused = strength(password, "anne")
    assert refused is not None
    assert refused.text("da") != refused.text("en")


def test_a_sentence_can_be_chosen() -> None:
    assert strength(PASSWORD, "anne") is None


@pytest.mark.parametrize(
    "pin", ["123456", "111111", "987654", "12345", "1234567890123", "12a456", "", "१२३४५७"]
)
def test_a_pin_that_everybody_would_try_first_cannot_be_chosen(pin: str) -> None:
    assert not is_pin(pin)


@pytest.mark.parametrize("pin", ["190734", "112233", "0000010"])
def test_six_other_digits_can_be_chosen(pin: str) -> None:
    assert is_pin(pin)
