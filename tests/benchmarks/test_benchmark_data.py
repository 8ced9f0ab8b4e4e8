"""The data that is measured with."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from altid.fhir.json import dumps
from benchmarks import dataset
from benchmarks.dataset import Dataset


def test_the_data_holds_as_many_resources_as_it_says() -> None:
    data = Dataset(patients=5, repeats=3)
    assert sum(len(bundle["entry"]) for bundle in data.bundles()) == data.resources == 5 * 16


def test_loading_can_go_on_from_a_patient() -> None:
    bundles = list(Dataset(patients=7).bundles(first=4, patients_per_bundle=2))
    ids = [entry["resource"]["id"] for bundle in bundles for entry in bundle["entry"]]
    assert [id_ for id_ in ids if id_.count("-") == 1] == ["bench-4", "bench-5", "bench-6"]


def test_the_data_is_the_same_every_time() -> None:
    assert dataset.observation(3, 1, 2) == dataset.observation(3, 1, 2)
    assert dataset.patient(3) == dataset.patient(3)


def test_an_observation_has_about_one_kilobyte() -> None:
    created = dataset.new_observation(7, 0, random.Random(1), datetime(2026, 1, 1, tzinfo=UTC))
    assert 800 < len(dumps(created)) < 1100


def test_every_resource_has_its_own_id() -> None:
    entries = [entry for bundle in Dataset(patients=12).bundles() for entry in bundle["entry"]]
    assert len({entry["request"]["url"] for entry in entries}) == len(entries)
