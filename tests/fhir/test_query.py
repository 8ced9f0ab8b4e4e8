from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matching import finds
from search_resources import (
    ALL,
    BLOOD_PRESSURE,
    CONDITION,
    OBSERVATION,
    PATIENT,
    SERVICE_REQUEST,
    TASK,
    VALUE_SET,
    written,
)

from altid.fhir.definitions import resource_types
from altid.fhir.outcome import FhirError
from altid.fhir.search.criteria import (
    AllOf,
    AnyOf,
    ChainCriterion,
    HasCriterion,
    IdCriterion,
    Include,
    LastUpdatedCriterion,
    MissingCriterion,
    SortKey,
    Span,
    StringCriterion,
    StringMatch,
    TermCriterion,
    ValueSetCriterion,
)
from altid.fhir.search.extract import extract
from altid.fhir.search.grammar import ALTERNATIVES_MAX, Context
from altid.fhir.search.parameters import search_parameters
from altid.fhir.search.query import PARAMETERS_MAX, parse
from altid.fhir.search.resolution import LINKS_MAX
from altid.fhir.search.results import COUNT_MAX
from altid.fhir.search.value_sets import codes, terms_of

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
GENDER = "http://hl7.org/fhir/administrative-gender"


def criterion(type_name, name, value, context=None):
    query = parse(type_name, [(name, value)], context)
    assert not query.unknown
    (found,) = query.criteria
    return found


def refusal(type_name, *parameters):
    with pytest.raises(FhirError) as caught:
        parse(type_name, parameters)
    assert caught.value.status == 400
    (issue,) = caught.value.issues
    return issue


def understood_or_refused(type_name, parameters):
    try:
        parse(type_name, parameters)
        status = 400
    except FhirError as error:
        status = error.status
    assert status == 400


