"""What the Danish core profiles ask of patients, and what must never be asked of a CPR number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valid_resources import Resource, observation, patient

from altid.fhir.danish import CPR_SYSTEM, D_ECPR_SYSTEMS, X_ECPR_SYSTEM, validate_danish
from altid.fhir.validation import validate

D_ECPR_SYSTEM = "urn:oid:1.2.208.176.1.6.1.3.177"


def with_number(system: str, value: str | None, **more: Any) -> Resource:
    identifier = {"system": system, "value": value, **more}
    return patient(identifier=[{name: part for name, part in identifier.items() if part is not None}])


def found(resource: Resource) -> list[tuple[str | None, str]]:
    return [(issue.expression, issue.severity) for issue in validate_danish(resource)]


def test_a_danish_patient_has_no_issues() -> None:
    assert found(patient()) == []


def test_other_types_are_not_looked_at() -> None:
    assert found(observation()) == []


def test_a_patient_has_an_identifier() -> None:
    assert found(patient(identifier=None)) == [("Patient.identifier", "error")]


def test_other_identifiers_are_free() -> None:
    assert found(patient(identifier=[{"system": "http://example.org", "value": "abc"}, {"value": "1"}])) == []


def test_the_profile_need_not_be_declared() -> None:
    assert "meta" not in patient()
    assert found(with_number(CPR_SYSTEM, "1")) == [("Patient.identifier[0].value", "error")]


# CPR


@pytest.mark.parametrize("value", ["0101650001", "2902000000", "3112991111", "0107729995", "2902040000"])
def test_a_cpr_number_starts_with_a_day(value: str) -> None:
    assert found(with_number(CPR_SYSTEM, value)) == []


@pytest.mark.parametrize(
    "value",
    [
        "010165-0001",
        "010165 0001",
        "01016500",
        "01016500011",
        "010165000A",
        "０１０１６５０００１",
        "0703921VJ4",
    ],
)
def test_a_cpr_number_is_ten_digits(value: str) -> None:
    assert found(with_number(CPR_SYSTEM, value)) == [("Patient.identifier[0].value", "error")]


@pytest.mark.parametrize(
    "value", ["0001650001", "3201650001", "3002650001", "3104650001", "0113650001", "0100650001"]
)
def test_a_cpr_number_with_a_day_that_no_calendar_has_is_refused(value: str) -> None:
    assert found(with_number(CPR_SYSTEM, value)) == [("Patient.identifier[0].value", "error")]


def test_29_february_needs_a_year_that_can_leap() -> None:
    assert found(with_number(CPR_SYSTEM, "2902010000")) == [("Patient.identifier[0].value", "error")]


def test_a_day_raised_by_60_is_only_warned_of() -> None:
    assert found(with_number(CPR_SYSTEM, "6101650001")) == [("Patient.identifier[0].value", "warning")]
    assert found(with_number(CPR_SYSTEM, "9204650001")) == [("Patient.identifier[0].value", "error")]


@given(st.dates(), st.integers(0, 9999))
def test_no_number_is_refused_for_its_last_four_digits(day: Any, serial: int) -> None:
    value = f"{day:%d%m}{day.year % 100:02}{serial:04}"
    assert found(with_number(CPR_SYSTEM, value)) == []


@given(st.sampled_from(["male", "female", "other", "unknown"]), st.dates(), st.integers(0, 9))
def test_sex_and_birth_date_are_not_compared_with_the_number(gender: str, born: Any, last: int) -> None:
    someone = with_number(CPR_SYSTEM, f"010165000{last}") | {"gender": gender, "birthDate": born.isoformat()}
    assert found(someone) == []


# Replacement numbers


@pytest.mark.parametrize(
    ("system", "value"),
    [(X_ECPR_SYSTEM, "0703921VJ4"), (X_ECPR_SYSTEM, "0703927AA0")]
    + [(system, f"120655{digit}VK9") for system in sorted(D_ECPR_SYSTEMS) for digit in "056"],
)
def test_a_replacement_number_has_two_letters(system: str, value: str) -> None:
    assert found(with_number(system, value)) == []


@pytest.mark.parametrize(
    ("system", "value"),
    [
        (X_ECPR_SYSTEM, "0703920VJ4"),
        (X_ECPR_SYSTEM, "0703921234"),
        (X_ECPR_SYSTEM, "0703921vj4"),
        (X_ECPR_SYSTEM, "3202921VJ4"),
        (D_ECPR_SYSTEM, "1206551VK9"),
        (D_ECPR_SYSTEM, "120655-0VK9"),
        (D_ECPR_SYSTEM, "7206550VK9"),
    ],
)
def test_another_form_of_replacement_number_is_refused(system: str, value: str) -> None:
    assert found(with_number(system, value)) == [("Patient.identifier[0].value", "error")]


@pytest.mark.parametrize(
    ("system", "value", "use", "wrong"),
    [
        (CPR_SYSTEM, "0101650001", "official", "temp"),
        (X_ECPR_SYSTEM, "0703921VJ4", "temp", "official"),
        (D_ECPR_SYSTEM, "1206550VK9", "temp", "usual"),
    ],
)
def test_the_use_of_a_personal_number_is_fixed(system: str, value: str, use: str, wrong: str) -> None:
    assert found(with_number(system, value, use=use)) == []
    assert found(with_number(system, value, use=wrong)) == [("Patient.identifier[0].use", "error")]


@pytest.mark.parametrize("system", [CPR_SYSTEM, X_ECPR_SYSTEM, D_ECPR_SYSTEM])
def test_a_personal_number_has_a_value(system: str) -> None:
    assert found(with_number(system, None)) == [("Patient.identifier[0].value", "error")]


def test_a_person_has_one_number_of_each_kind() -> None:
    cpr = {"system": CPR_SYSTEM, "value": "0101650001"}
    national = {"system": X_ECPR_SYSTEM, "value": "0703921VJ4"}
    assert found(patient(identifier=[cpr, national])) == []
    assert found(patient(identifier=[cpr, national, cpr])) == [("Patient.identifier[2]", "error")]


def test_a_person_has_one_regional_number_whatever_the_region() -> None:
    numbers = [{"system": system, "value": "1206550VK9"} for system in sorted(D_ECPR_SYSTEMS)[:2]]
    assert found(patient(identifier=numbers)) == [("Patient.identifier[1]", "error")]


# Names, addresses and the rest


def test_an_official_name_has_a_family_name() -> None:
    assert found(patient(name=[{"use": "usual", "given": ["A"]}, {"given": ["B"]}])) == []
    assert found(patient(name=[{"use": "official", "given": ["A"]}])) == [("Patient.name[0].family", "error")]


def test_a_person_has_one_official_name() -> None:
    name = {"use": "official", "family": "A"}
    assert found(patient(name=[name, {"use": "usual", "text": "B"}, name])) == [("Patient.name[2]", "error")]


def test_a_relative_is_checked_alike() -> None:
    relative = with_number(CPR_SYSTEM, "1") | {"resourceType": "RelatedPerson"}
    assert found(relative) == [("RelatedPerson.identifier[0].value", "error")]
    del relative["identifier"]
    assert found(relative) == []


MUNICIPALITY = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-municipalityCodes"
REGION = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-RegionalSubDivisionCodes"
CODES = "http://hl7.dk/fhir/core/CodeSystem/dk-core-"


def in_area(url: str, system: str, code: str) -> Resource:
    return {"url": url, "valueCodeableConcept": {"coding": [{"system": CODES + system, "code": code}]}}


def with_address(*extensions: Resource) -> Resource:
    return patient(address=[{"city": "Aarhus", "extension": list(extensions)}])


def test_an_address_may_say_its_municipality_and_region() -> None:
    municipality = in_area(MUNICIPALITY, "municipality-codes", "0751")
    region = in_area(REGION, "regional-subdivision-codes", "DK-82")
    assert found(with_address(municipality, region)) == []
    assert found(with_address(in_area(MUNICIPALITY, "municipality-codes-greenland", "0956"))) == []


@pytest.mark.parametrize(
    "extension",
    [
        in_area(MUNICIPALITY, "municipality-codes", "0956"),
        in_area(MUNICIPALITY, "municipality-codes", "751"),
        in_area(REGION, "regional-subdivision-codes", "DK-86"),
        in_area(REGION, "municipality-codes", "0751"),
        {"url": REGION, "valueString": "DK-82"},
    ],
)
def test_a_code_of_another_place_is_refused(extension: Resource) -> None:
    assert found(with_address(extension)) == [("Patient.address[0].extension[0].value", "error")]


def test_an_address_lies_in_one_municipality() -> None:
    municipality = in_area(MUNICIPALITY, "municipality-codes", "0751")
    assert found(with_address(municipality, municipality)) == [("Patient.address[0].extension[1]", "error")]


def test_marital_status_is_not_both_partnership_and_annulled() -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    both = {"coding": [{"system": system, "code": code} for code in "PA"]}
    assert found(patient(maritalStatus=both)) == [("Patient.maritalStatus", "warning")]
    assert found(patient(maritalStatus={"coding": both["coding"][:1]})) == []


@given(
    st.text(min_size=1).filter(lambda text: text.isprintable()), st.sampled_from([CPR_SYSTEM, X_ECPR_SYSTEM])
)
def test_whatever_the_number_its_digits_are_not_quoted(value: str, system: str) -> None:
    someone = with_number(system, f"{value}#0101650001")
    assert validate(someone) == []
    (issue,) = validate_danish(someone)
    assert "0101650001" not in issue.text("en") + issue.text("da")
