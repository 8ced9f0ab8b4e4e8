"""The chain of refresh tokens, without a database."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from altid.access.refreshing import Chain, Link
from altid.access.secret import AccessSecret
from tests.access.desks import SECRET

SID = "0b8f5a8e-6f4e-4f0e-9d5c-0d9d5a0c7b11"
CHAIN = Chain(SECRET)


def first(seed: int = 1) -> Link:
    return CHAIN.first(SID, random.Random(seed))


def test_a_token_is_read_back_as_it_was_made() -> None:
    assert CHAIN.read(CHAIN.text(first())) == first()


def test_the_next_token_is_the_same_from_every_server() -> None:
    assert Chain(AccessSecret(SECRET.value)).after(first()) == CHAIN.after(first())


def test_the_next_token_needs_the_access_secret() -> None:
    assert Chain(AccessSecret(bytes(32))).after(first()).secret != CHAIN.after(first()).secret


def test_a_token_of_another_region_is_not_read() -> None:
    assert Chain(AccessSecret(bytes(32))).read(CHAIN.text(first())) is None


def test_tokens_of_a_chain_are_all_different() -> None:
    link, seen = first(), set()
    for _ in range(100):
        seen.add(link.secret)
        link = CHAIN.after(link)
    assert len(seen) == 100


@given(st.text(max_size=150))
def test_no_text_is_a_token(text: str) -> None:
    assert CHAIN.read(text) is None


@given(st.data())
def test_no_part_can_be_changed(data: st.DataObject) -> None:
    good = CHAIN.text(first())
    place = data.draw(st.integers(0, len(good) - 1))
    letter = data.draw(st.sampled_from("0123456789abcdefXYZ_-."))
    changed = good[:place] + letter + good[place + 1 :]
    read = CHAIN.read(changed)
    assert read is None or read == first()