@pytest.mark.parametrize(
    ("resource", "name", "value"),
    [
        (PATIENT, "identifier", "urn:oid:1.2.208.176.1.2|2512489996"),
        (PATIENT, "identifier", "2512489996"),
        (PATIENT, "identifier", "urn:oid:1.2.208.176.1.2|"),
        (PATIENT, "identifier:of-type", "http://terminology.hl7.org/CodeSystem/v2-0203|NNDNK|2512489996"),
        (PATIENT, "identifier:text", "cpr"),
        (PATIENT, "gender", "male"),
        (PATIENT, "gender", "female,male"),
        (PATIENT, "gender", f"{GENDER}|male"),
        (PATIENT, "gender", f"{GENDER}|"),
        (PATIENT, "gender", "|male"),
        (PATIENT, "gender:not", "female"),
        (PATIENT, "gender:in", "http://hl7.org/fhir/ValueSet/administrative-gender"),
        (PATIENT, "active", "true"),
        (PATIENT, "active", "http://terminology.hl7.org/CodeSystem/special-values|true"),
        (PATIENT, "deceased", "true"),
        (PATIENT, "email", "SOREN@example.ORG"),
        (PATIENT, "telecom", "work|+45 35 35 35 35"),
        (PATIENT, "name", "søren"),
        (PATIENT, "name", "AGARD"),
        (PATIENT, "name", "Søren René Ågård"),
        (PATIENT, "name:contains", "jens"),
        (PATIENT, "family:exact", "Ågård Jensen"),
        (PATIENT, "address-city", "år"),
        (PATIENT, "birthdate", "1948-12-25"),
        (PATIENT, "birthdate", "1948"),
        (PATIENT, "birthdate", "gt1947"),
        (PATIENT, "birthdate", "1800,1948-12"),
        (PATIENT, "death-date", "2024-05-01T08:15Z"),
        (PATIENT, "general-practitioner", "gp-1"),
        (PATIENT, "general-practitioner", "Practitioner/gp-1"),
        (PATIENT, "general-practitioner:Practitioner", "gp-1"),
        (PATIENT, "general-practitioner:identifier", "urn:oid:1.2.208.176.1.4|012345"),
        (PATIENT, "general-practitioner:text", "dr"),
        (PATIENT, "organization", "org-1"),
        (PATIENT, "organization", "Organization/org-1/_history/3"),
        (PATIENT, "link:missing", "true"),
        (PATIENT, "name:missing", "false"),
        (PATIENT, "_id", "pat-1"),
        (PATIENT, "_id", "other,pat-1"),
        (PATIENT, "_id:not", "other"),
        (PATIENT, "_id:missing", "false"),
        (PATIENT, "_tag", "http://example.org/tags|test"),
        (PATIENT, "_tag:text", "prøve"),
        (PATIENT, "_profile", "http://example.org/StructureDefinition/p"),
        (PATIENT, "_profile", "http://example.org/StructureDefinition/p|2.1"),
        (OBSERVATION, "patient", "pat-1"),
        (OBSERVATION, "patient", "Patient/pat-1"),
        (OBSERVATION, "subject", "pat-1"),
        (OBSERVATION, "subject:Patient", "pat-1"),
        (OBSERVATION, "patient:missing", "false"),
        (OBSERVATION, "performer", "https://other.example.org/fhir/Practitioner/7"),
        (OBSERVATION, "code", f"{LOINC}|29463-7"),
        (OBSERVATION, "combo-code", "29463-7"),
        (OBSERVATION, "code:text", "vægt"),
        (OBSERVATION, "value-quantity", "72.5"),
        (OBSERVATION, "value-quantity", f"72.5|{UCUM}|kg"),
        (OBSERVATION, "value-quantity", f"72500|{UCUM}|g"),
        (OBSERVATION, "value-quantity", "72.5||kg"),
        (OBSERVATION, "value-quantity", "72.5||kilogram"),
        (OBSERVATION, "value-quantity", f"gt159|{UCUM}|[lb_av]"),
        (OBSERVATION, "value-quantity", "ap70"),
        (OBSERVATION, "value-quantity", "ne72.4"),
        (OBSERVATION, "combo-value-quantity", "ge72.50"),
        (OBSERVATION, "code-value-quantity", f"{LOINC}|29463-7$gt70|{UCUM}|kg"),
        (OBSERVATION, "combo-code-value-quantity", "29463-7$72.5"),
        (BLOOD_PRESSURE, "component-code-value-quantity", f"{LOINC}|8480-6$142|{UCUM}|mm[Hg]"),
        (BLOOD_PRESSURE, "component-code-value-quantity", "8480-6$gt140"),
        (BLOOD_PRESSURE, "combo-code-value-quantity", "8462-4$lt90||mm[Hg]"),
        (BLOOD_PRESSURE, "combo-code", "8480-6"),
        (BLOOD_PRESSURE, "combo-code-value-quantity:missing", "false"),
        (BLOOD_PRESSURE, "date", "2024-03-10"),
        (BLOOD_PRESSURE, "date", "ge2024-03-10T08:15Z"),
        (BLOOD_PRESSURE, "patient:missing", "true"),
        (CONDITION, "onset-age", f"ge600|{UCUM}|mo"),
        (CONDITION, "abatement-string", "gradvist"),
        (SERVICE_REQUEST, "instantiates-canonical", "http://example.org/PlanDefinition/p"),
        (SERVICE_REQUEST, "instantiates-canonical", "http://example.org/PlanDefinition/p|3"),
        (SERVICE_REQUEST, "occurrence", "lt1990"),
        (TASK, "owner", "urn:uuid:0b0a6f8e-6b1c-4e3b-8f6e-0a5d2a3f4c5d"),
        (VALUE_SET, "url", "http://example.org/fhir/ValueSet/drugs"),
        (VALUE_SET, "url:below", "http://example.org/fhir"),
        (VALUE_SET, "url:below", "http://example.org/fhir/ValueSet/drugs"),
        (VALUE_SET, "url:above", "http://example.org/fhir/ValueSet/drugs/part"),
        (VALUE_SET, "context-type-value", "focus$s|c"),
        (VALUE_SET, "context-type-quantity", f"age$ge20|{UCUM}|a"),
    ],
)
def test_a_search_finds(resource, name, value):
    assert finds(resource, (name, value))


