"""Examining an order: each fault named by its field, each warning answered or standing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from altid.fhir import json
from altid.fhir.validation import validate
from altid.orders.findings import Finding
from altid.orders.signing import examine
from altid.orders.warned import Override, issues
from tests.orders.orders import ATC, DOCTOR, PATIENT, Resource, context, order, requisition, without

HL7 = "http://terminology.hl7.org/CodeSystem"


def found(resource: Resource, **known: Any) -> list[tuple[str, str, str]]:
    return [(f.severity, f.code, f.field) for f in examine(resource, context(**known)).findings]


def dosed(**changes: Any) -> Resource:
    """The order with elements of its only instruction changed, taken away where None."""
    content = order()
    instruction = {**content["dosageInstruction"][0], **changes}
    kept = {key: value for key, value in instruction.items() if value is not None}
    return {**content, "dosageInstruction": [kept]}


def bounded(start: str, end: str, **elements: Any) -> Resource:
    bounds = {key: at for key, at in (("start", start), ("end", end)) if at}
    repeat = {**({"boundsPeriod": bounds} if bounds else {}), "when": ["MORN", "EVE"]}
    return {**dosed(timing={"repeat": repeat}), **elements}


def allergy(**elements: Any) -> Resource:
    return {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "criticality": "low",
        "code": {"coding": [{"system": ATC, "code": "N02BE01"}], "text": "Paracetamol"},
        "patient": {"reference": "Patient/1"},
        **elements,
    }


def status(kind: str, code: str) -> Resource:
    return {"coding": [{"system": f"{HL7}/allergyintolerance-{kind}", "code": code}]}


def coded(atc: str, text: str = "") -> dict[str, Any]:
    return {"coding": [{"system": ATC, "code": atc}], **({"text": text} if text else {})}


def creatinine(at: str, code: str = "NPU18016", **elements: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "urn:oid:1.2.208.176.2.1", "code": code}]},
        "effectiveDateTime": at,
        "valueQuantity": {"value": 80, "code": "umol/L"},
        **elements,
    }


def test_an_order_that_lacks_nothing_is_signable_and_gets_its_text() -> None:
    content = order()
    was = copy.deepcopy(content)
    examined = examine(content, context())
    assert examined.is_signable
    assert content == was
    assert examined.resource["dosageInstruction"][0]["text"] == "1\u202f000\u00a0mg morgen og aften"
    assert examined.resource["authoredOn"] == "2026-11-17T10:00:00+00:00"
    assert validate(json.loads(json.dumps(examined.resource))) == []


def test_a_text_that_contradicts_is_replaced_by_what_the_structure_says() -> None:
    examined = examine(dosed(text="10 g hver time"), context())
    assert examined.resource["dosageInstruction"][0]["text"] == "1\u202f000\u00a0mg morgen og aften"


def test_who_signs_is_the_requester_of_an_order_that_names_none() -> None:
    assert examine(without(order(), "requester"), context()).resource["requester"] == DOCTOR
    assert examine(without(requisition(), "requester"), context()).resource["requester"] == DOCTOR


REQUIRED = [
    (without(order(), "subject"), "MedicationRequest.subject"),
    (without(order(), "medicationReference"), "MedicationRequest.medication"),
    (without(order(), "reasonCode"), "MedicationRequest.reasonCode"),
    (without(order(), "dosageInstruction"), "MedicationRequest.dosageInstruction"),
    (dosed(route=None), "MedicationRequest.dosageInstruction[0].route"),
    (dosed(doseAndRate=None), "MedicationRequest.dosageInstruction[0].doseAndRate"),
    (dosed(asNeededBoolean=True), "MedicationRequest.dosageInstruction[0].maxDosePerPeriod"),
    (bounded("", ""), "MedicationRequest.dosageInstruction[0].timing.repeat.boundsPeriod.start"),
    (bounded("2026-11-17", ""), "MedicationRequest.dosageInstruction[0].timing.repeat.boundsPeriod.end"),
    (order(requester={"reference": "Practitioner/1"}), "MedicationRequest.requester"),
    (without(requisition(), "subject"), "ServiceRequest.subject"),
    (without(requisition(), "code"), "ServiceRequest.code"),
    (without(requisition(), "performer"), "ServiceRequest.performer"),
    (without(requisition(), "priority"), "ServiceRequest.priority"),
    (without(requisition(), "reasonCode"), "ServiceRequest.reasonCode"),
    (without(requisition(), "occurrenceDateTime"), "ServiceRequest.specimen"),
]


@pytest.mark.parametrize(("content", "field"), REQUIRED)
def test_what_is_missing_is_named(content: Resource, field: str) -> None:
    assert ("error", "required", field) in found(content)


def test_a_review_date_stands_for_the_end() -> None:
    review = [{"url": "https://altid.dk/fhir/StructureDefinition/review-date", "valueDate": "2027-01-17"}]
    assert found(bounded("2026-11-17", "", extension=review)) == []
    early = [{**review[0], "valueDate": "2026-11-01"}]
    assert found(bounded("2026-11-17", "", extension=early)) == [
        ("error", "stop-before-start", "MedicationRequest.extension")
    ]


def test_the_patient_is_known_and_alive() -> None:
    field = "MedicationRequest.subject"
    assert found(order(), patient=None) == [("error", "patient-unknown", field)]
    assert found(order(), patient={**PATIENT, "id": "2"}) == [("error", "patient-unknown", field)]
    assert found(order(), patient={**PATIENT, "deceasedBoolean": True}) == [
        ("error", "patient-deceased", field)
    ]
    assert found(order(), patient={**PATIENT, "deceasedBoolean": False}) == []
    dead = {**PATIENT, "deceasedDateTime": "2026-11-01"}
    assert found(requisition(), patient=dead) == [("error", "patient-deceased", "ServiceRequest.subject")]


def test_the_drug_exists() -> None:
    field = "MedicationRequest.medicationReference"
    assert found(order("findes-ikke")) == [("error", "drug-unknown", field)]
    assert found(order("gammel")) == [("error", "drug-withdrawn", field)]


def test_a_drug_by_code_is_one_that_the_knowledge_table_has() -> None:
    by_code = without(order(medicationCodeableConcept=coded("N02BE01")), "medicationReference")
    assert found(by_code) == []
    unknown = {**by_code, "medicationCodeableConcept": coded("N02BE99")}
    assert found(unknown) == [("error", "drug-unknown", "MedicationRequest.medicationCodeableConcept")]


def test_a_contained_drug_is_taken_as_it_is() -> None:
    inside = {"resourceType": "Medication", "id": "m", "code": coded("N02BE01")}
    content = order(contained=[inside], medicationReference={"reference": "#m"})
    assert found(content) == []


@pytest.mark.parametrize(
    ("drug", "unit", "fits"),
    [
        ("paracetamol", "mg", True),
        ("paracetamol", "g", True),
        ("paracetamol", "1", True),
        ("paracetamol", "mL", False),
        ("paracetamol", "[iU]", False),
        ("mixtur", "mL", True),
        ("mixtur", "mg", True),
        ("mixtur", "1", False),
        ("paracetamol", "mcg", False),
        ("paracetamol", "mmol", False),
        ("paracetamol", "mg/kg", False),
        ("paracetamol", "%", False),
    ],
)
def test_a_dose_has_a_unit_that_fits_the_form(drug: str, unit: str, fits: bool) -> None:
    field = "MedicationRequest.dosageInstruction[0].doseAndRate[0].doseQuantity"
    assert found(order(drug, 1, unit)) == ([] if fits else [("error", "dose-unit", field)])


def test_nothing_stops_before_it_starts() -> None:
    field = "MedicationRequest.dosageInstruction[0].timing.repeat.boundsPeriod.end"
    assert ("error", "stop-before-start", field) in found(bounded("2026-11-24", "2026-11-17"))
    assert found(bounded("2026-11-17", "2026-11-17")) == []
    period = {"start": "2026-11-18", "end": "2026-11-17"}
    asked = without(requisition(occurrencePeriod=period), "occurrenceDateTime")
    assert found(asked) == [("error", "stop-before-start", "ServiceRequest.occurrencePeriod.end")]


def test_an_order_that_is_over_before_it_is_signed_is_warned_of() -> None:
    field = "MedicationRequest.dosageInstruction[0].timing.repeat.boundsPeriod.end"
    assert found(bounded("2026-11-01", "2026-11-08")) == [("warning", "already-over", field)]


ALLERGY = [("warning", "allergy", "MedicationRequest.medicationReference")]


@pytest.mark.parametrize(
    ("recorded", "is_warned_of"),
    [
        (allergy(), True),
        (allergy(code=coded("N02B")), True),
        (allergy(code={"text": "PARACETAMOL"}), True),
        (allergy(code={"text": "Latex"}), False),
        (allergy(code=coded("J01C")), False),
        (allergy(clinicalStatus=status("clinical", "resolved")), False),
        (allergy(verificationStatus=status("verification", "entered-in-error")), False),
        (allergy(code={"text": "x"}, reaction=[{"substance": coded("N02BE01")}]), True),
    ],
)
def test_an_allergy_against_drug_or_ingredient_is_warned_of(recorded: Resource, is_warned_of: bool) -> None:
    assert found(order(), allergies=[recorded]) == (ALLERGY if is_warned_of else [])


@pytest.mark.parametrize(
    ("criticality", "is_warned_of"), [("low", False), ("high", True), ("unable-to-assess", True)]
)
def test_penicillins_keep_from_cephalosporins_after_a_severe_reaction(
    criticality: str, is_warned_of: bool
) -> None:
    recorded = allergy(code=coded("J01C"), criticality=criticality)
    known = {"allergies": [recorded], "results": [creatinine("2026-11-17T08:00:00Z")]}
    assert found(order("cefuroxim"), **known) == (ALLERGY if is_warned_of else [])


def test_the_same_substance_twice_is_warned_of() -> None:
    other = {**order("mixtur"), "id": "other", "status": "active"}
    duplicate = [("warning", "duplicate", "MedicationRequest.medicationReference")]
    assert found(order(), current=[other]) == duplicate
    assert found(order(), current=[{**other, "status": "on-hold"}]) == duplicate
    assert found(order(), current=[{**other, "status": "stopped"}]) == []
    assert found(order(), current=[order("ibuprofen", id="other", status="active")]) == []
    assert found(order(), current=[{**order(), "status": "active"}]) == [], "not of itself"
    renewed = order(priorPrescription={"reference": "MedicationRequest/other"})
    assert found(renewed, current=[other]) == [], "not of what it renews"


def test_an_order_that_has_ended_is_no_duplicate() -> None:
    over = {**bounded("2026-11-01", "2026-11-08"), "id": "other", "status": "active"}
    assert found(order(), current=[over]) == []


@pytest.mark.parametrize(
    ("value", "unit", "is_warned_of"),
    [(2000, "mg", False), (2001, "mg", True), (2.5, "g", True), (5, "1", True), (4, "1", False)],
)
def test_a_dose_above_the_maximum_is_warned_of(value: float, unit: str, is_warned_of: bool) -> None:
    expected = [("warning", "dose-above-maximum", "MedicationRequest.dosageInstruction")]
    assert found(order("paracetamol", value, unit)) == (expected if is_warned_of else [])


def test_a_weekly_drug_that_is_taken_daily_is_warned_of() -> None:
    results = [creatinine("2026-11-10")]
    assert found(order("methotrexat", 7.5), results=results) == [
        ("warning", "dose-above-maximum", "MedicationRequest.dosageInstruction")
    ]
    weekly = {"boundsPeriod": {"start": "2026-11-17", "end": "2026-12-24"}, "dayOfWeek": ["mon"]}
    content = order("methotrexat", 15)
    content["dosageInstruction"][0]["timing"] = {"repeat": weekly}
    assert found(content, results=results) == []


@pytest.mark.parametrize(
    ("results", "is_warned_of"),
    [
        ([], True),
        ([creatinine("2026-11-10T08:00:00+01:00")], False),
        ([creatinine("2026-11-10", code="DNK35302")], False),
        ([creatinine("2025-11-10")], True),
        ([creatinine("2026-12-24")], True),
        ([creatinine("2026-11-10", status="entered-in-error")], True),
        ([without(creatinine("2026-11-10"), "valueQuantity")], True),
        ([creatinine("2026-11-10", code="NPU03429")], True),
    ],
)
def test_a_missing_or_old_renal_value_is_warned_of(results: list[Resource], is_warned_of: bool) -> None:
    expected = [("warning", "renal-value-missing", "MedicationRequest.medication")]
    assert found(order("metformin"), results=results) == (expected if is_warned_of else [])


def overriding(content: Resource, code: str = "dose-above-maximum") -> Resource:
    examined = examine(content, context(), [Override(code, "aftalt med bagvagt")])
    assert examined.is_signable
    return examined.resource


def test_an_overridden_warning_is_kept_with_its_reason() -> None:
    kept = overriding(order(value=3000))
    (issue,) = issues(kept)
    assert issue["code"]["coding"][0]["code"] == "dose-above-maximum"
    assert issue["mitigation"] == [
        {"action": {"text": "aftalt med bagvagt"}, "date": "2026-11-17T10:00:00+00:00", "author": DOCTOR}
    ]
    assert kept["detectedIssue"] == [{"reference": f"#{issue['id']}"}]
    assert validate(json.loads(json.dumps(kept))) == []


def test_a_kept_reason_answers_the_same_warning_again_but_not_a_higher_dose() -> None:
    kept = overriding(order(value=3000))
    assert examine(kept, context()).is_signable
    assert issues(examine(kept, context()).resource) == issues(kept)
    higher = {**kept, "dosageInstruction": order(value=4000)["dosageInstruction"]}
    assert [finding.code for finding in examine(higher, context()).findings] == ["dose-above-maximum"]


def test_a_reason_for_one_allergy_does_not_answer_another() -> None:
    one, other = allergy(), allergy(id="b")
    kept = examine(order(), context(allergies=[one]), [Override("allergy", "taalt tidligere")]).resource
    assert found(kept, allergies=[one]) == []
    assert found(kept, allergies=[one, other]) == ALLERGY


@pytest.mark.parametrize("override", [Override("allergy", "x"), Override("dose-above-maximum", "  ")])
def test_an_override_needs_the_code_and_a_reason(override: Override) -> None:
    assert not examine(order(value=3000), context(), [override]).is_signable


def test_an_error_cannot_be_overridden() -> None:
    examined = examine(order("findes-ikke"), context(), [Override("drug-unknown", "x")])
    assert [finding.code for finding in examined.findings] == ["drug-unknown"]
    assert "contained" not in examined.resource


def test_errors_come_first_and_every_finding_speaks_two_languages_and_names_nothing_that_was_sent() -> None:
    content = {**order(value=3000), "reasonCode": [], "note": [{"text": "hemmelig"}]}
    findings = examine(content, context(allergies=[allergy()])).findings
    assert [finding.severity for finding in findings] == ["error", "warning", "warning"]
    for finding in findings:
        assert finding.da
        assert finding.en
        assert finding.da != finding.en
        assert "hemmelig" not in f"{finding}"
        assert finding.issue.text("da") == finding.da
        assert finding.issue.expression == finding.field
        assert finding.json["code"] == finding.code


def test_braces_in_a_text_are_taken_as_they_are() -> None:
    assert Finding("error", "x", "y", "{da}", "{en}").issue.text("en") == "{en}"
