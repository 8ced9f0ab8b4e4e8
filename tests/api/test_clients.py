"""Clients that others wrote do their daily work against Altid."""

from __future__ import annotations

import pytest


def test_fhirpy_creates_searches_updates_and_deletes(server: str, unique: str) -> None:
    from fhirpy import SyncFHIRClient
    from fhirpy.base.exceptions import ResourceNotFound

    client = SyncFHIRClient(f"{server}/fhir")
    patient = client.resource(
        "Patient", identifier=[{"system": "http://n.dk", "value": unique}], name=[{"family": "Fhirpy"}]
    )
    patient.save()
    assert patient.id

    search = client.resources("Patient").search(identifier=f"http://n.dk|{unique}")
    assert search.count() == 1
    found = search.first()
    assert found.get_by_path(["name", 0, "family"]) == "Fhirpy"

    found["active"] = True
    found.save()
    assert client.reference("Patient", patient.id).to_resource()["active"] is True

    found["active"] = False
    found.save(fields=None)
    assert client.get("Patient", patient.id)["active"] is False

    for number in range(5):
        client.resource(
            "Observation",
            status="final",
            code={"text": str(number)},
            subject=patient.to_reference().serialize(),
        ).save()
    observations = client.resources("Observation").search(subject=patient.to_reference().reference)
    assert len(observations.limit(2).fetch_all()) == 5
    assert len(observations.include("Observation", "subject").fetch_raw().entry) == 6

    found.delete()
    with pytest.raises(ResourceNotFound):
        client.reference("Patient", patient.id).to_resource()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_fhirclient_creates_searches_updates_and_deletes(server: str, unique: str) -> None:
    from fhirclient.client import FHIRClient
    from fhirclient.models.humanname import HumanName
    from fhirclient.models.identifier import Identifier
    from fhirclient.models.patient import Patient

    smart = FHIRClient(settings={"app_id": "altid_test", "api_base": f"{server}/fhir/"})
    patient = Patient({"active": True})
    patient.identifier = [Identifier({"system": "http://n.dk", "value": unique})]
    patient.name = [HumanName({"family": "Fhirclient", "given": ["Ada"]})]
    created = patient.create(smart.server)
    assert created["id"]

    search = Patient.where(struct={"identifier": f"http://n.dk|{unique}"})
    (found,) = search.perform_resources(smart.server)
    assert smart.human_name(found.name[0]) == "Ada Fhirclient"

    found.active = False
    found.update(smart.server)
    read = Patient.read(created["id"], smart.server)
    assert read.active is False
    assert read.meta.versionId == "2"

    read.delete()
    assert Patient.where(struct={"_id": created["id"]}).perform(smart.server).total == 0