@pytest.mark.parametrize(
    ("resource", "name", "value"),
    [
        (PATIENT, "identifier", "urn:oid:1.2.3|2512489996"),
        (PATIENT, "identifier", "|2512489996"),
        (PATIENT, "identifier:of-type", "http://terminology.hl7.org/CodeSystem/v2-0203|MR|2512489996"),
        (PATIENT, "gender", "Male"),
        (PATIENT, "gender", "http://example.org|male"),
        (PATIENT, "gender", "http://example.org|"),
        (PATIENT, "gender:not", "male"),
        (PATIENT, "gender:not", "female,male"),
        (PATIENT, "gender:not-in", "http://hl7.org/fhir/ValueSet/administrative-gender"),
        (PATIENT, "name", "jensen"),
        (PATIENT, "family:exact", "ågård jensen"),
        (PATIENT, "birthdate", "1948-12-26"),
        (PATIENT, "birthdate", "ne1948"),
        (PATIENT, "birthdate", "sa1948"),
        (PATIENT, "birthdate", "gt1948-12-25"),
        (PATIENT, "general-practitioner", "Organization/gp-1"),
        (PATIENT, "general-practitioner:Organization", "gp-1"),
        (PATIENT, "organization", "Organization/org-1/_history/4"),
        (PATIENT, "name:missing", "true"),
        (PATIENT, "_id:missing", "true"),
        (PATIENT, "_id:not", "pat-1"),
        (PATIENT, "_profile", "http://example.org/StructureDefinition/p|2"),
        (OBSERVATION, "subject:Device", "pat-1"),
        (OBSERVATION, "performer", "7"),
        (OBSERVATION, "value-quantity", "72"),
        (OBSERVATION, "value-quantity", "72.50001"),
        (OBSERVATION, "value-quantity", "gt72.5"),
        (OBSERVATION, "value-quantity", f"72.5|{UCUM}|g"),
        (OBSERVATION, "value-quantity", "72.5||g"),
        (OBSERVATION, "code-value-quantity", "29463-7$gt80"),
        (BLOOD_PRESSURE, "component-code-value-quantity", "8480-6$85"),
        (BLOOD_PRESSURE, "combo-code-value-quantity", "8462-4$gt140"),
        (BLOOD_PRESSURE, "patient", "g"),
        (BLOOD_PRESSURE, "date", "2024-03-10T08:15Z"),
        (SERVICE_REQUEST, "instantiates-canonical", "http://example.org/PlanDefinition/p|4"),
        (VALUE_SET, "url", "http://example.org/fhir"),
        (VALUE_SET, "url:below", "http://example.org/fhi"),
        (VALUE_SET, "url:above", "http://example.org/fhir"),
        (VALUE_SET, "context-type-value", "age$s|c"),
    ],
)
def test_a_search_does_not_find(resource, name, value):
    assert not finds(resource, (name, value))


def test_all_parameters_must_hold():
    assert not finds(PATIENT, ("gender", "male"), ("birthdate", "2000"))


def test_the_same_parameter_twice_must_hold_twice():
    assert finds(PATIENT, ("birthdate", "ge1948"), ("birthdate", "lt1949"))


@pytest.mark.parametrize("value", [r"a\,b", r"a\|b", r"a\$b", r"a\\b"])
def test_a_backslash_takes_a_separator_literally(value):
    patient = {"resourceType": "Patient", "identifier": [{"value": value[0] + value[2:]}]}
    assert finds(patient, ("identifier", value))


