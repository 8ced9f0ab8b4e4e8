"""Intents and their outcomes as a journal keeps them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.journal.sealed import RECORD_BYTES_MAX
from altid.orders.intent import (
    CONTENT_BYTES_MAX,
    Action,
    End,
    Entry,
    Held,
    Intent,
    Outcome,
    decode,
    encode,
    open_intents,
)

INTENT = Intent(
    1_800_000_000_000_000,
    "key-1",
    "00000000-0000-4000-8000-000000000001",
    Action.SIGN,
    "MedicationRequest",
    "m-1",
    0,
    "p-1",
    "ward",
    "a-1",
    "Anne Holm",
    '{"resourceType":"MedicationRequest"}',
)
TEXTS = st.text(max_size=40)
ENTRIES = st.one_of(
    st.builds(Intent, st.integers(0, 2**53), TEXTS, TEXTS, st.sampled_from(Action), *[TEXTS] * 2,
              st.none() | st.integers(0, 99), *[TEXTS] * 5, st.integers(1, 200)),
    st.builds(Outcome, st.integers(0, 2**53), st.integers(1, 99), st.sampled_from(End),
              st.none() | st.integers(1, 9)),
    st.builds(Held, st.integers(0, 2**53), TEXTS, TEXTS, st.tuples(TEXTS), st.tuples(TEXTS)),
)  # fmt: skip


@given(ENTRIES)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


def test_the_longest_order_fits_into_a_record_however_little_it_compresses() -> None:
    dice = random.Random(1)
    letters = "".join(chr(dice.randrange(0x4E00, 0x9FFF)) for _ in range(CONTENT_BYTES_MAX // 3))
    assert len(encode(replace(INTENT, content=letters))) < RECORD_BYTES_MAX - 1024
    quotes = "".join(dice.choice('"\\\n') for _ in range(CONTENT_BYTES_MAX))
    assert len(encode(replace(INTENT, content=quotes))) < RECORD_BYTES_MAX - 1024


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 40])
def test_what_was_never_encoded_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="intent journal"):
        decode(body)


@given(st.lists(st.booleans(), max_size=30))
def test_an_intent_is_open_until_its_own_outcome(settled: list[bool]) -> None:
    """Also where the same key stands several times."""
    intents = [(n, replace(INTENT, at_us=n)) for n in range(1, len(settled) + 1)]
    outcomes = [
        (1000 + n, Outcome(0, n, End.REGISTERED)) for n, is_settled in enumerate(settled, 1) if is_settled
    ]
    left = open_intents([*intents, *outcomes])
    assert list(left) == [n for n, is_settled in enumerate(settled, 1) if not is_settled]
