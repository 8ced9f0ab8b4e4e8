from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from altid.fhir.json import dumps
from altid.fhir.validation import validate
from altid.sample import PATIENTS_MAX, SEED_MAX, bundles, resources
from altid.sample.moments import DANISH_TIME
from altid.sample.places import BEDS
from altid.sample.region import Kind, kind_of

Groups = list[list[dict[str, Any]]]


def _bytes(patients: int, seed: int) -> list[bytes]:
    return [dumps(bundle) for bundle in bundles(patients, seed)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert _bytes(12, seed=7) == _bytes(12, seed=7)


def test_another_seed_gives_other_people() -> None:
    assert _bytes(1, seed=7)[3] != _bytes(1, seed=8)[3]


def test_a_patient_is_the_same_however_many_are_asked_for() -> None:
    assert _bytes(6, seed=3)[3:] == _bytes(40, seed=3)[3:9]


def test_resources_are_those_of_the_bundles() -> None:
    entries = [entry["resource"] for bundle in bundles(5, seed=2) for entry in bundle["entry"]]
    assert dumps(list(resources(5, seed=2))) == dumps(entries)


def test_every_resource_is_valid(written: Groups) -> None:
    issues = [
        (resource["resourceType"], issue.expression, issue.text("en"))
        for group in written
        for resource in group
        for issue in validate(resource)
    ]
    assert issues == []


def test_a_bundle_is_a_valid_transaction() -> None:
    assert [issue for bundle in bundles(3, seed=1) for issue in validate(bundle)] == []


def test_references_lead_to_what_was_written_before(written: Groups) -> None:
    known: set[str] = set()
    dangling: set[str] = set()
    for group in written:
        for resource in group:
            dangling |= set(_references(resource)) - known
            known.add(f"{resource['resourceType']}/{resource['id']}")
    assert dangling == set()


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for child in value.values():
            yield from _references(child)
    elif isinstance(value, list):
        for child in value:
            yield from _references(child)


def test_entries_are_put_under_their_own_id() -> None:
    for bundle in bundles(2, seed=1):
        for entry in bundle["entry"]:
            place = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            assert entry["request"] == {"method": "PUT", "url": place}
            assert entry["fullUrl"].endswith(f"/{place}")


def test_no_id_is_used_twice(written: Groups) -> None:
    ids = [(resource["resourceType"], resource["id"]) for group in written for resource in group]
    assert len(ids) == len(set(ids))


def test_everything_is_tagged_as_synthetic(written: Groups) -> None:
    tags = {tag["code"] for group in written for resource in group for tag in resource["meta"]["tag"]}
    assert tags == {"synthetic"}
    assert all(resource["meta"]["tag"] for group in written for resource in group)


def test_all_kinds_of_patients_are_among_the_first_thirty() -> None:
    assert {kind_of(index) for index in range(30)} == set(Kind)


def test_no_two_patients_lie_in_one_bed(patients: Groups) -> None:
    beds = [
        encounter["location"][1]["location"]["reference"]
        for group in patients
        for encounter in group
        if encounter["resourceType"] == "Encounter" and encounter["status"] == "in-progress"
    ]
    assert len(beds) == len(patients) / 3
    assert len(beds) == len(set(beds))


def test_when_the_beds_are_taken_further_patients_have_gone_home() -> None:
    assert kind_of(3 * len(BEDS) - 3) is Kind.IN_BED
    assert kind_of(3 * len(BEDS)) is Kind.DISCHARGED


def test_the_first_patients_of_a_whole_region_come_at_once() -> None:
    assert len(list(islice(bundles(PATIENTS_MAX, seed=1), 5))) == 5


def test_memory_does_not_grow_with_the_number_of_patients() -> None:
    assert _peak_bytes(45) < 1.5 * _peak_bytes(15)


def _peak_bytes(patients: int) -> int:
    stream = bundles(patients, seed=1)
    list(islice(stream, 3))
    tracemalloc.start()
    try:
        for bundle in stream:
            assert bundle["entry"]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_nothing_that_happened_lies_after_the_reference_moment() -> None:
    now = datetime(2026, 7, 4, 3, 30, tzinfo=DANISH_TIME)
    happened = ("effectiveDateTime", "issued", "authoredOn", "date", "recordedDate", "receivedTime")
    late = [
        (resource["resourceType"], key)
        for resource in islice(resources(60, 1, now), None)
        for key in happened
        if key in resource and _moment(resource[key]) > now
    ]
    assert late == []


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00+01:00")


def test_the_region_moves_with_the_reference_moment() -> None:
    early, late = datetime(2020, 2, 3, 9, tzinfo=UTC), datetime(2020, 2, 17, 9, tzinfo=UTC)
    first, second = _admitted(early), _admitted(late)
    assert second - first == timedelta(days=14)


def _admitted(reference: datetime) -> datetime:
    encounters = [each for each in resources(1, 1, reference) if each["resourceType"] == "Encounter"]
    return datetime.fromisoformat(encounters[-1]["period"]["start"])


@pytest.mark.parametrize("patients", [-1, PATIENTS_MAX + 1])
def test_an_impossible_number_of_patients_is_refused(patients: int) -> None:
    with pytest.raises(ValueError, match="number of patients"):
        bundles(patients, seed=1)


@pytest.mark.parametrize("seed", [-1, SEED_MAX + 1])
def test_an_impossible_seed_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        bundles(1, seed)


def test_a_reference_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        bundles(1, 1, datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_reference_moment_after_which_the_cpr_numbers_could_be_real_is_refused() -> None:
    with pytest.raises(ValueError, match="2036"):
        bundles(1, 1, datetime(2037, 1, 2, tzinfo=UTC))
