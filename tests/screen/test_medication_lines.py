"""One row per drug: what it is, how it is taken, and in what state the order is."""

from __future__ import annotations

from typing import Any

import pytest

from altid.screen.views.dosage import dosages_of
from altid.screen.views.medication import Drug, Group, Medication, medications_of
from altid.screen.words import dosing, words
from tests.screen.charts import HL7, chart, coded

DA, EN = words("da"), words("en")
ATC = "http://www.whocc.no/atc"
MEDICATION = {
    "resourceType": "Medication",
    "id": "panodil",
    "code": {
        "text": "Panodil 500 mg",
        "coding": [{"system": ATC, "code": "N02BE01", "display": "paracetamol"}],
    },
    "form": {"text": "tablet"},
}


def order(**elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "Medication/panodil", "display": "paracetamol (Panodil)"},
        **elements,
    }


def only(*resources: dict[str, Any], **kwargs: Any) -> Medication:
    """The one row of these resources."""
    medications = medications_of(chart(*resources, others=(MEDICATION,), **kwargs))
    (row,) = [row for _, rows in medications.current for row in rows] + list(medications.past)
    return row


def line(**dosage: Any) -> tuple[str, str]:
    """Dose, and what follows it."""
    (parsed,) = dosages_of([dosage])
    return dosing.amount(DA, parsed), dosing.manner(DA, parsed)


def dose(value: float, unit: str = "mg") -> list[dict[str, Any]]:
    return [{"doseQuantity": {"value": value, "unit": unit}}]


def repeat(**elements: Any) -> dict[str, Any]:
    return {"repeat": elements}


def test_a_drug_is_named_by_substance_then_product_and_form() -> None:
    assert only(order()).drug == Drug("paracetamol", "Panodil 500 mg, tablet")


def test_a_form_that_the_product_tells_is_not_told_twice() -> None:
    concept = {
        "text": "Panodil tablet",
        "coding": [{"system": ATC, "code": "N02BE01", "display": "paracetamol"}],
    }
    found = only(order(medicationReference=None, medicationCodeableConcept=concept))
    assert found.drug == Drug("paracetamol", "Panodil tablet")


def test_a_drug_that_is_not_at_hand_is_named_as_the_order_says() -> None:
    reference = {"reference": "Medication/gone", "display": "Morfin 10 mg tablet"}
    assert only(order(medicationReference=reference)).drug == Drug(None, "Morfin 10 mg tablet")


def test_a_drug_may_lie_in_the_order_itself() -> None:
    inside = {
        "resourceType": "Medication",
        "id": "x",
        "ingredient": [{"itemCodeableConcept": {"text": "jern"}}],
    }
    found = only(order(contained=[inside], medicationReference={"reference": "#x"}))
    assert found.drug == Drug("jern", None)


def test_a_drug_that_nobody_names_is_still_a_row() -> None:
    assert only(order(medicationReference={"reference": "Medication/gone"})).drug == Drug(None, None)


@pytest.mark.parametrize(
    ("timing", "said"),
    [
        (repeat(frequency=2, period=1, periodUnit="d", when=["MORN", "EVE"]), "morgen og aften"),
        (repeat(frequency=3, period=1, periodUnit="d"), "3 gange i døgnet"),
        (repeat(frequency=1, period=1, periodUnit="d"), "1 gang i døgnet"),
        (repeat(frequency=1, frequencyMax=4, period=1, periodUnit="d"), "1–4 gange i døgnet"),
        (repeat(frequency=1, period=8, periodUnit="h"), "hver 8. time"),
        (repeat(frequency=1, period=4, periodMax=6, periodUnit="h"), "hver 4–6. time"),
        (repeat(frequency=2, period=3, periodUnit="d"), "2 gange på 3 dage"),
        (repeat(frequency=1, period=1, periodUnit="wk", dayOfWeek=["mon"]), "hver mandag"),
        (
            repeat(frequency=2, period=1, periodUnit="d", timeOfDay=["14:00:00", "08:00:00"]),
            "2 gange i døgnet kl. 08:00, 14:00",
        ),
        (repeat(when=["AC"], offset=30), "30 minutter i forhold til før måltid"),
        (repeat(count=1), "én gang"),
        (repeat(period=1, periodUnit="fortnight"), ""),
        ({"code": coded(f"{HL7}/v3-GTSAbbreviation", "BID")}, "2 gange i døgnet"),
        ({"code": {"text": "Hver fuldmåne"}}, "Hver fuldmåne"),
        ({}, ""),
    ],
)
def test_a_schedule_is_said_in_words(timing: dict[str, Any], said: str) -> None:
    assert line(timing=timing, doseAndRate=dose(1)) == ("1\u00a0mg", said)


