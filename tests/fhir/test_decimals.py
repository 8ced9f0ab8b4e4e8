from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.fhir import json
from altid.fhir.decimals import SCALE_MAX, NumberError, implied_range, of_json, of_text


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", "99.5", "100.5"),
        ("1.00", "0.995", "1.005"),
        ("1e2", "50", "150"),
        ("-5", "-5.5", "-4.5"),
        ("0", "-0.5", "0.5"),
        ("5.40e-3", "0.005395", "0.005405"),
    ],
)
def test_the_last_digit_says_how_precise_a_number_is(text, low, high):
    assert implied_range(of_text(text)) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize(
    "text", ["", "five", "1,5", "1.", ".5", "--1", "0x1", "1e", "NaN", "Infinity", "1e999", "٣", "1" * 101]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(NumberError):
        of_text(text)


def test_a_json_number_keeps_its_digits():
    assert str(of_json(json.loads(b"72.50"))) == "72.50"


def test_a_large_whole_number_is_exact():
    assert of_json(json.loads(b"9007199254740993")) == Decimal(9007199254740993)


def test_digits_too_fine_to_store_are_rounded():
    assert of_json(json.loads(b"1e-9999")) == 0


def test_stored_digits_have_a_limit():
    number = of_json(json.loads(b"0." + b"3" * 398))
    assert -number.as_tuple().exponent <= SCALE_MAX


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_a_number_lies_in_its_own_range(number):
    low, high = implied_range(of_text(f"{number:f}"))
    assert low < number < high


@given(st.text())
def test_any_text_is_a_number_or_refused(text):
    try:
        low, high = implied_range(of_text(text))
    except NumberError:
        return
    assert low < high
