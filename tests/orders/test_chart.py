"""What is read around an order: all that the checks need, of this patient, and nothing of others."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from altid.orders.chart import Chart, read_chart
from altid.orders.receipt import identity_of, order_id, write_key
from altid.record.connection import SETTINGS
from altid.record.postgres import Cluster
from altid.record.write import create, update, write
from running import make_database

from .ordering import medication, patient

NPU = "urn:oid:1.2.208.176.2.1"


def drug(id_: str) -> dict[str, Any]:
    return {"resourceType": "Medication", "id": id_, "status": "active"}


def order(id_: str, of: str, whose: str, status: str = "active") -> dict[str, Any]:
    return {**medication(patient_=whose, status=status), "id": id_, "medicationReference": {"reference": of}}


def result(id_: str, whose: str, code: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "subject": {"reference": f"Patient/{whose}"},
        "code": {"coding": [{"system": NPU, "code": code}]},
    }


def allergy(id_: str, whose: str) -> dict[str, Any]:
    return {"resourceType": "AllergyIntolerance", "id": id_, "patient": {"reference": f"Patient/{whose}"}}


RECORD = [
    *(patient(whose) for whose in ("mine", "other")),
    *(drug(name) for name in ("new", "current", "paused", "unused")),
    order("active", "Medication/current", "mine"),
    order("on-hold", "Medication/paused", "mine", "on-hold"),
    order("stopped", "Medication/unused", "mine", "stopped"),
    order("others", "Medication/unused", "other"),
    result("creatinine", "mine", "NPU18016"),
    result("sodium", "mine", "NPU03429"),
    result("others-creatinine", "other", "NPU18016"),
    allergy("penicillin", "mine"),
    allergy("others-allergy", "other"),
]


@pytest.fixture(scope="module")
def chart(postgres: Cluster) -> Chart:
    dsn = make_database(postgres)

    async def read() -> Chart:
        connection = await asyncpg.connect(dsn, server_settings=dict(SETTINGS))
        try:
            await write(connection, sorted(map(update, RECORD), key=lambda one: (one.type, one.id)))
            made = create(medication(patient_="other"), order_id("used"))
            await write(connection, [made], [write_key("used", b"")])
            wanted = order("wanted", "Medication/new", "mine")
            keys = [identity_of("used"), identity_of("fresh")]
            return await read_chart(connection, "mine", [wanted], keys, None)
        finally:
            await connection.close()

    return asyncio.run(read())


def ids(resources: Any) -> set[str]:
    return {one["id"] for one in resources}


def test_it_holds_what_the_checks_need_of_this_patient_alone(chart: Chart) -> None:
    context = chart.context
    assert context.patient is not None
    assert context.patient["id"] == "mine"
    assert ids(context.allergies) == {"penicillin"}
    assert ids(context.current) == {"active", "on-hold"}
    assert ids(context.results) == {"creatinine"}


def test_it_holds_the_drugs_of_the_order_and_of_the_current_ones(chart: Chart) -> None:
    assert ids(chart.context.catalogue.medications.values()) == {"new", "current", "paused"}


def test_it_tells_which_keys_were_used(chart: Chart) -> None:
    assert chart.used == {identity_of("used")}
