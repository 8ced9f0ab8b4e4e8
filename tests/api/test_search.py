"""Search, each kind of parameter once end to end; the grammar itself is tested with the standard's room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Create = Callable[..., dict[str, Any]]
Search = Callable[..., list[str]]

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


@pytest.fixture
def search(fhir: httpx.Client, unique: str) -> Search:
    """Names (family or code text) of what a search finds among this test's own resources."""

    def search(query: str) -> list[str]:
        separator = "&" if "?" in query else "?"
        response = fhir.get(f"/{query}{separator}_tag={unique}&_count=1000")
        assert response.status_code == 200, response.text
        resources = [
            e["resource"] for e in response.json().get("entry", ()) if e["search"]["mode"] == "match"
        ]
        return sorted(resource["meta"]["tag"][0]["display"] for resource in resources)

    return search


@pytest.fixture
def make(create: Create, unique: str) -> Create:
    """Create a resource that carries this test's tag and a name to know it by."""

    def make(label: str, type_: str, /, **elements: Any) -> dict[str, Any]:
        return create(type_, meta={"tag": [{"code": unique, "display": label}]}, **elements)

    return make


def observation(code: str = "8867-4", system: str | None = LOINC, **elements: Any) -> dict[str, Any]:
    coding = {"code": code} if system is None else {"code": code, "system": system}
    return {"status": "final", "code": {"coding": [coding], "text": "Puls"}, **elements}


def quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def test_a_token_is_found_by_system_and_code_or_either(make: Create, search: Search) -> None:
    make("loinc", "Observation", **observation("a"))
    make("other", "Observation", **observation("a", "http://other.dk"))
    make("bare", "Observation", **observation("a", None))
    assert search("Observation?code=a") == ["bare", "loinc", "other"]
    assert search(f"Observation?code={LOINC}|a") == ["loinc"]
    assert search(f"Observation?code={LOINC}|") == ["loinc"]
    assert search("Observation?code=|a") == ["bare"]
    assert search(f"Observation?code={LOINC}|b,http://other.dk|a") == ["other"]
    assert search(f"Observation?code:not={LOINC}|a") == ["bare", "other"]
    assert search("Observation?code:text=puls") == ["bare", "loinc", "other"]


def test_strings_are_found_by_their_beginning_without_case_and_accents(make: Create, search: Search) -> None:
    make("lassoe", "Patient", name=[{"family": "Læssøe", "given": ["René"]}])
    make("andersen", "Patient", name=[{"family": "Andersen", "given": ["Karen"]}])
    make("anderson", "Patient", name=[{"family": "anderson"}])
    assert search("Patient?name=anders") == ["andersen", "anderson"]
    assert search("Patient?family:exact=Andersen") == ["andersen"]
    assert search("Patient?name:contains=derse") == ["andersen"]
    assert search("Patient?given=rene") == ["lassoe"]
    assert search("Patient?family=ssen") == []
    assert search("Patient?given=karen&family=andersen") == ["andersen"]
    assert search("Patient?name=%25") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("2024", ["day", "month", "time"]),
        ("2024-05", ["day", "month", "time"]),
        ("2024-05-10", ["day", "time"]),
        ("ne2024-05-10", ["month", "next", "open"]),
        ("gt2024-05-10", ["month", "next", "open"]),
        ("lt2024-05-10", ["month"]),
        ("ge2024-05-10", ["day", "month", "next", "open", "time"]),
        ("le2024-05-10", ["day", "month", "time"]),
        ("sa2024-05-10", ["next", "open"]),
        ("eb2024-05-10", []),
        ("eb2024-06", ["day", "month", "time"]),
        ("2024-05-10T12:30:00Z", ["time"]),
        ("ge2024-05-11&date=lt2026", ["month", "next"]),
        ("2024-05-10,2025-01-01", ["day", "next", "time"]),
    ],
)
def test_dates_respect_their_precision(make: Create, search: Search, query: str, expected: list[str]) -> None:
    make("month", "Observation", **observation(effectiveDateTime="2024-05"))
    make("day", "Observation", **observation(effectiveDateTime="2024-05-10"))
    make("time", "Observation", **observation(effectiveDateTime="2024-05-10T14:30:00+02:00"))
    make("next", "Observation", **observation(effectiveDateTime="2025-01-01"))
    make("open", "Observation", **observation(effectivePeriod={"start": "2025-02-01"}))
    found = search(f"Observation?date={query}")
    # An open period begins after 2025-02 and never ends, so "lt2026" leaves it in.
    assert [name for name in found if name != "open" or "open" in expected] == expected


