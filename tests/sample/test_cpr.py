from __future__ import annotations

import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from altid.sample.cpr import PATIENTS_MAX, Sex, birthday, cpr

_DK_CORE_FORM = re.compile(
    "((((0[1-9]|1[0-9]|2[0-9]|3[0-1])(01|03|05|07|08|10|12))|((0[1-9]|1[0-9]|2[0-9]|30)(04|06|09|11))"
    "|((0[1-9]|1[0-9]|2[0-9])(02)))[0-9]{6})"
)
"""The constraint `cpr` of dk-core-cpr-identifier."""

_indexes = st.integers(0, PATIENTS_MAX - 1)
_years = st.integers(1900, 2036)
_sexes: st.SearchStrategy[Sex] = st.sampled_from(("male", "female"))


@given(_indexes, _years, _sexes)
def test_dk_core_accepts_the_form(index: int, year: int, sex: Sex) -> None:
    assert _DK_CORE_FORM.fullmatch(cpr(index, birthday(index, year), sex))


@given(_indexes, _years, _sexes)
def test_nobody_living_can_have_the_number(index: int, year: int, sex: Sex) -> None:
    number = cpr(index, birthday(index, year), sex)
    assert 2037 <= _year_of_birth(number) <= 2057


def _year_of_birth(number: str) -> int:
    """As the seventh digit tells it (CPR-kontoret, "Personnummeret i CPR")."""
    year, seventh = int(number[4:6]), int(number[6])
    if seventh <= 3:
        return 1900 + year
    if seventh in (4, 9):
        return 2000 + year if year <= 36 else 1900 + year
    return 2000 + year if year <= 57 else 1800 + year


@given(_indexes, _indexes, _years, _sexes)
def test_two_patients_never_share_a_number(one: int, other: int, year: int, sex: Sex) -> None:
    if one != other:
        assert cpr(one, birthday(one, year), sex) != cpr(other, birthday(other, year), sex)


def test_twenty_thousand_patients_have_twenty_thousand_numbers() -> None:
    assert len({cpr(index, birthday(index, 1950), "male") for index in range(20_000)}) == 20_000


@given(_indexes, st.integers(1937, 1957), _sexes)
def test_the_number_begins_with_the_birthday_where_it_can(index: int, year: int, sex: Sex) -> None:
    born = birthday(index, year)
    assert cpr(index, born, sex).startswith(f"{born:%d%m%y}")


def test_the_last_digit_is_odd_for_men_and_even_for_women() -> None:
    born = birthday(17, 1950)
    assert int(cpr(17, born, "male")) % 2 == 1
    assert int(cpr(17, born, "female")) % 2 == 0


def test_nobody_is_born_on_the_29th_of_february() -> None:
    assert date(1952, 2, 29) not in {birthday(index, 1952) for index in range(365)}
