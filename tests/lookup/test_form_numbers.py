"""Numbers of paper forms: no two are alike, and a mistake in copying one is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.lookup.copy import Copy
from altid.lookup.paper.numbers import SHEETS_MAX, check_character, give, is_number, number_of, series_of

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NOW = datetime(2026, 11, 22, 2, 43, tzinfo=UTC)
NUMBERS = st.builds(
    number_of,
    st.text(LETTERS, min_size=2, max_size=6),
    st.text(LETTERS, min_size=4, max_size=4),
    st.integers(1, 10**8),
)


def test_the_check_character_is_that_of_the_standard() -> None:
    assert check_character("A12425GABC1234002") == "M"  # the example of ISO/IEC 7064 for MOD 37,36


@given(NUMBERS)
def test_a_number_is_one(number: str) -> None:
    assert is_number(number)


@given(NUMBERS, st.data())
def test_a_wrong_character_is_found(number: str, data: st.DataObject) -> None:
    places = [place for place, character in enumerate(number) if character != "-"]
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from([letter for letter in LETTERS if letter != number[place]]))
    assert not is_number(number[:place] + other + number[place + 1 :])


def test_numbers_go_on_where_they_were_and_a_new_copy_begins_another_series(tmp_path: Path) -> None:
    seen: list[str] = []
    for day, name in enumerate(("one.db", "rebuilt.db")):
        copy = Copy.create(tmp_path / name, bytes(32))
        for _ in range(3):
            with copy.writing() as connection:
                seen += give(connection, "B12", "order", [None, "p"], NOW + timedelta(days=day), "tests")
        copy.close()
    assert len(set(seen)) == len(seen) == 12
    assert [number.split("-")[2] for number in seen[:6]] == [f"{count:04d}" for count in range(1, 7)]


def test_what_failed_gives_no_number_twice(tmp_path: Path) -> None:
    copy = Copy.create(tmp_path / "copy.db", bytes(32))
    with pytest.raises(ValueError, match="at most"), copy.writing() as connection:
        give(connection, "B12", "order", [None] * (SHEETS_MAX + 1), NOW, "tests")
    with copy.writing() as connection:
        assert give(connection, "B12", "order", [None], NOW, "tests")[0].split("-")[2] == "0001"
    copy.close()


def test_a_series_is_ten_minutes_and_lasts_for_decades() -> None:
    assert series_of(NOW) != series_of(NOW + timedelta(minutes=11))
    assert len(series_of(NOW + timedelta(days=365 * 25))) == 4
