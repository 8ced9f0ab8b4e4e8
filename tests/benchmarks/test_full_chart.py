"""The full chart is made of a patient's own stay, and the stays before lie before it."""

from __future__ import annotations

from typing import Any

from altid import sample
from benchmarks import full_chart

MINE = full_chart.of("r7-p0", sample.bundles(patients=1, seed=7))


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["resource"] for each in bundle["entry"]]


def test_every_stay_has_names_of_its_own() -> None:
    stays = [MINE, *full_chart.before(MINE, 4)]
    names = [(each["resourceType"], each["id"]) for stay in stays for each in resources(stay)]
    assert len(stays) == 4
    assert len(set(names)) == len(names)


def test_a_stay_before_refers_to_itself_and_to_the_patient() -> None:
    [stay] = full_chart.before(MINE, 2)
    observation = next(each for each in resources(stay) if each["resourceType"] == "Observation")
    assert observation["subject"]["reference"] == "Patient/r7-p0"
    assert observation["encounter"]["reference"].endswith("-before-1")
    assert stay["entry"][0]["request"]["url"].endswith("-before-1")


def test_what_was_before_is_over_and_older() -> None:
    [stay] = full_chart.before(MINE, 2)
    [was] = [each for each in resources(stay) if each["resourceType"] == "Encounter"]
    [now] = [each for each in resources(MINE) if each["resourceType"] == "Encounter"]
    assert was["status"] == "finished"
    assert was["period"]["start"] < now["period"]["start"]
