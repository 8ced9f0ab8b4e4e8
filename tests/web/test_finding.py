"""The search field: names, CPR numbers and dates of birth in any order."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.fhir.search import query
from altid.web.finding import SEARCH_CHARACTERS_MAX, WORDS_MAX, SearchError, find

TODAY = date(2026, 11, 17)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("", []),
        ("  ,; ", []),
        ("jensen", [("name", "jensen")]),
        ("Jensen, Anna", [("name", "Jensen"), ("name", "Anna")]),
        ("120348-5678", [("identifier", "1203485678")]),
        ("1203485678", [("identifier", "1203485678")]),
        ("120348 5678", [("identifier", "1203485678")]),
        ("070683-0vj9", [("identifier", "0706830VJ9")]),
        ("12.03.1948", [("birthdate", "1948-03-12")]),
        ("12/3-1948", [("birthdate", "1948-03-12")]),
        ("1948-03-12", [("birthdate", "1948-03-12")]),
        ("12031948", [("birthdate", "1948-03-12")]),
        ("120348", [("birthdate", "1948-03-12")]),
        ("120310", [("birthdate", "1910-03-12,2010-03-12")]),
        ("1948", [("birthdate", "1948")]),
        ("jensen 1948", [("birthdate", "1948"), ("name", "jensen")]),
        ("anna 12.03.1948 jensen", [("birthdate", "1948-03-12"), ("name", "anna"), ("name", "jensen")]),
        ("32.13.1948", [("name", "32.13.1948")]),
        ("a$b|c\\d", [("name", "a\\$b\\|c\\\\d")]),
        ("Åse-Marie", [("name", "Åse-Marie")]),
    ],
)
def test_what_is_written_is_understood(text: str, conditions: list[tuple[str, str]]) -> None:
    assert sorted(find(text, TODAY)) == sorted(conditions)


def test_a_date_that_has_not_come_is_nobodys_birthday() -> None:
    assert find("18.11.2026", TODAY) == [("name", "18.11.2026")]


@pytest.mark.parametrize("text", ["x" * (SEARCH_CHARACTERS_MAX + 1), "a " * (WORDS_MAX + 1)])
def test_too_much_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(SearchError) as refused:
        find(text, TODAY)
    assert text not in str(refused.value)


@given(st.text(max_size=SEARCH_CHARACTERS_MAX))
def test_whatever_is_written_is_a_search_that_the_record_understands(text: str) -> None:
    try:
        conditions = find(text, TODAY)
    except SearchError:
        return
    assert query.parse("Patient", conditions).unknown == ()
