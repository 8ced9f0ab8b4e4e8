"""What the record holds is read quickly, and not one digit otherwise than by the exact way."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from altid.fhir.json import JsonError, dumps, loads, loads_stored
from altid.screen.words.numbers import exact_text

NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z")


@given(NUMBERS)
@example("7.40")
@example("-0")
@example("1e16")
@example("0.00001")
@example("12345678901234567890")
def test_a_number_is_read_with_its_digits(number: str) -> None:
    body = b'{"value":' + number.encode() + b"}"
    quick, exact = loads_stored(body), loads(body)
    assert dumps(quick) == dumps(exact) == body
    assert exact_text(quick["value"], ",") == exact_text(exact["value"], ",")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
        ),
    )
)
def test_whatever_was_stored_comes_back(value: object) -> None:
    try:
        body = dumps(value)
    except JsonError:
        return
    assert loads_stored(body) == loads(body)


def test_what_is_no_json_is_said_without_its_content() -> None:
    with pytest.raises(JsonError, match="not valid JSON") as refused:
        loads_stored(b'{"name": "Anna",')
    assert "Anna" not in str(refused.value)
