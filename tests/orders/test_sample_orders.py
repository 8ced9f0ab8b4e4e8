"""The sample region's orders hold what a Danish order must hold, and are understood in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

import pytest

from altid.fhir.json import dumps, loads
from altid.orders.catalogue import Catalogue
from altid.orders.context import Context
from altid.orders.elements import target
from altid.orders.signing import Examined, examine
from altid.sample.region import resources
from tests.orders.orders import Resource

PATIENTS = 60


@pytest.fixture(scope="module")
def examined() -> list[Examined]:
    """Each order as it would have been at the time of its signing, had the patient nothing else."""
    return list(_examined([loads(dumps(resource)) for resource in resources(PATIENTS, 1)]))


def _examined(region: list[Resource]) -> Iterator[Examined]:
    kinds: dict[str, list[Resource]] = defaultdict(list)
    for resource in region:
        kinds[resource["resourceType"]].append(resource)
    catalogue = Catalogue.of(kinds["Medication"])
    patients = {f"Patient/{patient['id']}": patient for patient in kinds["Patient"]}
    for order in (*kinds["MedicationRequest"], *kinds["ServiceRequest"]):
        whom = target(order["subject"])
        assert whom
        alive = {key: value for key, value in patients[whom].items() if not key.startswith("deceased")}
        allergies = [each for each in kinds["AllergyIntolerance"] if target(each["patient"]) == whom]
        when = datetime.fromisoformat(order["authoredOn"])
        yield examine(order, Context(alive, when, allergies, catalogue=catalogue))


def test_there_are_orders_of_both_kinds(examined: list[Examined]) -> None:
    assert {each.resource["resourceType"] for each in examined} == {"MedicationRequest", "ServiceRequest"}


def test_no_order_lacks_anything(examined: list[Examined]) -> None:
    errors = [finding for each in examined for finding in each.findings if finding.severity == "error"]
    assert errors == []


def test_nobody_gets_what_they_do_not_tolerate_or_more_than_the_maximum(examined: list[Examined]) -> None:
    warned = {finding.code for each in examined for finding in each.findings}
    assert warned <= {"renal-value-missing"}
