from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.fhir.ucum import canonical


def in_base_units(value: str, code: str) -> tuple[Decimal, str]:
    unit = canonical(code)
    assert unit is not None
    return unit.value(Decimal(value)), unit.code


@pytest.mark.parametrize(
    ("value", "code", "expected", "base"),
    [
        ("1000", "mg", "1", "g"),
        ("120", "mm[Hg]", "15998640", "g.m-1.s-2"),
        ("60", "/min", "1", "s-1"),
        ("60", "{beats}/min", "1", "s-1"),
        ("4", "10*9/L", "4E12", "m-3"),
        ("22", "kg/m2", "22000", "g.m-2"),
        ("40", "%", "0.4", "1"),
        ("3", "{score}", "3", "1"),
        ("7", "1", "7", "1"),
        ("37", "Cel", "310.15", "K"),
        ("98.6", "[degF]", "310.15", "K"),
        ("1", "[in_i]", "0.0254", "m"),
        ("1", "[lb_av]", "453.59237", "g"),
        ("5", "m[IU]/mL", "5000", "[iU].m-3"),
        ("1", "mL/min/{1.73_m2}", "1.66666666666666666666666666667E-8", "m3.s-1"),
        ("1", "10.uN.s/(cm5.m2)", "100000000", "g.m-6.s-1"),
        ("1", "m+2", "1", "m2"),
        ("1", "10*-3", "0.001", "1"),
        ("1", "((m/s))", "1", "m.s-1"),
    ],
)
def test_a_quantity_has_a_canonical_form(value, code, expected, base):
    assert in_base_units(value, code) == (Decimal(expected), base)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("5.4", "mmol/L"), ("5400", "umol/L")),
        (("1", "h"), ("3600", "s")),
        (("1", "wk"), ("7", "d")),
        (("100", "ug/dL"), ("1", "mg/L")),
        (("1", "U/L"), ("1", "umol/min/L")),
        (("1", "[IU]"), ("1", "[iU]")),
        (("20", "[drp]"), ("1", "ml")),
    ],
)
def test_the_same_quantity_in_another_unit_has_the_same_canonical_form(one, other):
    assert in_base_units(*one) == in_base_units(*other)


def test_an_arbitrary_unit_is_comparable_only_with_itself():
    assert canonical("[arb'U]/L").code != canonical("[iU]/L").code


@pytest.mark.parametrize(
    "code",
    ["", "/", "m/", "m..s", "//m", "m(s)", "(m", "m)", "mg/(", "foo", "[foo]", "µg", "m²", "m^2", "k", "L/0"],
)
def test_an_unknown_unit_has_no_canonical_form(code):
    assert canonical(code) is None


@pytest.mark.parametrize("code", ["[pH]", "dB", "B[SPL]", "%[slope]", "mCel", "K/Cel"])
def test_a_unit_on_a_scale_of_its_own_has_no_canonical_form(code):
    assert canonical(code) is None


def test_a_unit_nested_without_end_is_refused():
    assert canonical("(" * 40 + "m" + ")" * 40) is None


@given(st.text(alphabet="mgLs[]{}()./*^0123456789-+%'kHz"))
def test_any_text_is_a_unit_or_none(text):
    unit = canonical(text)
    assert unit is None or unit.value(Decimal(1)).is_finite()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-1000, max_value=1000))
def test_order_is_kept_in_base_units(value):
    unit = canonical("[degF]")
    assert unit.value(value) < unit.value(value + Decimal("0.00001"))