def test_an_escaped_comma_is_no_alternative():
    assert criterion("Patient", "family:exact", r"a\,b,c").terms == (
        "Patient.family:exact=a,b",
        "Patient.family:exact=c",
    )


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("eq", [False, True, False]),
        ("ne", [True, False, True]),
        ("gt", [False, False, True]),
        ("lt", [True, False, False]),
        ("ge", [False, True, True]),
        ("le", [True, True, False]),
        ("sa", [False, False, True]),
        ("eb", [True, False, False]),
    ],
)
@pytest.mark.parametrize("name", ["birthdate", "probability"])
def test_a_prefix_compares_what_is_before_equal_and_after(name, prefix, found):
    if name == "birthdate":
        resources = [
            {"resourceType": "Patient", "birthDate": date} for date in ("2011-12-31", "2012-06", "2013")
        ]
        value = "2012"
    else:
        resources = [
            {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": number}]}
            for number in (0.1, 0.2, 0.3)
        ]
        value = "0.2"
    assert [finds(resource, (name, prefix + value)) for resource in resources] == found


def test_the_precision_of_a_searched_number_widens_it():
    values = [99.4, 99.5, 100, 100.4, 100.5]
    resources = [{"resourceType": "Observation", "valueQuantity": {"value": value}} for value in values]
    found = [finds(resource, ("value-quantity", "100")) for resource in resources]
    assert found == [False, True, True, True, False]


def test_about_a_date_is_a_tenth_of_the_time_until_now():
    now = datetime(2024, 1, 11, tzinfo=UTC)
    (match,) = criterion("Patient", "birthdate", "ap2024-01-01", Context(now=now)).alternatives
    assert (match.low, match.high) == (
        datetime(2023, 12, 31, tzinfo=UTC),
        datetime(2024, 1, 3, tzinfo=UTC),
    )


def test_a_moment_of_change_is_a_span():
    low, high = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC)
    assert criterion("Patient", "_lastUpdated", "2024-05-01") == LastUpdatedCriterion((Span(low, high),))


