"""The emergency code of a ward: what is mistyped is told from what is wrong."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.lookup.entry.code import LENGTH, SIGNS, MistypedError, generate, plain

CODES = st.integers(0, 2**64).map(lambda seed: plain(generate(random.Random(seed))))
PLACES = st.integers(0, LENGTH - 1)


@given(CODES)
def test_a_code_is_read_however_it_is_typed(code: str) -> None:
    grouped = "-".join(code[low : low + 4] for low in range(0, LENGTH, 4))
    assert plain(grouped) == plain(grouped.lower()) == plain(f" {grouped.replace('-', ' ')} ") == code


@given(CODES, PLACES, st.sampled_from(SIGNS))
def test_every_single_wrong_sign_is_found(code: str, place: int, sign: str) -> None:
    if code[place] == sign:
        return
    with pytest.raises(MistypedError):
        plain(code[:place] + sign + code[place + 1 :])


@given(CODES, PLACES, PLACES)
def test_every_two_signs_that_changed_places_are_found(code: str, one: int, other: int) -> None:
    signs = list(code)
    signs[one], signs[other] = signs[other], signs[one]
    if "".join(signs) == code:
        return
    with pytest.raises(MistypedError):
        plain("".join(signs))


@given(st.text(max_size=40))
def test_other_texts_are_told_to_be_mistyped_or_are_codes(text: str) -> None:
    with suppress(MistypedError):
        assert len(plain(text)) == LENGTH


def test_no_two_signs_look_alike() -> None:
    assert set("01IOL").isdisjoint(SIGNS)
    assert len(set(SIGNS)) == 31
    assert all(one < other for one, other in pairwise(SIGNS))
