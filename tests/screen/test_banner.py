"""Who the patient is."""

from __future__ import annotations

from typing import Any

import pytest

from altid.screen.views.identity import NumberKind, PersonNumber, identity_of, name_order
from altid.screen.views.moments import Moment
from altid.screen.words.speaker import person_name

CPR = {"system": "urn:oid:1.2.208.176.1.2", "value": "1203485678"}
X_ECPR = {"system": "urn:oid:1.2.208.176.1.6.1.1", "value": "0703921VJ4"}
D_ECPR = {"system": "urn:oid:1.2.208.176.1.6.1.3.177", "value": "1206550VK9"}
OTHER = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-65-9492"}


def name(*names: dict[str, Any]) -> str:
    return person_name(identity_of({"name": list(names)}), "ikke oplyst")


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([{"family": "Jensen", "given": ["Anna", "Marie"]}], "JENSEN, Anna Marie"),
        ([{"family": "Sørensen"}], "SØRENSEN"),
        ([{"given": ["Anders"], "use": "temp"}], "ikke oplyst, Anders"),
        ([{"text": "Anna Jensen"}], "Anna Jensen"),
        ([{"given": [None, "Anna"], "family": "Jensen"}], "JENSEN, Anna"),
        ([{"use": "usual", "text": "Mie"}, {"use": "official", "family": "Holm"}], "HOLM"),
        ([{"use": "maiden", "family": "Beck"}, {"family": "Holm"}], "HOLM"),
        ([{"use": "old", "family": "Beck"}], "ikke oplyst"),
        ([{"use": "official"}], "ikke oplyst"),
        ([], "ikke oplyst"),
    ],
)
def test_a_name_is_family_in_capitals_then_given(names: list[dict[str, Any]], shown: str) -> None:
    assert name(*names) == shown


@pytest.mark.parametrize(
    ("identifiers", "number"),
    [
        ([CPR], PersonNumber(NumberKind.CPR, "120348-5678")),
        ([OTHER, X_ECPR, CPR], PersonNumber(NumberKind.CPR, "120348-5678")),
        ([OTHER, X_ECPR], PersonNumber(NumberKind.X_ECPR, "070392-1VJ4")),
        ([D_ECPR], PersonNumber(NumberKind.D_ECPR, "120655-0VK9")),
        ([OTHER], PersonNumber(NumberKind.OTHER, "999-65-9492")),
        ([{**CPR, "use": "old"}], None),
        ([{"system": CPR["system"]}], None),
        ([], None),
    ],
)
def test_the_number_is_the_best_there_is(
    identifiers: list[dict[str, str]], number: PersonNumber | None
) -> None:
    assert identity_of({"identifier": identifiers}).number == number


def test_names_stand_in_the_order_of_the_danish_alphabet() -> None:
    families = ["Ågård", "Zahle", "Ærø", "Aagaard", "Østergaard", "bech"]
    people = [identity_of({"name": [{"family": family}]}) for family in families]
    ordered = [person.family for person in sorted([identity_of({}), *people], key=name_order)]
    assert ordered == ["Aagaard", "bech", "Zahle", "Ærø", "Østergaard", "Ågård", None]


def test_death_is_known_without_its_time() -> None:
    assert identity_of({"deceasedBoolean": True}).deceased is True


def test_death_has_its_time() -> None:
    assert isinstance(identity_of({"deceasedDateTime": "2020-01-01"}).deceased, Moment)


def test_one_who_is_said_not_to_be_dead_lives() -> None:
    assert identity_of({"deceasedBoolean": False}).deceased is False


@pytest.mark.parametrize(
    "label",
    [
        {"code": "R", "display": "Restricted"},
        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"},
    ],
)
def test_a_restricted_patient_is_protected(label: dict[str, str]) -> None:
    assert identity_of({"meta": {"security": [label]}}).is_protected


def test_a_normal_label_protects_nobody() -> None:
    normal = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}
    assert not identity_of({"meta": {"security": [normal]}}).is_protected


@pytest.mark.parametrize("patient", [{"active": False}, {"link": [{"type": "replaced-by"}]}])
def test_a_record_that_is_no_longer_used_says_so(patient: dict[str, Any]) -> None:
    assert identity_of(patient).is_retired
