"""Every way in which FHIR can be asked for a resource about a patient: all should show the same.

A way that shows what the others don't is a leak; one that hides what the others show is a fault as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from rights.hospital import About, id_of, mark, resource

Ask = Callable[[httpx.Client, About, str], httpx.Response]


def _get(path: str) -> Ask:
    """A GET with {type}, {id}, {patient} and {parameter} filled in."""

    def ask(client: httpx.Client, about: About, patient: str) -> httpx.Response:
        return client.get(
            path.format(
                type=about.type, id=id_of(about.type, patient), patient=patient, parameter=about.patient
            )
        )

    return ask


def _bundle(kind: str) -> Ask:
    def ask(client: httpx.Client, about: About, patient: str) -> httpx.Response:
        entry = {"request": {"method": "GET", "url": f"{about.type}/{id_of(about.type, patient)}"}}
        return client.post("/", json={"resourceType": "Bundle", "type": kind, "entry": [entry]})

    return ask


def _search_by_post(client: httpx.Client, about: About, patient: str) -> httpx.Response:
    return client.post(f"/{about.type}/_search", data={about.patient: f"Patient/{patient}"})


READS: dict[str, Ask] = {
    "read": _get("/{type}/{id}"),
    "vread": _get("/{type}/{id}/_history/1"),
    "history": _get("/{type}/{id}/_history"),
    "search by patient": _get("/{type}?{parameter}=Patient/{patient}"),
    "search by id": _get("/{type}?_id={id}"),
    "search of all": _get("/{type}?_count=1000"),
    "search of several types": _get("/?_type={type},Patient&_id={id},nobody"),
    "search by POST": _search_by_post,
    "search by a chain": _get("/{type}?{parameter}.family=Navn{patient}"),
    "compartment": _get("/Patient/{patient}/{type}"),
    "revinclude": _get("/Patient?_id={patient}&_revinclude={type}:{parameter}"),
    "everything": _get("/Patient/{patient}/$everything?_type={type}&_count=1000"),
    "batch": _bundle("batch"),
    "transaction": _bundle("transaction"),
}
"""Name -> request. All show the resource to whoever may see it."""

COUNTS: dict[str, Ask] = {
    "count": _get("/{type}?_summary=count&_id={id}"),
    "accurate total": _get("/{type}?_id={id}&_total=accurate&_count=1"),
    "found through _has": _get("/Patient?_id={patient}&_has:{type}:{parameter}:_id={id}"),
}
"""Ways that tell by a number whether something is there."""


def is_shown(response: httpx.Response, about: About, patient: str) -> bool:
    """Whether the answer holds the very resource."""
    text = response.text
    return f'"id":"{id_of(about.type, patient)}"' in text.replace(": ", ":") and mark(patient) in text


def is_counted(response: httpx.Response) -> bool:
    return response.status_code == 200 and bool(response.json().get("total"))


def leaks(response: httpx.Response, patients: list[str]) -> list[str]:
    """Patients whose mark is in the answer, in whatever part of it."""
    return [patient for patient in patients if mark(patient) in response.text]


@dataclass(frozen=True, slots=True)
class Change:
    """A write, and whether it was done."""

    letter: str
    ask: Ask


def _create(client: httpx.Client, about: About, patient: str) -> httpx.Response:
    content = {name: value for name, value in resource(about.type, patient).items() if name != "id"}
    return client.post(f"/{about.type}", json=content)


def _update(client: httpx.Client, about: About, patient: str) -> httpx.Response:
    return client.put(f"/{about.type}/{id_of(about.type, patient)}", json=resource(about.type, patient))


def _patch(client: httpx.Client, about: About, patient: str) -> httpx.Response:
    patch: list[dict[str, Any]] = [{"op": "add", "path": "/language", "value": "da"}]
    return client.patch(
        f"/{about.type}/{id_of(about.type, patient)}",
        json=patch,
        headers={"content-type": "application/json-patch+json"},
    )


def _update_in_transaction(client: httpx.Client, about: About, patient: str) -> httpx.Response:
    entry = {
        "resource": resource(about.type, patient),
        "request": {"method": "PUT", "url": f"{about.type}/{id_of(about.type, patient)}"},
    }
    return client.post("/", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})


def _move_to(target: str) -> Ask:
    """Take a resource of the patient and put another patient's name on it."""

    def ask(client: httpx.Client, about: About, patient: str) -> httpx.Response:
        content = {**resource(about.type, target), "id": id_of(about.type, patient)}
        return client.put(f"/{about.type}/{content['id']}", json=content)

    return ask


def _delete(client: httpx.Client, about: About, patient: str) -> httpx.Response:
    return client.delete(f"/{about.type}/{id_of(about.type, patient)}")


CHANGES: dict[str, Change] = {
    "create": Change("c", _create),
    "update": Change("u", _update),
    "patch": Change("u", _patch),
    "update in a transaction": Change("u", _update_in_transaction),
    "delete": Change("d", _delete),
}
MOVE = _move_to
