"""One's own list of patients, and a patient's blocks, on the pages."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from altid.access.identity import Role
from tests.access.desks import WARD
from tests.web.test_rights_on_pages import has_grounds, looks, wait_for
from tests.web.visiting import Browser, make_account

Store = Callable[..., None]
NOTE = "Ringede i dag, legitimeret ved CPR"
REASON = "Bevidstløs i modtagelsen, ukendt medicin"


@pytest.fixture(scope="module", autouse=True)
def ward(web_server: str) -> None:
    organisation = {
        "resourceType": "Organization",
        "id": "list-ward",
        "identifier": [{"system": "urn:oid:1.2.208.176.1.1", "value": WARD}],
        "name": "Hjerteafsnit H1",
    }
    httpx.put(f"{web_server}/fhir/Organization/list-ward", json=organisation, timeout=30).raise_for_status()


@pytest.fixture
def patient(store: Store) -> str:
    """Nobody treats this one."""
    identity = f"p{secrets.token_hex(6)}"
    store("Patient", identity, name=[{"family": "Liste", "given": ["Ulla"]}])
    return identity


def admit(store: Store, patient: str, status: str = "in-progress") -> None:
    store(
        "Encounter",
        f"e{patient}",
        status=status,
        **{"class": {"code": "IMP"}},
        subject={"reference": f"Patient/{patient}"},
        serviceProvider={"reference": "Organization/list-ward"},
        period={"start": "2026-01-01"} | ({} if status == "in-progress" else {"end": "2026-01-02"}),
    )


@contextmanager
def browser_of(address: str, dsn: str, role: Role) -> Iterator[tuple[Browser, str]]:
    """Somebody's who has logged on, and their user name."""
    username = f"l{secrets.token_hex(6)}"
    make_account(dsn, username, roles=(role,))
    with Browser(base_url=address, timeout=30) as client:
        assert client.log_on(username).status_code == 303
        yield client, username


@pytest.fixture
def nurse(web_server: str, web_dsn: str) -> Iterator[Browser]:
    with browser_of(web_server, web_dsn, Role.NURSE) as (client, _):
        yield client