def test_numbers_and_quantities_compare_by_value_and_unit(make: Create, search: Search) -> None:
    make("low", "Observation", **observation(valueQuantity=quantity(5.4, "mmol/L")))
    make("high", "Observation", **observation(valueQuantity=quantity(6.0, "mmol/L")))
    make("grams", "Observation", **observation(valueQuantity=quantity(1.5, "g")))
    make(
        "risk",
        "RiskAssessment",
        status="final",
        subject={"reference": "Patient/1"},
        prediction=[{"probabilityDecimal": 0.8}],
    )
    assert search("Observation?value-quantity=5.4") == ["low"]
    assert search("Observation?value-quantity=gt5.4") == ["high"]
    assert search(f"Observation?value-quantity=5.4|{UCUM}|mmol/L") == ["low"]
    assert search(f"Observation?value-quantity=0.0054|{UCUM}|mol/L") == ["low"]
    assert search(f"Observation?value-quantity=1500|{UCUM}|mg") == ["grams"]
    assert search("Observation?value-quantity=ge6||mmol/L") == ["high"]
    assert search("RiskAssessment?probability=gt0.7") == ["risk"]
    assert search("RiskAssessment?probability=lt0.7") == []


def test_composites_match_within_one_component(make: Create, search: Search) -> None:
    def component(code: str, value: float) -> dict[str, Any]:
        return {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": quantity(value, "mm[Hg]"),
        }

    make(
        "normal", "Observation", **observation(component=[component("8480-6", 120), component("8462-4", 80)])
    )
    make("high", "Observation", **observation(component=[component("8480-6", 180), component("8462-4", 80)]))
    make("pulse", "Observation", **observation("8867-4", valueQuantity=quantity(150, "/min")))
    assert search("Observation?component-code-value-quantity=8480-6$gt140") == ["high"]
    assert search("Observation?component-code-value-quantity=8462-4$gt140") == []
    assert search("Observation?code-value-quantity=8867-4$gt140") == ["pulse"]
    assert search(f"Observation?combo-code-value-quantity={LOINC}|8480-6$lt140") == ["normal"]
    assert search("Observation?combo-value-quantity=gt140") == ["high", "pulse"]


def test_references_are_found_by_type_id_url_and_chain(make: Create, search: Search, server: str) -> None:
    ada = make("ada", "Patient", name=[{"family": "Ada"}], gender="female")
    bob = make("bob", "Patient", name=[{"family": "Bob"}], gender="male")
    for patient in (ada, bob):
        name = patient["name"][0]["family"]
        make(name, "Observation", **observation(subject={"reference": f"Patient/{patient['id']}"}))
    number = {"system": "http://n.dk", "value": "7"}
    make("logical", "Observation", **observation(subject={"identifier": number}))
    for query in (
        f"subject=Patient/{ada['id']}",
        f"patient={ada['id']}",
        f"patient=Patient/{ada['id']}",
        f"subject:Patient={ada['id']}",
        f"subject={server}/fhir/Patient/{ada['id']}",
        "subject:Patient.name=ada",
        "patient.gender=female",
    ):
        assert search(f"Observation?{query}") == ["Ada"], query
    assert search("Observation?subject:identifier=http://n.dk|7") == ["logical"]
    assert search("Patient?_has:Observation:patient:code=8867-4") == ["ada", "bob"]
    assert search("Patient?_has:Observation:patient:code=8867-4&gender=male") == ["bob"]
    assert search("Patient?_has:Observation:patient:code=nothing") == []


def test_chains_and_reverse_chains_nest(make: Create, search: Search) -> None:
    region = make("region", "Organization", name="Region Midt")
    ward = make("ward", "Organization", name="Afdeling", partOf={"reference": f"Organization/{region['id']}"})
    ada = make("ada", "Patient", managingOrganization={"reference": f"Organization/{ward['id']}"})
    make("seen", "Observation", **observation(subject={"reference": f"Patient/{ada['id']}"}))
    assert search("Observation?subject:Patient.organization.partof.name=region") == ["seen"]
    assert search("Observation?patient.organization:Organization.partof:Organization.name=midt") == []
    assert search("Organization?_has:Patient:organization:_has:Observation:patient:code=8867-4") == ["ward"]