def test_dose_route_and_frequency_follow_each_other() -> None:
    found = line(
        doseAndRate=dose(1000),
        route={"text": "oral anvendelse"},
        timing=repeat(frequency=4, period=1, periodUnit="d"),
        asNeededBoolean=True,
        maxDosePerPeriod={"numerator": {"value": 4, "unit": "g"}, "denominator": {"value": 1, "code": "d"}},
    )
    assert found == (
        "1\u202f000\u00a0mg",
        "oral anvendelse – 4 gange i døgnet, efter behov, højst 4\u00a0g pr. døgn",
    )


def test_an_infusion_has_its_rate() -> None:
    amount, _ = line(doseAndRate=[{**dose(1000, "mL")[0], "rateQuantity": {"value": 125, "unit": "mL/h"}}])
    assert amount == "1\u202f000\u00a0mL med 125\u00a0mL/time"


def test_the_english_line_is_english() -> None:
    (parsed,) = dosages_of([{"timing": repeat(when=["MORN", "NIGHT"]), "asNeededBoolean": True}])
    assert dosing.manner(EN, parsed) == "morning and night, as needed"


def test_dosages_stand_in_their_sequence() -> None:
    lines = dosages_of([{"sequence": 2, "text": "derefter"}, {"sequence": 1, "text": "først"}])
    assert [each.written for each in lines] == ["først", "derefter"]


@pytest.mark.parametrize(
    ("elements", "group"),
    [
        ({}, Group.REGULAR),
        ({"dosageInstruction": [{"asNeededBoolean": True}]}, Group.AS_NEEDED),
        ({"dosageInstruction": [{"asNeededCodeableConcept": {"text": "smerter"}}]}, Group.AS_NEEDED),
        ({"dosageInstruction": [{"asNeededBoolean": True}, {}]}, Group.REGULAR),
        ({"dosageInstruction": [{"timing": repeat(count=1)}]}, Group.ONCE),
        ({"status": "on-hold"}, Group.PAUSED),
        ({"status": "draft"}, Group.PROPOSED),
        ({"intent": "proposal"}, Group.PROPOSED),
    ],
)
def test_a_current_drug_stands_in_its_group(elements: dict[str, Any], group: Group) -> None:
    assert only(order(**elements)).group is group


@pytest.mark.parametrize("status", ["completed", "stopped", "cancelled"])
def test_what_is_over_stands_apart(status: str) -> None:
    medications = medications_of(chart(order(status=status)))
    assert (medications.current_count, len(medications.past)) == (0, 1)


def test_what_was_entered_in_error_is_not_shown() -> None:
    medications = medications_of(chart(order(status="entered-in-error")))
    assert (medications.current_count, medications.past) == (0, ())


def test_an_order_not_to_give_says_so() -> None:
    assert only(order(doNotPerform=True)).is_forbidden


@pytest.mark.parametrize(
    ("end", "is_overdue"),
    [
        ("2026-11-17T09:59:00+01:00", True),
        ("2026-11-17T10:01:00+01:00", False),
        ("2026-11-17", False),
        ("2026-11-16", True),
        ("2026-11", False),
        ("2026-10", True),
        ("2026", False),
        ("2025", True),
    ],
)
def test_an_active_order_past_its_end_is_marked(end: str, is_overdue: bool) -> None:
    dosage = {"timing": repeat(boundsPeriod={"start": "2025-01-01", "end": end})}
    assert only(order(dosageInstruction=[dosage])).is_overdue is is_overdue


def test_a_last_step_without_an_end_leaves_the_order_open() -> None:
    first = {"timing": repeat(boundsPeriod={"start": "2026-11-01", "end": "2026-11-08"})}
    then = {"timing": repeat(boundsPeriod={"start": "2026-11-08"})}
    assert only(order(dosageInstruction=[first, then])).end is None


def test_the_indication_may_be_a_diagnosis() -> None:
    condition = {"resourceType": "Condition", "id": "c", "code": {"text": "Astma"}}
    found = medications_of(chart(condition, order(reasonReference=[{"reference": "Condition/c"}])))
    assert found.current[0][1][0].indications == ("Astma",)


def given(at: str, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "request": {"reference": "MedicationRequest/o"},
        "effectiveDateTime": at,
        **elements,
    }


def test_the_last_dose_is_the_newest() -> None:
    early, late = given("2026-11-17T06:00:00+01:00"), given("2026-11-17T08:00:00+01:00", status="not-done")
    wrong = given("2026-11-17T09:00:00+01:00", status="entered-in-error")
    last = only(order(id="o"), late, wrong, early).last
    assert last is not None
    assert (DA.moment(last.at), last.status) == ("17.\u00a0nov\u00a02026 08:00", "not-done")


def test_a_statement_is_not_an_order() -> None:
    statement = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationCodeableConcept": {"text": "Hjertemagnyl"},
        "dosage": [{"text": "1 tablet dagligt"}],
    }
    found = only(statement)
    assert (found.source, found.dosages[0].written) == ("statement", "1 tablet dagligt")


def test_what_could_not_be_read_is_not_an_empty_list() -> None:
    assert not medications_of(chart(unread=("MedicationRequest",))).is_known