def test_a_patient_is_put_on_the_list_and_taken_off(
    nurse: Browser, store: Store, patient: str, web_dsn: str
) -> None:
    assert "Der er ingen på din liste" in nurse.get("/list").text
    admit(store, patient)
    wait_for(lambda: has_grounds(nurse, patient))
    assert f'action="/patient/{patient}/list"' in nurse.get(f"/patient/{patient}").text
    answer = nurse.post(f"/patient/{patient}/list", data={"hours": "72"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/list")
    assert "LISTE, Ulla" in nurse.get("/list").text
    admit(store, patient, "finished")
    assert has_grounds(nurse, patient)
    nurse.post("/list/remove", data={"patient": patient})
    assert "LISTE" not in nurse.get("/list").text
    wait_for(lambda: not has_grounds(nurse, patient))
    wait_for(lambda: looks(web_dsn, patient, "page:list-add"))
    wait_for(lambda: looks(web_dsn, patient, "page:list-remove"))


def test_a_list_opens_nobody_without_grounds(nurse: Browser, patient: str, web_dsn: str) -> None:
    answer = nurse.post(f"/patient/{patient}/list", data={"hours": "12"})
    assert answer.status_code == 403
    assert "Patienten kom ikke på din liste" in answer.text
    assert "Brug værdispring" in answer.text
    assert not has_grounds(nurse, patient)
    assert wait_for(lambda: looks(web_dsn, patient, "page:list-add"))[0].event.outcome == "refused"


def test_after_breaking_the_glass_a_patient_can_be_listed(nurse: Browser, patient: str) -> None:
    nurse.post(f"/patient/{patient}/override", data={"kind": "acute", "reason": REASON})
    assert nurse.post(f"/patient/{patient}/list", data={"hours": "168"}).status_code == 303
    assert "LISTE, Ulla" in nurse.get("/list").text


@pytest.mark.parametrize("hours", ["", "13", "-12", "1e2", "٣"])
def test_only_the_spans_that_are_offered_are_taken(nurse: Browser, patient: str, hours: str) -> None:
    assert nurse.post(f"/patient/{patient}/list", data={"hours": hours}).status_code == 422


def test_a_block_is_set_and_lifted(
    nurse: Browser, web_server: str, web_dsn: str, store: Store, patient: str
) -> None:
    admit(store, patient)
    with browser_of(web_server, web_dsn, Role.DOCTOR) as (doctor, username):
        wait_for(lambda: has_grounds(doctor, patient))
        there = f"/patient/{patient}/blocks"
        data = {"whom": "person", "person": username, "asked": NOTE}
        assert nurse.post(there, data=data).headers["location"] == there
        html = nurse.get(there).text
        assert f"Mod {username.title()} Holm" in html
        assert NOTE in html
        wait_for(lambda: not has_grounds(doctor, patient))
        block = re.search(r'name="block" value="([^"]+)"', html)
        assert block is not None
        refused = doctor.post(f"{there}/lift", data={"block": block[1], "lift-asked": NOTE})
        assert "en anden ophæver den" in refused.text
        assert nurse.post(f"{there}/lift", data={"block": block[1], "lift-asked": NOTE}).status_code == 303
        wait_for(lambda: has_grounds(doctor, patient))
        assert "Ophævet" in nurse.get(there).text
    wait_for(lambda: looks(web_dsn, patient, "page:block-set"))
    wait_for(lambda: looks(web_dsn, patient, "page:block-lift"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Skriv, hvilken person"),
        ({"whom": "person"}, "Skriv, hvilken person"),
        ({"whom": "person", "person": "ingen-af-os"}, "Ingen kendt har det navn"),
        ({"whom": "place", "place": "4711"}, "Intet kendt sted"),
        ({"whom": "everybody", "from": "1. maj"}, "Skriv datoer som"),
        ({"whom": "everybody", "from": "2026-05-02", "to": "2026-05-01"}, "En periode slutter"),
        ({"whom": "everybody", "asked": ""}, "Notér, hvordan patienten"),
    ],
)
def test_a_block_that_can_not_be_is_said_and_what_was_typed_stays(
    nurse: Browser, patient: str, data: dict[str, str], said: str
) -> None:
    answer = nurse.post(f"/patient/{patient}/blocks", data={"asked": NOTE} | data)
    assert answer.status_code == 422
    assert said in answer.text
    assert all(f'value="{value}"' in answer.text for value in data.values() if value)
    assert "Patienten har ingen spærringer" in answer.text


def test_a_period_is_said_in_whole_days(nurse: Browser, patient: str) -> None:
    for low, high in (("2026-02-01", "2026-02-28"), ("2026-02-01", ""), ("", "2026-02-28")):
        data = {"whom": "everybody", "from": low, "to": high, "asked": NOTE}
        assert nurse.post(f"/patient/{patient}/blocks", data=data).status_code == 303
    html = nurse.get(f"/patient/{patient}/blocks").text.replace("\u00a0", " ")
    for said in (
        "det fra 1. feb 2026 til 28. feb 2026",
        "1. feb 2026 og frem",
        "det til og med 28. feb 2026",
    ):
        assert said in html


@pytest.mark.parametrize("role", [Role.PHARMACIST, Role.AUDITOR, Role.ADMINISTRATOR])
def test_blocks_are_not_for_others(web_server: str, web_dsn: str, patient: str, role: Role) -> None:
    with browser_of(web_server, web_dsn, role) as (client, _):
        assert client.get(f"/patient/{patient}/blocks").status_code == 403
        data = {"whom": "everybody", "asked": NOTE}
        assert client.post(f"/patient/{patient}/blocks", data=data).status_code == 403