def test_missing_tells_whether_a_parameter_has_a_value(make: Create, search: Search) -> None:
    make("with", "Patient", gender="female")
    make("without", "Patient", active=True)
    assert search("Patient?gender:missing=true") == ["without"]
    assert search("Patient?gender:missing=false") == ["with"]


def test_uris_are_found_exactly_and_below(make: Create, search: Search) -> None:
    make("a", "ValueSet", status="active", url="http://x.dk/vs/a")
    make("ab", "ValueSet", status="active", url="http://x.dk/vs/a/b")
    assert search("ValueSet?url=http://x.dk/vs/a") == ["a"]
    assert search("ValueSet?url:below=http://x.dk/vs/a") == ["a", "ab"]
    assert search("ValueSet?url:above=http://x.dk/vs/a/b") == ["a", "ab"]


def test_a_stored_value_set_can_be_searched_in(make: Create, search: Search, unique: str) -> None:
    include = [{"system": LOINC, "concept": [{"code": "8867-4"}]}]
    url = f"http://x.dk/vs/{unique}"
    make("pulses", "ValueSet", status="active", url=url, compose={"include": include})
    make("pulse", "Observation", **observation())
    make("weight", "Observation", **observation("29463-7"))
    assert search(f"Observation?code:in={url}") == ["pulse"]
    assert search(f"Observation?code:not-in={url}") == ["weight"]


def test_identifiers_are_found_by_their_type(make: Create, search: Search) -> None:
    type_ = {"coding": [{"system": "http://t.dk", "code": "MR"}]}
    make("mine", "Patient", identifier=[{"type": type_, "value": "12"}])
    make("other", "Patient", identifier=[{"value": "12"}])
    assert search("Patient?identifier:of-type=http://t.dk|MR|12") == ["mine"]


def test_lists_profiles_and_ids_restrict_a_search(make: Create, search: Search) -> None:
    ada = make("ada", "Patient", active=True)
    make("bob", "Patient", active=True)
    entry = [{"item": {"reference": f"Patient/{ada['id']}"}}]
    lists = make("list", "List", status="current", mode="working", entry=entry)
    assert search(f"Patient?_list={lists['id']}") == ["ada"]
    assert search(f"Patient?_id={ada['id']}") == ["ada"]


def test_an_update_is_found_by_its_new_values_only(fhir: httpx.Client, make: Create, search: Search) -> None:
    stored = make("it", "Patient", gender="female", birthDate="1950-01-01", name=[{"family": "Gammel"}])
    new = {**stored, "gender": "male", "birthDate": "1960-01-01", "name": [{"family": "Ny"}]}
    assert fhir.put(f"/Patient/{stored['id']}", json=new).status_code == 200
    assert (
        search("Patient?gender=female")
        == search("Patient?birthdate=1950")
        == search("Patient?name=gammel")
        == []
    )
    assert search("Patient?gender=male&birthdate=1960&name=ny") == ["it"]


def test_last_updated_finds_and_sorts(fhir: httpx.Client, make: Create, search: Search, unique: str) -> None:
    first, second = make("first", "Patient", active=True), make("second", "Patient", active=True)
    assert search(f"Patient?_lastUpdated=gt{first['meta']['lastUpdated']}") == ["second"]
    assert search("Patient?_lastUpdated=lt2020-01-01") == []
    newest = fhir.get(f"/Patient?_tag={unique}&_sort=-_lastUpdated").json()["entry"]
    assert [e["resource"]["id"] for e in newest] == [second["id"], first["id"]]
    anywhere = fhir.get("/Patient?_sort=-_lastUpdated&_count=1").json()["entry"]
    assert [e["resource"]["id"] for e in anywhere] == [second["id"]]


def test_unknown_parameters_are_named_or_refused(fhir: httpx.Client) -> None:
    lenient = fhir.get("/Patient?shoesize=43&_count=1").json()
    outcome = lenient["entry"][-1]
    assert outcome["search"]["mode"] == "outcome"
    assert "shoesize" in outcome["resource"]["issue"][0]["diagnostics"]
    assert "shoesize" not in lenient["link"][0]["url"]
    strict = fhir.get("/Patient?shoesize=43", headers={"prefer": "handling=strict"})
    assert strict.status_code == 400
    assert "shoesize" in strict.text


