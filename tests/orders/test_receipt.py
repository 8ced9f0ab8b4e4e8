"""Receipts as data: keys, ids, words, and which sites are named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.hl7.word import Word
from altid.orders import receipt
from altid.orders.receipt import Detail, Receipt
from altid.record.write import Written

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(KEYS, st.binary(max_size=50), st.binary(max_size=50))
def test_a_keys_identity_and_id_do_not_depend_on_the_content(key: str, one: bytes, other: bytes) -> None:
    first, second = receipt.write_key(key, one), receipt.write_key(key, other)
    assert first.value.bytes[:10] == second.value.bytes[:10] == receipt.identity_of(key)
    assert (first == second) == (one == other)


@given(KEYS, KEYS)
def test_two_keys_make_two_orders(one: str, other: str) -> None:
    assert (receipt.order_id(one) == receipt.order_id(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "good"), [("k", True), ("", False), ("a b", False), ("æ", False), ("x" * 201, False)]
)
def test_a_key_has_no_spaces_and_an_end(text: str, good: bool) -> None:
    assert receipt.is_key(text) is good


@pytest.mark.parametrize(
    ("safety", "leader", "sites", "named"),
    [
        ("two-sites", "A", ("A", "B"), ("A", "B")),
        ("one-site", "B", ("A", "B"), ("B",)),
        ("one-site", None, ("A", "B"), ()),
        (None, None, ("A",), ("A",)),
    ],
)
def test_only_sites_that_certainly_hold_it_are_named(
    safety: object, leader: str | None, sites: tuple[str, ...], named: tuple[str, ...]
) -> None:
    written = Written("created", 1, NOON, 7, (1 << 32) + 0xAB, safety, leader)  # type: ignore[arg-type]
    made = receipt.receipt_of("k", "MedicationRequest/1", written, sites)
    assert (made.sites, made.position, made.word) == (named, "1/AB", Word.OK)


def test_a_receipt_in_json_has_its_members_in_camel_case_and_what_is_unknown_as_null() -> None:
    refused = Receipt("k", Word.FATAL_ERROR, detail=Detail("Nej.", "No."), as_of=NOON)
    assert refused.json == {
        "key": "k",
        "word": "fatal-error",
        "order": None,
        "version": None,
        "time": None,
        "sites": [],
        "durability": None,
        "position": None,
        "detail": {"da": "Nej.", "en": "No."},
        "asOf": "2026-03-01T12:00:00.000Z",
    }
