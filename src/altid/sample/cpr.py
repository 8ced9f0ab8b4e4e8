"""CPR numbers that nobody has.

A CPR number is `DDMMYY` and four digits, of which the first, together with the year, tells the century: with
5, 6, 7 or 8 the years 00 to 57 mean 2000 to 2057 (CPR-kontoret, "Personnummeret i CPR"). The numbers made
here always have a year from 37 to 57 and 5 to 8 in the seventh place. They would belong to people born from
2037 to 2057, so no living or dead person has one, and software that guards against mistakes can know them by
that.

Why not another way:
- A day with 60 added, as CPR-kontoret advises for replacement numbers, can never become real, but it is not a
  date, so dk-core (`dk-core-cpr-identifier`, constraint `cpr`) and most systems that check the form refuse
  it; hospitals have also given such numbers to real patients who had none.
- Published test numbers are few, belong to their owners, and MedCom warns that one may be given to a person.

Day and month are the person's birthday and the last digit fits the sex (odd: male), so that a banner looks
right; the year is right for those born from 1937 to 1957 and otherwise shows that the number is made up.
Numbers need not satisfy modulus 11 (since 1 October 2007 real ones need not either).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

Sex = Literal["male", "female"]

CPR_SYSTEM = "urn:oid:1.2.208.176.1.2"

_DAYS = 365
_SERIALS_PER_SEX = 2_000
"""Seventh digit 5 to 8, two free digits, and a last digit of five odd or five even ones: 4 x 100 x 5."""

PATIENTS_MAX = _DAYS * _SERIALS_PER_SEX
"""People in one region; with more, two could share a number (the year is not free, so it is not counted)."""

_STEP = 451_163
"""Has no factor in common with `PATIENTS_MAX`, so that stepping by it visits every slot once."""

_YEAR_FIRST, _YEAR_LAST = 1937, 1957


def _slot(index: int) -> int:
    return index * _STEP % PATIENTS_MAX


def birthday(index: int, year: int) -> date:
    """Day and month of birth of patient `index` (never 29 February) in that year."""
    day = date(2001, 1, 1) + timedelta(days=_slot(index) % _DAYS)
    return date(year, day.month, day.day)


def cpr(index: int, born: date, sex: Sex) -> str:
    """The number of patient `index`, ten digits; different for each index below `PATIENTS_MAX`."""
    serial = _slot(index) // _DAYS
    century, rest = divmod(serial, _SERIALS_PER_SEX // 4)
    middle, last = divmod(rest, 5)
    last_digit = 2 * last + (sex == "male")
    return f"{born:%d%m}{_year(born.year):02d}{5 + century}{middle:02d}{last_digit}"


def _year(born: int) -> int:
    """Two digits from 37 to 57: the year of birth where that is one of them."""
    span = _YEAR_LAST - _YEAR_FIRST + 1
    return (_YEAR_FIRST + (born - _YEAR_FIRST) % span) % 100
