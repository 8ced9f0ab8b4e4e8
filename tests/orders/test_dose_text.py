"""The words of a dosage, in Danish and English."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given

from altid.orders.amount import Amount
from altid.orders.dose import (
    AsNeeded,
    Clock,
    Continuous,
    Dosage,
    Every,
    Line,
    Meals,
    Once,
    Rounds,
    Span,
    Weekly,
    tapering,
)
from altid.orders.dose_text import text
from tests.orders.dosages import dosages


def mg(value: str) -> Amount:
    return Amount(Decimal(value), "mg")


def plain(words: str) -> str:
    return words.replace("\u00a0", " ").replace("\u202f", " ")


MORNING = Rounds(("MORN",))


@pytest.mark.parametrize(
    ("lines", "danish", "english"),
    [
        (
            (Line(mg("1000"), Rounds(("MORN", "EVE"))), Line(mg("500.0"), Rounds(("NIGHT",)))),
            "1 000 mg morgen og aften og 500 mg nat",
            "1 000 mg in the morning and in the evening and 500 mg at night",
        ),
        (
            (Line(mg("0.50"), Clock(("06:00", "14:00", "22:00"))),),
            "0,5 mg 3 gange i døgnet kl. 06:00, 14:00 og 22:00",
            "0.5 mg 3 times a day at 06:00, 14:00 and 22:00",
        ),
        (
            (Line(Amount(Decimal("62.5"), "ug"), Once()),),
            "62,5 mikrogram én gang",
            "62.5 micrograms once",
        ),
        (
            (Line(mg("500"), AsNeeded(mg("4000"), 4, "smerter")),),
            "500 mg efter behov mod smerter, højst 4 000 mg i døgnet fordelt på højst 4 doser",
            "500 mg as needed for smerter, at most 4 000 mg a day in at most 4 doses",
        ),
        (
            (Line(mg("7.5"), AsNeeded(mg("7.50"), when=("NIGHT",))),),
            "7,5 mg nat efter behov, højst 7,5 mg i døgnet",
            "7.5 mg at night as needed, at most 7.5 mg a day",
        ),
        (
            (Line(mg("10"), AsNeeded(mg("40"), reason="smerter"), least=mg("2.50")),),
            "2,5–10 mg efter behov mod smerter, højst 40 mg i døgnet",
            "2.5–10 mg as needed for smerter, at most 40 mg a day",
        ),
        (
            (Line(mg("500"), Meals(("CM", "CV"), 2)), Line(mg("250"), Meals(("CD",), 1))),
            "500 mg ved morgenmad og aftensmad og 250 mg ved frokost",
            "500 mg with breakfast and dinner and 250 mg with lunch",
        ),
        (
            (Line(Amount(Decimal(100), "ug"), Meals(("ACM",), 1, 30)),),
            "100 mikrogram 30 minutter før morgenmad",
            "100 micrograms 30 minutes before breakfast",
        ),
        (
            (Line(mg("1"), Meals(("PC",), 3)),),
            "1 mg 3 gange i døgnet efter måltider",
            "1 mg 3 times a day after meals",
        ),
        (
            (Line(mg("1"), Meals(("ACV",), 1, 1)),),
            "1 mg 1 minut før aftensmad",
            "1 mg 1 minute before dinner",
        ),
        ((Line(mg("70"), Weekly(("mon",))),), "70 mg hver mandag", "70 mg every Monday"),
        ((Line(mg("5"), Every(1, 8, "h")),), "5 mg hver 8. time", "5 mg every 8 hours"),
        ((Line(mg("5"), Every(3, 1, "d")),), "5 mg 3 gange i døgnet", "5 mg 3 times a day"),
        (
            (Line(Amount(Decimal(6), "[iU]"), Continuous()),),
            "6 IE/time som kontinuerlig infusion",
            "6 units/hour as a continuous infusion",
        ),
        (
            (
                Line(mg("20"), MORNING, Span(days=7)),
                Line(mg("10"), MORNING, Span(days=1), step=2),
                Line(mg("5"), MORNING, step=3),
            ),
            "20 mg morgen i 7 dage, derefter 10 mg morgen i 1 dag, derefter 5 mg morgen",
            "20 mg in the morning for 7 days, then 10 mg in the morning for 1 day, then 5 mg in the morning",
        ),
    ],
)
def test_it_reads_as_a_ward_says_it(lines: tuple[Line, ...], danish: str, english: str) -> None:
    assert plain(text(Dosage(lines))) == danish
    assert plain(text(Dosage(lines), "en")) == english


@given(dosages)
def test_no_number_can_be_misread(made: Dosage) -> None:
    for language, mark in (("da", ","), ("en", r"\.")):
        words = text(made, language)  # type: ignore[arg-type]
        assert not re.search(rf"{mark}[0-9]*0(?![0-9])", words), "a trailing zero"
        assert not re.search(rf"(?<![0-9]){mark}[0-9]", words), "no leading zero"
        assert "µ" not in words
        assert not re.search(r"[0-9] (?:mg|g|mL|IE|mikrogram|tablet)\b", words), (
            "a line may break before the unit"
        )
        assert "{" not in words


def test_steps_are_told_one_after_the_other() -> None:
    made = Dosage(tapering([Line(mg("2"), MORNING), Line(mg("1"), MORNING)]))
    assert text(made).count(", derefter ") == 1
