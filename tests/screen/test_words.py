"""What the pages say: in both languages, and as clinicians read numbers and times."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.fhir.definitions import value_set
from altid.fhir.json import Decimal
from altid.screen.views.identity import identity_of
from altid.screen.views.moments import Precision, moment_of
from altid.screen.views.values import Quantity, Ratio, Span
from altid.screen.words import LANGUAGES, words
from altid.screen.words.catalogue import CATALOGUE
from altid.screen.words.codes import CODES
from tests.screen.rooms import MODULES, TEMPLATES

DA, EN = words("da"), words("en")

VALUE_SETS = {
    "sex": "administrative-gender",
    "severity": "reaction-event-severity",
    "criticality": "allergy-intolerance-criticality",
    "allergy-kind": "allergy-intolerance-type",
    "encounter-status": "encounter-status",
    "medication-status": "medicationrequest-status",
    "administration-status": "medication-admin-status",
    "event": "event-timing",
    "weekday": "days-of-week",
    "observation-status": "observation-status",
    "condition-status": "condition-clinical",
    "priority": "request-priority",
}
NEVER_SHOWN = {
    "encounter-status.entered-in-error",
    "medication-status.entered-in-error",
    "administration-status.entered-in-error",
    "observation-status.entered-in-error",
    "observation-status.cancelled",
}


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_is_there_in_both_languages(key: str) -> None:
    texts = CATALOGUE[key]
    assert len(texts) == len(LANGUAGES)
    assert all(text.strip() for text in texts)


@pytest.mark.parametrize("key", CATALOGUE)
def test_both_languages_have_the_same_places_to_fill(key: str) -> None:
    danish, english = (set(re.findall(r"{(\w+)}", text)) for text in CATALOGUE[key])
    assert danish == english


def asked_keys() -> set[str]:
    """Keys written out in templates and modules; what ends in a dot or a dash is put together there."""
    sources = [path.read_text() for path in TEMPLATES + MODULES if "catalogue" not in path.name]
    call = re.compile(r"""\b(?:t|text|counted|code)\(\s*f?['"]([a-z][\w.\-{}]*)['"]""")
    return {key for source in sources for key in call.findall(source)}


def test_every_text_that_is_asked_for_exists() -> None:
    whole = {key for key in asked_keys() if "." in key and not key.endswith((".", "-")) and "{" not in key}
    plural = {key for key in whole if f"{key}.many" in CATALOGUE}
    assert whole - plural - CATALOGUE.keys() == set()


def test_every_text_is_asked_for() -> None:
    literals = " ".join(path.read_text() for path in TEMPLATES + MODULES if "catalogue" not in path.name)
    unused = {
        key
        for key in CATALOGUE.keys() - CODES.keys()
        if not any(start in literals for start in beginnings(key))
    }
    assert unused == set()


def beginnings(key: str) -> list[str]:
    """The key as it stands in the sources: whole, without its last part, or with it put in."""
    head, _, _ = key.rpartition(".")
    first, _, _ = key.partition(".")
    return [
        f"'{first}.' ~",
        f"'{key}'",
        f'"{key}"',
        f"'{head}'",
        f'"{head}"',
        f"'{head}.'",
        f'"{head}.',
        f'f"{head}.{{',
        f"{head}.{{",
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_words_of_its_own(path: Path) -> None:
    bare = re.sub(r"{#.*?#}|{{.*?}}|{%.*?%}|<[^>]*>", " ", path.read_text(), flags=re.DOTALL)
    assert set(re.findall(r"[^\W\d_]{2,}", bare)) <= {"Altid"}


@pytest.mark.parametrize(("group", "name"), VALUE_SETS.items())
def test_every_code_that_can_be_shown_has_a_word(group: str, name: str) -> None:
    listed = value_set(f"http://hl7.org/fhir/ValueSet/{name}")
    assert listed is not None
    keys = {f"{group}.{code}" for codes in listed.values() for code in codes} - NEVER_SHOWN
    assert keys - CATALOGUE.keys() == set()


def test_a_code_without_a_word_is_shown_itself() -> None:
    assert DA.code("encounter-class", "XYZ") == "XYZ"


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        DA.text("no.such.key")


@pytest.mark.parametrize(
    ("written", "danish", "english"),
    [
        ("7.40", "7,40", "7.40"),
        ("0.5", "0,5", "0.5"),
        ("-2.1", "\u22122,1", "\u22122.1"),
        ("1000", "1\u202f000", "1\u202f000"),
        ("1234567.5", "1\u202f234\u202f567,5", "1\u202f234\u202f567.5"),
        ("1E3", "1\u202f000", "1\u202f000"),
        ("167.77334700962666", "167,8", "167.8"),
        ("0.000123456789", "0,0001235", "0.0001235"),
        ("123456.7891234", "123\u202f457", "123\u202f457"),
    ],
)
def test_a_measured_number_keeps_its_digits(written: str, danish: str, english: str) -> None:
    assert (DA.number(Decimal(written)), EN.number(Decimal(written))) == (danish, english)


@pytest.mark.parametrize(
    ("quantity", "danish"),
    [
        (Quantity(Decimal("1.0"), "mg", "", "mg"), "1\u00a0mg"),
        (Quantity(Decimal("0.50"), "mg", "", "mg"), "0,5\u00a0mg"),
        (Quantity(50, "µg", "", "ug"), "50\u00a0mikrogram"),
        (Quantity(50, "mcg"), "50\u00a0mikrogram"),
        (Quantity(18, "U", "", "[iU]"), "18\u00a0IE"),
        (Quantity(1000, "mg", "", "mg"), "1\u202f000\u00a0mg"),
        (Quantity(1), "1\u00a0(enhed ikke oplyst)"),
    ],
)
def test_a_dose_cannot_be_misread(quantity: Quantity, danish: str) -> None:
    assert DA.dose(quantity) == danish


def test_a_rate_is_said_per_unit() -> None:
    rate = Ratio(Quantity(125, "mL", "", "mL"), Quantity(1, "h", "", "h"))
    assert DA.dose(rate) == "125\u00a0mL pr. time"


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        (Span(Quantity(Decimal("3.5")), Quantity(Decimal("4.4"))), "3,5–4,4"),
        (Span(None, Quantity(8)), "≤\u00a08"),
        (Span(Quantity(60), None), "≥\u00a060"),
    ],
)
def test_a_reference_interval_may_be_open(interval: Span, said: str) -> None:
    assert DA.interval(interval) == said