@pytest.mark.parametrize("prefix", ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"])
def test_each_prefix_of_the_moment_of_change_says_what_it_says_of_dates(prefix):
    spans = criterion("Patient", "_lastUpdated", f"{prefix}2024-05-01").spans
    start = datetime(2024, 4, 30, tzinfo=UTC)
    hits = [any(s.low <= start + timedelta(hours=h) < s.high for s in spans) for h in (12, 36, 60)]
    expected = {
        "eq": [False, True, False],
        "ne": [True, False, True],
        "gt": [False, False, True],
        "sa": [False, False, True],
        "lt": [True, False, False],
        "eb": [True, False, False],
        "ge": [False, True, True],
        "le": [True, True, False],
        "ap": [True, True, True],
    }
    assert hits == expected[prefix]


def test_an_alias_is_looked_up_where_its_entries_are():
    assert criterion("Observation", "patient", "1") == TermCriterion(("Observation.subject=Patient/1",))


def test_an_id_may_be_of_any_type_that_the_parameter_allows():
    assert set(criterion("Observation", "device", "1").terms) == {
        "Observation.device=Device/1",
        "Observation.device=DeviceMetric/1",
    }


def test_an_address_on_this_server_is_a_local_reference():
    context = Context(base="https://ours.example.org/fhir")
    found = criterion("Observation", "subject", "https://ours.example.org/fhir/Patient/1", context)
    assert found == TermCriterion(("Observation.subject=Patient/1",))


def test_a_chain_leads_to_the_type_it_names():
    assert criterion("Observation", "subject:Patient.family:exact", "Bo") == ChainCriterion(
        ("subject",), "Patient", TermCriterion(("Patient.family:exact=Bo",))
    )


def test_a_chain_through_an_alias_uses_its_source():
    found = criterion("Observation", "patient.identifier", "1")
    assert found == ChainCriterion(("subject",), "Patient", TermCriterion(("Patient.identifier=1",)))


def test_a_chain_without_a_type_leads_to_all_that_have_the_parameter():
    found = criterion("Observation", "subject.name", "bo")
    assert isinstance(found, AnyOf)
    assert [chain.target for chain in found.criteria] == ["Location", "Patient"]


def test_a_chain_can_have_several_links():
    found = criterion("Observation", "encounter:Encounter.location.name", "a")
    assert found.criterion.criterion == StringCriterion((StringMatch("Location.name", "a", "starts"),))


def test_has_looks_from_the_other_side():
    assert criterion("Patient", "_has:Observation:patient:code", "1") == HasCriterion(
        "Observation", ("subject",), TermCriterion(("Observation.code=1",))
    )


def test_has_can_be_nested():
    found = criterion("Patient", "_has:Observation:patient:_has:AuditEvent:entity:agent:missing", "true")
    assert found.criterion == HasCriterion("AuditEvent", ("entity",), MissingCriterion(("agent",), True))


def test_a_list_is_what_refers_to_its_entries():
    assert criterion("Patient", "_list", "42") == HasCriterion("List", ("item",), IdCriterion(("42",)))


def test_a_value_set_of_the_record_is_left_to_it():
    assert criterion("Observation", "code:in", "http://example.org/vs") == ValueSetCriterion(
        ("Observation.code=",), False, "http://example.org/vs"
    )


def test_the_codes_of_a_stored_value_set_become_terms():
    found = criterion("MedicationRequest", "code:in", VALUE_SET["url"])
    assert terms_of(found, codes(VALUE_SET)) == ("MedicationRequest.code=http://www.whocc.no/atc|N02BE01",)


def test_an_expansion_lists_the_codes_that_may_be_used():
    contains = [{"abstract": True, "code": "a", "contains": [{"system": "s", "code": "b"}]}]
    assert codes({"resourceType": "ValueSet", "expansion": {"contains": contains}}) == [("s", "b")]


@pytest.mark.parametrize(
    "include", [{"system": "s"}, {"system": "s", "filter": [{}]}, {"valueSet": ["http://example.org/v"]}]
)
def test_a_value_set_that_needs_a_terminology_server_is_refused(include):
    with pytest.raises(FhirError):
        codes({"resourceType": "ValueSet", "compose": {"include": [include]}})


def test_a_search_of_several_types_has_the_terms_of_each():
    query = parse(None, [("_type", "Patient,Observation"), ("_tag:not", "a")])
    assert query.types == ("Patient", "Observation")
    assert query.criteria == (TermCriterion(("Patient._tag=a", "Observation._tag=a"), negated=True),)


def test_a_search_of_the_whole_system_has_no_types():
    query = parse(None, [("_lastUpdated", "ap2024"), ("_id", "a")])
    assert query.types == ()
    assert [type(criterion) for criterion in query.criteria] == [LastUpdatedCriterion, IdCriterion]


def test_a_parameter_that_some_type_lacks_is_unknown():
    assert parse(None, [("_type", "Patient,Observation"), ("birthdate", "2024")]).unknown == ("birthdate",)


def test_an_unknown_parameter_is_named():
    assert parse("Patient", [("nonsense", "1"), ("x" * 100, "1")]).unknown == ("nonsense", "x" * 64)


def test_parameters_about_the_format_are_no_business_of_the_search():
    assert parse("Patient", [("_format", "json"), ("_pretty", "true"), ("_contained", "false")]) == parse(
        "Patient", []
    )


def test_the_results_are_shaped_by_their_parameters():
    query = parse(
        "Patient",
        [
            ("_count", "20"),
            ("_total", "accurate"),
            ("_summary", "text"),
            ("_elements", "name,Patient.gender"),
            ("_page", "x"),
        ],
    )
    assert (query.count, query.total, query.summary, query.elements, query.page) == (
        20,
        "accurate",
        "text",
        ("name", "gender"),
        "x",
    )


def test_a_page_has_a_limit():
    assert parse("Patient", [("_count", "1000000000000000")]).count == COUNT_MAX


def test_results_are_sorted_by_keys_of_tables():
    query = parse("Observation", [("_sort", "-date,combo-value-quantity,_lastUpdated")])
    assert query.sort == (
        SortKey("dates", ("Observation.date",), True),
        SortKey("quantities", ("Observation.component-value-quantity", "Observation.value-quantity"), False),
        SortKey("last_updated", (), False),
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("_include", "Observation:subject", Include("Observation", ("subject",), ())),
        ("_include", "Observation:subject:Device", Include("Observation", ("subject",), ("Device",))),
        ("_include", "Observation:patient", Include("Observation", ("subject",), ("Patient",))),
        ("_include:iterate", "Patient:organization", Include("Patient", ("organization",), (), iterate=True)),
        ("_include", "*", Include("Observation", (), ())),
        ("_include", "Observation:*", Include("Observation", (), ())),
        (
            "_revinclude",
            "Provenance:target",
            Include("Provenance", ("target",), ("Observation",), reverse=True),
        ),
    ],
)
def test_what_is_included(name, value, expected):
    assert parse("Observation", [(name, value)]).includes == (expected,)