def test_a_search_can_be_posted(fhir: httpx.Client, make: Create, unique: str) -> None:
    make("it", "Patient", gender="female")
    response = fhir.post("/Patient/_search", data={"gender": "female", "_tag": unique})
    assert response.json()["total"] == 1
    both = fhir.post("/Patient/_search?gender=male", data={"_tag": unique})
    assert both.json()["total"] == 0


def test_the_whole_system_is_searched_by_type(fhir: httpx.Client, make: Create, unique: str) -> None:
    make("p", "Patient", active=True)
    make("o", "Observation", **observation())
    make("f", "Flag", status="active", code={"text": "x"}, subject={"reference": "Patient/1"})
    response = fhir.get(f"?_type=Patient,Observation&_tag={unique}").json()
    assert sorted(e["resource"]["resourceType"] for e in response["entry"]) == ["Observation", "Patient"]
    assert fhir.get(f"?_tag={unique}").json()["total"] == 3


def test_a_compartment_holds_what_is_about_its_patient(fhir: httpx.Client, make: Create, unique: str) -> None:
    ada, bob = make("ada", "Patient", active=True), make("bob", "Patient", active=True)
    for patient in (ada, bob):
        make("o", "Observation", **observation(subject={"reference": f"Patient/{patient['id']}"}))
    own = fhir.get(f"/Patient/{ada['id']}/Observation").json()
    assert own["total"] == 1
    assert own["entry"][0]["resource"]["subject"]["reference"] == f"Patient/{ada['id']}"
    assert fhir.get(f"/Patient/{ada['id']}/*?_tag={unique}").json()["total"] == 1
    assert fhir.get(f"/Patient/{ada['id']}/Medication").status_code == 404


def included(fhir: httpx.Client, query: str) -> list[str]:
    entries = fhir.get(query).json()["entry"]
    return sorted(e["resource"]["resourceType"] for e in entries if e["search"]["mode"] == "include")


def test_includes_bring_what_is_referred_to_once(fhir: httpx.Client, make: Create, unique: str) -> None:
    region = make("region", "Organization", name="R")
    ward = make("ward", "Organization", name="W", partOf={"reference": f"Organization/{region['id']}"})
    ada = make("ada", "Patient", managingOrganization={"reference": f"Organization/{ward['id']}"})
    for _ in range(2):
        make("o", "Observation", **observation(subject={"reference": f"Patient/{ada['id']}"}))
    query = f"/Observation?_tag={unique}"
    assert included(fhir, query + "&_include=Observation:subject") == ["Patient"]
    assert included(fhir, query + "&_include=Observation:patient") == ["Patient"]
    assert included(fhir, query + "&_include=Observation:subject:Group") == []
    assert included(fhir, query + "&_include=*") == ["Patient"]
    onward = query + "&_include=Observation:subject&_include:iterate=Patient:organization"
    assert included(fhir, onward) == ["Organization", "Patient"]
    assert included(fhir, onward + "&_include:iterate=Organization:partof") == ["Organization"] * 2 + [
        "Patient"
    ]
    back = f"/Patient?_tag={unique}&_revinclude=Observation:subject"
    assert included(fhir, back) == ["Observation", "Observation"]
    assert included(fhir, back + "&_count=1&_sort=_id") == ["Observation", "Observation"]


def test_summaries_and_elements_show_a_marked_part(fhir: httpx.Client, make: Create, unique: str) -> None:
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    stored = make("it", "Patient", text=text, gender="female", maritalStatus={"text": "gift"})

    def shown(parameters: str) -> dict[str, Any]:
        resource: dict[str, Any] = fhir.get(f"/Patient?_tag={unique}&{parameters}").json()["entry"][0][
            "resource"
        ]
        assert "SUBSETTED" in [tag["code"] for tag in resource["meta"]["tag"]]
        return resource

    assert set(shown("_elements=gender")) == {"resourceType", "id", "meta", "gender"}
    assert set(shown("_summary=true")) == {"resourceType", "id", "meta", "gender"}
    assert set(shown("_summary=text")) == {"resourceType", "id", "meta", "text"}
    assert "text" not in shown("_summary=data")
    assert fhir.get(f"/Patient?_tag={unique}&_summary=count").json()["total"] == 1
    read = fhir.get(f"/Patient/{stored['id']}?_elements=gender").json()
    assert set(read) == {"resourceType", "id", "meta", "gender"}


