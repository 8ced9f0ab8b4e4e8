"""The formats of primitive types (R4 §2.24.0.1)."""

from __future__ import annotations

import base64
import calendar
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.fhir.json import Decimal, loads
from altid.fhir.validation.primitives import CHECKS, INTEGER_MAX, STRING_LENGTH_MAX

GOOD: dict[str, list[Any]] = {
    "base64Binary": ["aGVq", "aGVqIQ==", "aGVq\n aGVq"],
    "boolean": [True, False],
    "canonical": ["http://example.org/ValueSet/a|1.0", "#p1"],
    "code": ["final", "8867-4", "two words", "æøå"],
    "date": ["1905", "2024-02", "2024-02-29", "0001-01-01"],
    "dateTime": ["2015", "2015-02", "2015-02-07", "2015-02-07T13:28:17Z", "2015-02-07T13:28:17.239-05:00"],
    "decimal": [0, -1, 1.5, Decimal("1.00"), Decimal("1e-7")],
    "id": ["1", "a.b-C", "x" * 64],
    "instant": ["2015-02-07T13:28:17.239+02:00", "2016-12-31T23:59:60Z"],
    "integer": [0, -INTEGER_MAX - 1, INTEGER_MAX],
    "markdown": ["# Plan\n\n- et\ttrin"],
    "oid": ["urn:oid:1.2.208.176.1.2"],
    "positiveInt": [1, INTEGER_MAX],
    "string": ["Ærø", "to linjer\r\nmed\ttab", "\u00a0", "👩‍⚕️"],
    "time": ["00:00:00", "23:59:59.999"],
    "unsignedInt": [0, INTEGER_MAX],
    "uri": ["urn:oid:1.2.3", "http://loinc.org", "æ"],
    "url": ["https://example.org/a?b=c#d", "mailto:a@b.dk"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
}

BAD: dict[str, list[Any]] = {
    "base64Binary": ["", " ", "aGV", "aGVq!", "====", 7],
    "boolean": ["true", 0, 1, None],
    "canonical": ["", "a b", 1],
    "code": ["", " final", "final ", "a  b", "a\x00b", 1],
    "date": [
        "",
        "24",
        "2024-2",
        "2021-02-30",
        "2023-02-29",
        "2024-13",
        "2024-00-01",
        "2024-01-32",
        "0000",
        "२०२४",
    ],
    "dateTime": [
        "2015-02-07T13:28",
        "2015-02-07T13:28:17",
        "2015-02-07 13:28:17Z",
        "2015-02-07T24:00:00Z",
        "2015-02-07T13:28:17+15:00",
        "2021-02-30T00:00:00Z",
        "2015-02-07T13:28:17Z\n",
    ],
    "decimal": ["1.0", True, None, []],
    "id": ["", "a b", "x" * 65, "a_b", "a/b", "é", "a\n"],
    "instant": ["2015-02-07", "2015-02-07T13:28:17", "2021-04-31T00:00:00Z"],
    "integer": [INTEGER_MAX + 1, -INTEGER_MAX - 2, 1.5, Decimal("1.0"), True, "1"],
    "markdown": ["", "a\x0bb"],
    "oid": ["1.2.208", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1."],
    "positiveInt": [0, -1, INTEGER_MAX + 1],
    "string": ["", "a\x00b", "a\x1fb", "\ud800", "x" * (STRING_LENGTH_MAX + 1), 7, None],
    "time": ["24:00:00", "9:00:00", "09:00", "09:00:00Z", "09:60:00"],
    "unsignedInt": [-1],
    "uri": ["", "a b", "a\x00", "a\n"],
    "url": ["", "http://a b"],
    "uuid": [
        "c757873d-ec9a-4326-a141-556f43239520",
        "urn:uuid:C757873D-EC9A-4326-A141-556F43239520",
        "urn:uuid:1",
    ],
}


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}-{number}")
        for name, values in table.items()
        for number, value in enumerate(values)
    ]


def is_valid(name: str, value: Any) -> bool:
    return CHECKS[name](value, None) == ()


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_a_good_value_has_no_faults(name: str, value: Any) -> None:
    assert is_valid(name, value)


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_a_bad_value_has_one_fault(name: str, value: Any) -> None:
    assert len(CHECKS[name](value, None)) == 1


def test_every_primitive_type_but_xhtml_has_cases_here() -> None:
    assert GOOD.keys() == BAD.keys() == CHECKS.keys() - {"xhtml"}


def test_a_string_may_be_a_megabyte() -> None:
    assert is_valid("string", "x" * STRING_LENGTH_MAX)


@given(st.dates())
def test_every_day_of_the_calendar_is_a_date(day: date) -> None:
    assert is_valid("date", day.isoformat())


@given(st.integers(1, 9999), st.integers(1, 12))
def test_the_day_after_the_last_of_a_month_is_no_date(year: int, month: int) -> None:
    after = calendar.monthrange(year, month)[1] + 1
    assert not is_valid("date", f"{year:04}-{month:02}-{after:02}")


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=ZONES))
def test_every_moment_is_an_instant_and_a_date_time(moment: datetime) -> None:
    assert is_valid("instant", moment.isoformat())
    assert is_valid("dateTime", moment.isoformat())


@given(st.times())
def test_every_time_of_day_is_a_time(moment: time) -> None:
    assert is_valid("time", moment.isoformat())


@given(st.binary(min_size=1))
def test_every_encoded_body_is_base64(data: bytes) -> None:
    assert is_valid("base64Binary", base64.b64encode(data).decode())


@given(st.integers(-(10**40), 10**40))
def test_an_integer_is_one_of_32_bits(number: int) -> None:
    assert is_valid("integer", loads(str(number).encode())) == (-(2**31) <= number < 2**31)


@given(st.decimals(min_value=-(10**30), max_value=10**30))
def test_every_number_is_a_decimal(number: Any) -> None:
    assert is_valid("decimal", loads(str(number).encode()))


@given(st.text())
def test_a_string_is_valid_exactly_if_it_has_characters_and_no_control_characters(text: str) -> None:
    has_control = any((ord(c) < 32 and c not in "\t\r\n") or 0xD800 <= ord(c) < 0xE000 for c in text)
    assert is_valid("string", text) == (text != "" and not has_control)


@given(
    st.sampled_from(sorted(CHECKS)), st.none() | st.lists(st.none()) | st.dictionaries(st.text(), st.none())
)
def test_no_primitive_is_null_or_an_array_or_an_object(name: str, value: Any) -> None:
    assert not is_valid(name, value)