@pytest.mark.parametrize(
    ("type_name", "name", "value", "code"),
    [
        ("Patient", "birthdate", "25-12-1948", "invalid"),
        ("Patient", "birthdate", "xx2024", "invalid"),
        ("Patient", "birthdate:exact", "2024", "not-supported"),
        ("Patient", "gender:contains", "m", "not-supported"),
        ("Patient", "gender:below", "m", "not-supported"),
        ("Patient", "gender:of-type", "a|b|c", "not-supported"),
        ("Patient", "identifier:of-type", "a|b", "invalid"),
        ("Patient", "name", "", "invalid"),
        ("Patient", "name", "a,,b", "invalid"),
        ("Patient", "name", "\u0301", "invalid"),
        ("Patient", "name", "a\x00b", "invalid"),
        ("Patient", "name", "\ud800", "invalid"),
        ("Patient", "name:missing", "yes", "invalid"),
        ("Patient", "phonetic", "a", "not-supported"),
        ("Patient", "_profile:below", "http://a", "not-supported"),
        ("Patient", "_lastUpdated:not", "2024", "not-supported"),
        ("Patient", "_text", "a", "not-supported"),
        ("Patient", "_content", "a", "not-supported"),
        ("Patient", "_filter", "a eq b", "not-supported"),
        ("Patient", "_contained", "true", "not-supported"),
        ("Patient", "_list", "$current-patients", "not-supported"),
        ("Patient", "_count", "-1", "invalid"),
        ("Patient", "_count", "ten", "invalid"),
        ("Patient", "_summary", "yes", "invalid"),
        ("Patient", "_total", "maybe", "invalid"),
        ("Patient", "_elements", "name;", "invalid"),
        ("Patient", "_sort", "gender", "not-supported"),
        ("Patient", "_sort", "nonsense", "not-supported"),
        ("Patient", "_sort", ",".join(["name"] * 9), "invalid"),
        ("Patient", "_include", "Patient", "invalid"),
        ("Patient", "_include", "Patient:name", "invalid"),
        ("Patient", "_include", "Nonsense:name", "invalid"),
        ("Patient", "_include:recurse", "Patient:organization", "not-supported"),
        ("Patient", "_revinclude", "*", "invalid"),
        ("QuestionnaireResponse", "_include", "QuestionnaireResponse:questionnaire", "not-supported"),
        ("QuestionnaireResponse", "questionnaire.title", "a", "not-supported"),
        ("Observation", "patient:Device", "1", "not-supported"),
        ("Observation", "subject:Practitioner", "1", "not-supported"),
        ("Observation", "subject.nonsense", "1", "invalid"),
        ("Observation", "code.name", "1", "invalid"),
        ("Observation", "value-quantity", "5|mg", "invalid"),
        ("Observation", "value-quantity", "five", "invalid"),
        ("Observation", "code-value-quantity", "1", "invalid"),
        ("Observation", "code-value-quantity", "1$2$3", "invalid"),
        ("Observation", "component-code-value-quantity", f"{LOINC}|$2", "invalid"),
        ("Patient", "_has:Observation:code:date", "1", "invalid"),
        ("Patient", "_has:Observation:patient", "1", "invalid"),
        ("Patient", "_has:Observation:patient:nonsense", "1", "invalid"),
        ("Provenance", "target.identifier", "1", "too-costly"),
        ("Location", "near", "55|12|10|km", "not-supported"),
        ("MolecularSequence", "chromosome-variant-coordinate", "1$2$3", "not-supported"),
        ("Patient", "name", "a," * ALTERNATIVES_MAX + "a", "too-costly"),
        ("Observation", "_has:Observation:has-member:" * (LINKS_MAX + 1) + "code", "a", "too-costly"),
        ("Observation", "has-member:Observation." * (LINKS_MAX + 1) + "code", "a", "too-costly"),
    ],
)
def test_what_is_not_understood_is_refused(type_name, name, value, code):
    assert refusal(type_name, (name, value)).code == code


def test_an_error_names_the_parameter_and_never_the_value():
    issue = refusal("Patient", ("birthdate", "251248-9996"))
    assert "birthdate" in issue.text("da")
    assert "251248" not in issue.text("da") + issue.text("en")


def test_a_search_has_a_limited_number_of_parameters():
    assert refusal("Patient", *[("name", "a")] * (PARAMETERS_MAX + 1)).code == "too-costly"


def test_a_result_parameter_is_given_once():
    assert refusal("Patient", ("_count", "1"), ("_count", "2")).code == "invalid"