def test_totals_are_exact_when_asked_for(fhir: httpx.Client, make: Create, unique: str) -> None:
    for _ in range(3):
        make("it", "Patient", active=True)
    query = f"/Patient?_tag={unique}&_count=2"
    assert "total" not in fhir.get(query).json()
    assert fhir.get(query + "&_total=accurate").json()["total"] == 3
    assert "total" in fhir.get(query + "&_total=estimate").json()
    assert fhir.get(f"/Patient?_tag={unique}&_count=0").json()["total"] == 3


def pages(fhir: httpx.Client, query: str, between: Callable[[], object] = lambda: None) -> list[str]:
    seen: list[str] = []
    url: str | None = query
    while url:
        bundle = fhir.get(url).json()
        seen += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
        between()
    return seen


@pytest.mark.parametrize(
    "sort",
    [
        "",
        "&_sort=_id",
        "&_sort=-_id",
        "&_sort=birthdate",
        "&_sort=-birthdate,family",
        "&_sort=family",
        "&_sort=-_lastUpdated",
    ],
)
def test_pages_show_each_resource_once_whatever_the_order(
    fhir: httpx.Client, make: Create, unique: str, sort: str
) -> None:
    ids = [
        make("it", "Patient", birthDate=f"19{50 + number // 3}", name=[{"family": f"F{number % 2}"}])["id"]
        for number in range(7)
    ] + [make("it", "Patient", active=True)["id"] for _ in range(3)]
    whole = [e["resource"]["id"] for e in fhir.get(f"/Patient?_tag={unique}{sort}").json()["entry"]]
    assert sorted(whole) == sorted(ids)
    assert pages(fhir, f"/Patient?_tag={unique}&_count=3{sort}") == whole


def test_pages_stay_consistent_while_others_write(fhir: httpx.Client, make: Create, unique: str) -> None:
    stored = [make("it", "Patient", birthDate=f"19{50 + number}") for number in range(9)]
    victims = iter([stored[0], stored[8]])

    def meanwhile() -> None:
        make("new", "Patient", birthDate="1940-01-01")
        make("new", "Patient", birthDate="2020-01-01")
        victim = next(victims, None)
        if victim is not None:
            fhir.delete(f"/Patient/{victim['id']}")

    seen = pages(fhir, f"/Patient?_tag={unique}&_count=3&_sort=birthdate", meanwhile)
    # Nothing twice, nothing new, and all that was there throughout.
    assert seen == [patient["id"] for patient in stored[:8]]


def test_sorting_puts_missing_values_last(fhir: httpx.Client, make: Create, unique: str) -> None:
    make("none", "Patient", active=True)
    make("old", "Patient", birthDate="1950")
    make("young", "Patient", birthDate="2000")

    def names(sort: str) -> list[str]:
        entries = fhir.get(f"/Patient?_tag={unique}&_sort={sort}").json()["entry"]
        return [e["resource"]["meta"]["tag"][0]["display"] for e in entries]

    assert names("birthdate") == ["old", "young", "none"]
    assert names("-birthdate") == ["young", "old", "none"]


@pytest.mark.parametrize(
    "query",
    [
        "birthdate=yesterday",
        "birthdate=2024-13",
        "_count=-1",
        "_count=many",
        "_lastUpdated=x",
        "_sort=nothing",
        "_summary=perhaps",
        "_total=some",
        "_page=garbage",
        "_include=nonsense",
        "name:fuzzy=x",
        "gender:missing=perhaps",
        "_has:Observation:patient=x",
        "organization.nothing=x",
    ],
)
def test_a_value_that_cannot_be_used_is_a_clear_error(fhir: httpx.Client, query: str) -> None:
    response = fhir.get(f"/Patient?{query}")
    assert response.status_code == 400, response.text
    value = query.partition("=")[2]
    diagnostics = response.json()["issue"][0]["diagnostics"]
    assert value not in ("yesterday", "2024-13") or value not in diagnostics