@pytest.mark.parametrize(
    ("text", "danish", "english"),
    [
        ("2026-11-17T07:05:00+01:00", "17.\u00a0nov\u00a02026 07:05", "17\u00a0Nov\u00a02026 07:05"),
        ("2026-07-01T22:30:00Z", "2.\u00a0jul\u00a02026 00:30", "2\u00a0Jul\u00a02026 00:30"),
        ("2026-05-02", "2.\u00a0maj\u00a02026", "2\u00a0May\u00a02026"),
        ("2026-05", "maj\u00a02026", "May\u00a02026"),
        ("2026", "2026", "2026"),
    ],
)
def test_a_time_is_said_as_exactly_as_it_is_known_on_the_danish_clock(
    text: str, danish: str, english: str
) -> None:
    moment = moment_of(text)
    assert (DA.moment(moment), EN.moment(moment)) == (danish, english)


def test_a_missing_time_is_said_to_be_missing() -> None:
    assert DA.moment(None) == "ikke oplyst"


@pytest.mark.parametrize(
    "text", ["", "17.11.2026", "2026-13-01", "2026-02-30", "2026-11-17T25:00:00Z", 5, None]
)
def test_what_is_no_time_is_none(text: object) -> None:
    assert moment_of(text) is None


def test_a_leap_second_is_a_time() -> None:
    moment = moment_of("2016-12-31T23:59:60Z")
    assert moment is not None
    assert moment.precision is Precision.MINUTE


@pytest.mark.parametrize(
    ("patient", "age"),
    [
        ({"birthDate": "1948-11-17"}, "78 år"),
        ({"birthDate": "1948-11-18"}, "77 år"),
        ({"birthDate": "2025-09-17"}, "14 måneder"),
        ({"birthDate": "2026-11-05"}, "12 dage"),
        ({"birthDate": "2026-11-16"}, "1 dag"),
        ({"birthDate": "1948"}, "ca. 78 år"),
        ({"birthDate": "1948-03-12", "deceasedDateTime": "2020-01-01"}, "blev 71 år"),
        ({"birthDate": "1948-03-12", "deceasedBoolean": True}, None),
        ({"birthDate": "2030-01-01"}, None),
        ({}, None),
    ],
)
def test_an_age_is_said_in_the_unit_that_fits(patient: dict[str, object], age: str | None) -> None:
    assert DA.age(identity_of(patient), date(2026, 11, 17)) == age


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_never_lost_by_printing_it(value: float) -> None:
    printed = EN.number(value).replace("\u202f", "").replace("\u2212", "-")
    assert float(printed) == pytest.approx(value, rel=1e-3, abs=1e-320)