def test_a_type_that_does_not_exist_cannot_be_searched():
    assert refusal(None, ("_type", "Nonsense")).code == "invalid"


def test_every_parameter_of_the_standard_takes_a_value_of_its_type():
    samples = {"date": "2024", "number": "1", "quantity": "1", "composite": None}
    for type_name in resource_types():
        for code, parameter in search_parameters(type_name).items():
            values = [samples.get(component.type, "a") for component in parameter.components]
            value = "$".join(values) if values else samples.get(parameter.type, "a")
            assert parse(type_name, [(code, value)]).criteria
            assert parse(type_name, [(f"{code}:missing", "true")]).criteria


def test_a_missing_composite_lacks_one_of_its_parts():
    assert criterion("Observation", "code-value-date:missing", "true") == AnyOf(
        (MissingCriterion(("code",), True), MissingCriterion(("value-date",), True))
    )


def test_a_present_composite_has_all_of_its_parts():
    assert criterion("Observation", "code-value-date:missing", "false") == AllOf(
        (MissingCriterion(("code",), False), MissingCriterion(("value-date",), False))
    )


@given(st.sampled_from(ALL), st.data())
def test_a_resource_is_found_by_each_of_its_own_tokens(resource, data):
    type_name = resource["resourceType"]
    tokens = [
        term.removeprefix(f"{type_name}.").partition("=")
        for term in extract(resource).terms
        if search_parameters(type_name).get(term.partition("=")[0].partition(".")[2], None)
    ]
    code, _, value = data.draw(st.sampled_from(tokens))
    parameter = search_parameters(type_name)[code]
    assume(parameter.type in ("token", "reference", "uri"))
    separators = "\\,$" if parameter.type == "token" else "\\,$|"
    escaped = "".join("\\" + character if character in separators else character for character in value)
    assert finds(resource, (code, escaped))


@given(
    st.dates(min_value=date(1000, 1, 1)),
    st.sampled_from([4, 7, 10]),
    st.sampled_from(["", "eq", "ge", "le"]),
)
def test_a_date_is_found_by_itself(day, length, prefix):
    text = day.isoformat()[:length]
    assert finds({"resourceType": "Patient", "birthDate": text}, ("birthdate", prefix + text))


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**6), max_value=10**6),
    st.sampled_from(["mg", "mmol/L", "mm[Hg]", "Cel", "[degF]", "/min", "nonsense", "[iU]/L"]),
    st.sampled_from(["", "eq", "ge", "le", "ap"]),
)
def test_a_quantity_is_found_by_itself(number, unit, prefix):
    quantity = f'{{"value": {number:f}, "system": "{UCUM}", "code": "{unit}"}}'
    resource = written(f'{{"resourceType": "Observation", "valueQuantity": {quantity}}}')
    assert finds(resource, ("value-quantity", f"{prefix}{number:f}|{UCUM}|{unit}"))


@given(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1))
def test_a_string_is_found_by_itself(text):
    resource = {"resourceType": "Patient", "name": [{"family": text}]}
    escaped = "".join("\\" + character if character in "\\,$|" else character for character in text)
    assert finds(resource, ("family:exact", escaped))


@given(
    st.sampled_from([*sorted(resource_types()), None]),
    st.lists(st.tuples(st.text(), st.text()), max_size=5),
)
def test_any_text_is_a_search_or_refused(type_name, parameters):
    understood_or_refused(type_name, parameters)


@given(
    st.sampled_from(["Patient", "Observation", "ValueSet"]),
    st.data(),
    st.sampled_from(
        [
            "",
            ":not",
            ":in",
            ":exact",
            ":contains",
            ":missing",
            ":below",
            ":above",
            ":text",
            ":identifier",
            ":Patient",
            ".name",
        ]
    ),
    st.text(alphabet="gelta0123456789-:.TZ+|$,\\ /nopr"),
)
def test_any_value_of_a_known_parameter_is_a_search_or_refused(type_name, data, modifier, value):
    code = data.draw(
        st.sampled_from([*sorted(search_parameters(type_name)), "_sort", "_include", "_count", "_list"])
    )
    understood_or_refused(type_name, [(code + modifier, value)])
