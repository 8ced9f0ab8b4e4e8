"""The hand-over list: what of a ward's orders nobody may rely on yet, to whom may see it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from altid.access.audit import store as audit_store
from altid.access.audit.store import Query
from altid.access.identity import Role
from altid.orders.proofs.keeping import add
from altid.web.handing_over import WARDS_MAX
from tests.guards import SECRET
from tests.screen.charts import HL7, coded
from tests.web.test_reconciliation_page import NOON, found
from tests.web.test_rights_on_pages import wait_for
from tests.web.visiting import Browser, give_grounds, make_account, run

Store = Callable[..., None]
OPEN, CALM = "handed-open", "handed-calm"
TOLD = """INSERT INTO client_outbox VALUES
    ('account', 'pc', $1, $2, '1', $3, 'MedicationRequest', 'sign', '', now(), now(), NULL)"""


@pytest.fixture
def place(store: Store) -> str:
    """A place of work with a ward in which two lie, one of them with something open."""
    organisation = f"77{secrets.randbelow(10**9):09d}016"
    owner = {"reference": "Organization/handed-o"}
    sor = [{"system": "urn:oid:1.2.208.176.1.1", "value": organisation}]
    ward = coded(f"{HL7}/location-physical-type", "wa")
    store("Organization", "handed-o", name="Hjerter H1", identifier=sor)
    store("Location", "handed-l", name="Hjerter H1", managingOrganization=owner, physicalType=ward)
    for patient in (OPEN, CALM):
        store("Patient", patient, name=[{"family": patient, "given": ["Per"]}], birthDate="1950-01-01")
        store(
            "Encounter",
            f"e-{patient}",
            status="in-progress",
            **{"class": {"code": "IMP"}},
            subject={"reference": f"Patient/{patient}"},
            serviceProvider=owner,
            location=[{"location": {"reference": "Location/handed-l"}}],
        )
    draft = {
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": "metoprolol"},
        "dosageInstruction": [{"text": "50 mg morgen"}],
    }
    store("MedicationRequest", "handed-m", subject={"reference": f"Patient/{OPEN}"}, **draft)
    return organisation


def test_a_ward_hands_over_what_is_open_with_who_it_is_and_tells_the_audit(
    web_server: str, web_dsn: str, store: Store, place: str
) -> None:
    async def tell(connection: Any) -> None:
        await connection.execute(TOLD, "handed", bytes(range(10, 20)), OPEN)
        async with connection.transaction():
            await add(connection, SECRET, found(OPEN), NOON, "itself at A")

    run(web_dsn, tell)
    with _browser_of(web_server, web_dsn, Role.NURSE, place) as nurse:
        wait_for(lambda: "metoprolol: 50 mg morgen" in nurse.get("/handover").text)
        html = nurse.get("/handover").text
        assert "HANDED-OPEN, Per" in html
        assert "Ikke underskrevet" in html
        assert "Uden kvittering</b>: underskrift" in html
        assert "Se til patienten, ordiner igen" in html
        assert "HANDED-CALM" not in html
        assert 'href="/handover"' in nurse.get("/ward/handed-l").text
        english = nurse.get("/handover", params={"lang": "en"}, follow_redirects=True).text
        assert "Without a receipt" in english

    def looks() -> set[tuple[str, ...]]:
        entries = run(web_dsn, lambda connection: audit_store.search(connection, Query(patient=OPEN)))
        return {one.event.patients for one in entries if one.event.operation == "page:handover"}

    wait_for(lambda: looks() == {(OPEN,)})


def test_who_works_there_and_reads_no_orders_sees_that_there_is_something(
    web_server: str, web_dsn: str, place: str
) -> None:
    with _browser_of(web_server, web_dsn, Role.SECRETARY, place) as secretary:
        wait_for(lambda: "HANDED-OPEN, Per" in secretary.get("/handover").text)
        html = secretary.get("/handover").text
        assert "Hvad det er, ser kun de, der må se patienten" in html
        assert "metoprolol" not in html


def test_who_finds_no_patients_has_no_list(web_server: str, web_dsn: str, place: str) -> None:
    with _browser_of(web_server, web_dsn, Role.OPERATIONS, place) as operations:
        assert operations.get("/handover").status_code == 403


def test_wards_that_are_too_many_for_one_list_are_named(web_server: str, web_dsn: str, store: Store) -> None:
    organisation = f"77{secrets.randbelow(10**9):09d}016"
    sor = [{"system": "urn:oid:1.2.208.176.1.1", "value": organisation}]
    owner = {"reference": "Organization/handed-many"}
    store("Organization", "handed-many", name="Akutten", identifier=sor)
    for number in range(WARDS_MAX + 1):
        ward = coded(f"{HL7}/location-physical-type", "wa")
        store(
            "Location",
            f"handed-many-{number}",
            name=f"Afsnit {number}",
            managingOrganization=owner,
            physicalType=ward,
        )
    with _browser_of(web_server, web_dsn, Role.NURSE, organisation) as nurse:
        html = nurse.get("/handover").text
    assert f"Ikke med på listen: Afsnit {WARDS_MAX}<" in html
    assert html.count('aria-labelledby="ward-') == WARDS_MAX


@contextmanager
def _browser_of(address: str, dsn: str, role: Role, organisation: str) -> Iterator[Browser]:
    name = f"h{secrets.token_hex(6)}"
    account = make_account(dsn, name, roles=(role,), organisations=(organisation,))
    if role is Role.NURSE:
        give_grounds(dsn, account.id, OPEN, role, organisation)
    with Browser(base_url=address, timeout=30) as client:
        assert client.log_on(name).status_code == 303
        yield client
