from __future__ import annotations

from datetime import datetime

import pytest

from altid.fhir.json import dumps
from altid.sample.drugs import DRUGS
from altid.sample.moments import DANISH_TIME, days
from altid.sample.regimens import REGIMENS, dosages, due, summary

_START = datetime(2026, 11, 16, 7, 0, tzinfo=DANISH_TIME)
"""A Monday."""


@pytest.mark.parametrize(
    ("regimen", "text"),
    [
        ("paracetamol", "2 tabletter (1000 mg) morgen, middag, aften og nat"),
        ("metformin-uneven", "2 tabletter (1000 mg) morgen og 1 tablet aften"),
        ("morfin-needed", "0,5 tablet (5 mg) efter behov, højst 6 gange i døgnet"),
        ("methotrexat", "6 tabletter (15 mg) hver mandag (kun én gang om ugen)"),
        ("benzylpenicillin", "1,2 g 4 gange i døgnet kl. 06, 12, 18 og 24"),
        ("natriumchlorid", "1000 mL over 8 timer 2 gange i døgnet kl. 08 og 20"),
        ("prednisolon-course", "1,5 tabletter (37,5 mg) morgen i 5 dage"),
        ("levothyroxin", "2 tabletter (100 mikrogram) morgen"),
        (
            "apixaban-embolism",
            "2 tabletter (10 mg) morgen og aften i 7 dage, derefter 1 tablet morgen og aften",
        ),
        ("aspart-infusion", "6 IE/time som kontinuerlig infusion"),
    ],
)
def test_a_dosage_reads_as_a_dane_would_write_it(regimen: str, text: str) -> None:
    assert summary(regimen) == text


def test_no_text_has_a_trailing_zero_or_a_bare_comma() -> None:
    for key in REGIMENS:
        words = summary(key).replace("(", " ").replace(")", " ").split()
        assert not [word for word in words if word.startswith(",") or ("," in word and word.endswith("0"))]


def test_unequal_doses_of_the_day_are_dosages_of_their_own() -> None:
    first, second = dosages("metformin-uneven", _START, None)
    assert [first["timing"]["repeat"]["when"], second["timing"]["repeat"]["when"]] == [["MORN"], ["EVE"]]
    assert [each["doseAndRate"][0]["doseQuantity"]["value"] for each in (first, second)] == [1000, 500]


def test_an_as_needed_drug_has_a_daily_maximum() -> None:
    [dosage] = dosages("paracetamol-needed", _START, None)
    assert dosage["asNeededBoolean"] is True
    assert dosage["maxDosePerPeriod"]["numerator"]["value"] == 4000


def test_a_taper_is_a_sequence_without_gaps() -> None:
    steps = dosages("prednisolon-taper", _START, None)
    assert [step["sequence"] for step in steps] == [1, 2, 3, 4]
    periods = [step["timing"]["repeat"]["boundsPeriod"] for step in steps]
    assert [period["end"] for period in periods[:-1]] == [period["start"] for period in periods[1:]]
    assert [step["doseAndRate"][0]["doseQuantity"]["value"] for step in steps] == [20, 15, 10, 5]


def test_the_start_of_dosing_is_always_there() -> None:
    for key in REGIMENS:
        for dosage in dosages(key, _START, None):
            assert dosage["timing"]["repeat"]["boundsPeriod"]["start"]


def test_every_drug_can_be_taken_in_some_way() -> None:
    assert {regimen.drug for regimen in REGIMENS.values()} == set(DRUGS)


def test_a_dose_with_a_fraction_keeps_it() -> None:
    [dosage] = dosages("prednisolon-course", _START, None)
    assert b'"value":37.5,' in dumps(dosage)


def test_doses_are_due_at_the_rounds_of_the_ward() -> None:
    given = [at.hour for at, _ in due("paracetamol", _START, _START, _START + days(1))]
    assert given == [8, 12, 18, 22]


def test_a_weekly_drug_is_due_on_its_day_only() -> None:
    given = list(due("methotrexat", _START - days(30), _START - days(7), _START + days(7)))
    assert [(at.isoformat()[:10], amount) for at, amount in given] == [("2026-11-09", 6), ("2026-11-16", 6)]


def test_a_taper_gives_less_and_less() -> None:
    given = [amount for _, amount in due("prednisolon-taper", _START, _START, _START + days(34))]
    assert given == sorted(given, reverse=True)
    assert set(given) == {4, 3, 2, 1}


def test_a_course_ends() -> None:
    assert len(list(due("prednisolon-course", _START, _START, _START + days(30)))) == 5


def test_as_needed_drugs_are_never_due() -> None:
    assert list(due("morfin-needed", _START, _START, _START + days(5))) == []
