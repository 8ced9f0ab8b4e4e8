"""Who has ordered: whoever signed, and readers of FHIR can follow it to a person in the record."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.grounds import SOR
from altid.access.identity import Identity, Level, Role
from altid.access.tokens import Subject
from altid.api.settings import FhirSettings
from altid.orders.requester import fault, signed_by
from altid.orders.signers import reference_to, role_id
from altid.record.postgres import Cluster
from running import make_database, running_worker
from tests.access.auditing import sql
from tests.guards import EVERYTHING, bearer, minted
from tests.web.visiting import give_grounds, make_account

from .ordering import PATIENT, WARD, bundle, drug, medication, patient, requisition, unsigned

ANOTHER = {"reference": "PractitionerRole/dr-holm", "display": "Anne Holm"}
OTHER_WARD = "1000000000016222"


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[str]:
    """One process that has seen nobody yet."""
    with running_worker(dsn, FhirSettings(), doorman=False) as address:
        yield address


class Person:
    """Somebody with an account and grounds for the patient."""

    def __init__(self, server: str, dsn: str, username: str, role: Role = Role.DOCTOR) -> None:
        self.account = make_account(dsn, username, roles=(role,), organisations=(WARD,))
        self.role = role
        self._server, self._dsn = server, dsn
        give_grounds(dsn, self.account.id, PATIENT, role, WARD)

    def post(
        self, path: str, body: Any, *, called: str | None = None, at: str | None = None, **headers: str
    ) -> httpx.Response:
        """Below /orders, by a session of its own; `called`: the name that the account has by then."""
        whom = Subject(
            self.account.id, called or self.account.name, self.role, WARD, Level.HIGH, str(uuid.uuid4())
        )
        given = bearer(asyncio.run(minted(self._dsn, whom, life_s=3600)))
        key = {"idempotency-key": str(uuid.uuid4())}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(
            f"{at or self._server}/orders{path}", json=body, headers={**given, **key, **named}, timeout=30
        )


@pytest.fixture(scope="module")
def system(server: str, dsn: str) -> Iterator[httpx.Client]:
    whom = Subject("loader", "Loader", Role.SYSTEM, "", Level.HIGH, str(uuid.uuid4()), (EVERYTHING,))
    headers = bearer(asyncio.run(minted(dsn, whom, life_s=3600)))
    ward = {
        "resourceType": "Organization",
        "id": "ward",
        "identifier": [{"system": SOR, "value": WARD}],
        "name": "Lungemedicinsk afdeling",
    }
    with httpx.Client(base_url=server, headers=headers, timeout=30) as client:
        for one in (patient(), drug(), ward):
            client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def doctor(server: str, dsn: str, system: httpx.Client) -> Person:
    return Person(server, dsn, "signer")


def followed(system: httpx.Client, order: str) -> tuple[dict[str, Any], ...]:
    """The order, the role that it names, and the person whose role that is."""
    found = system.get(f"/fhir/{order}").json()
    role = system.get(f"/fhir/{found['requester']['reference']}").json()
    return found, role, system.get(f"/fhir/{role['practitioner']['reference']}").json()


def versions(dsn: str, type_: str) -> int:
    return int(sql(dsn, f"SELECT coalesce(sum(version), 0) FROM resource WHERE type = '{type_}'")[0][0])


@pytest.mark.parametrize("order", [medication, requisition])
def test_an_order_leads_to_the_person_who_signed_it(system: httpx.Client, doctor: Person, order: Any) -> None:
    signed = doctor.post("", unsigned(order()))
    assert signed.status_code == 201, signed.text
    found, role, person = followed(system, signed.json()["order"])
    assert found["requester"]["display"] == doctor.account.name
    assert person["name"] == [{"text": doctor.account.name}]
    assert role["organization"]["reference"] == "Organization/ward"
    assert role["organization"]["identifier"]["value"] == WARD
    assert [coding["code"] for coding in role["code"][0]["coding"]] == ["doctor", "doctor"]
    assert role["code"][0]["text"] == "Læge"


def test_nobody_is_made_twice_and_a_new_name_is_told(
    server: str, dsn: str, system: httpx.Client, doctor: Person
) -> None:
    doctor.post("", unsigned(medication(1)))
    before = (versions(dsn, "Practitioner"), versions(dsn, "PractitionerRole"))
    assert doctor.post("", unsigned(medication(2))).status_code == 201
    with running_worker(dsn, FhirSettings(), doorman=False) as other:  # who has seen nobody, either
        assert doctor.post("", unsigned(medication(3)), at=other).status_code == 201
    assert (versions(dsn, "Practitioner"), versions(dsn, "PractitionerRole")) == before
    renamed = doctor.post("", unsigned(medication(4)), called="Signer Holm-Berg")
    _, role, person = followed(system, renamed.json()["order"])
    assert (person["name"], person["meta"]["versionId"]) == ([{"text": "Signer Holm-Berg"}], "2")
    assert role["practitioner"]["display"] == "Signer Holm-Berg"
    assert doctor.post("", unsigned(medication(5))).status_code == 201


def test_a_person_whom_others_keep_is_referred_to_and_not_written(
    server: str, dsn: str, system: httpx.Client
) -> None:
    kept = {"resourceType": "Practitioner", "id": "kept", "name": [{"family": "Kept", "given": ["Karl"]}]}
    system.put("/fhir/Practitioner/kept", json=kept).raise_for_status()
    person = Person(server, dsn, "kept-elsewhere")
    asyncio.run(_execute(dsn, _NAMES, person.account.id))
    signed = person.post("", unsigned(medication()))
    _, role, found = followed(system, signed.json()["order"])
    assert role["practitioner"]["reference"] == "Practitioner/kept"
    assert (found["name"], found["meta"]["versionId"]) == (kept["name"], "1")


_NAMES = "UPDATE account SET practitioner = 'Practitioner/kept' WHERE id = $1"


async def _execute(dsn: str, statement: str, *values: Any) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


def test_what_others_say_of_a_role_stays(server: str, dsn: str, system: httpx.Client) -> None:
    person = Person(server, dsn, "specialist")
    signed = person.post("", unsigned(medication()))
    _, role, _ = followed(system, signed.json()["order"])
    system.put(f"/fhir/PractitionerRole/{role['id']}", json={**role, "specialty": [{"text": "Lunger"}]})
    renamed = person.post("", unsigned(medication(1)), called="Ny Navn")
    _, again, _ = followed(system, renamed.json()["order"])
    assert (again["specialty"], again["practitioner"]["display"]) == ([{"text": "Lunger"}], "Ny Navn")


def test_nobody_signs_in_anothers_name(doctor: Person) -> None:
    refused = doctor.post("", medication(requester=ANOTHER), accept_language="da")
    issue = refused.json()["issue"][0]
    assert (refused.status_code, refused.headers["altid-receipt"]) == (422, "fatal-error")
    assert issue["expression"] == ["MedicationRequest.requester"]
    assert "en anden ordinator" in issue["details"]["text"]
    assert "Holm" not in refused.text
    checked = doctor.post("/check", medication(requester=ANOTHER)).json()["findings"]
    assert [finding["code"] for finding in checked] == ["requester-not-you"]
    refused = doctor.post("", bundle(unsigned(medication()), medication(requester=ANOTHER)))
    assert refused.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.requester"]


@pytest.mark.parametrize("action", ["change", "renew"])
def test_no_act_makes_an_order_anothers(system: httpx.Client, doctor: Person, action: str) -> None:
    order = doctor.post("", unsigned(medication())).json()["order"]
    refused = doctor.post(f"/{order}/{action}", {"requester": ANOTHER}, if_match='W/"1"')
    assert (refused.status_code, refused.headers["altid-receipt"]) == (422, "fatal-error")
    assert system.get(f"/fhir/{order}").json()["meta"]["versionId"] == "1"
    done = doctor.post(f"/{order}/{action}", {"priority": "urgent"}, if_match='W/"1"')
    assert followed(system, done.json()["order"])[0]["requester"]["display"] == doctor.account.name


def test_ones_own_name_may_be_said_and_is_said_as_the_account_has_it(
    system: httpx.Client, doctor: Person
) -> None:
    account = {"system": "https://altid.dk/fhir/NamingSystem/account", "value": doctor.account.id}
    order = medication(requester={"identifier": account, "display": "Professor Andersen"})
    signed = doctor.post("", order)
    assert followed(system, signed.json()["order"])[0]["requester"]["display"] == doctor.account.name


def test_what_one_has_left_unsent_is_not_signed_by_the_next_at_the_screen(
    server: str, dsn: str, system: httpx.Client, doctor: Person
) -> None:
    """A page names the account that staged the order."""
    account = {"system": "https://altid.dk/fhir/NamingSystem/account", "value": doctor.account.id}
    staged = medication(requester={"identifier": account})
    refused = Person(server, dsn, "next-one").post("", staged)
    assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (
        422,
        ["MedicationRequest.requester"],
    )
    assert doctor.post("", staged).status_code == 201


def test_a_draft_for_somebody_is_the_order_of_whoever_signs_it(
    server: str, dsn: str, system: httpx.Client, doctor: Person
) -> None:
    secretary = Person(server, dsn, "secretary", Role.SECRETARY)
    draft = secretary.post("", medication(status="draft", requester=ANOTHER))
    assert draft.status_code == 201, draft.text
    order = draft.json()["order"]
    assert system.get(f"/fhir/{order}").json()["requester"] == ANOTHER
    signed = doctor.post(f"/{order}/sign", {}, if_match='W/"1"')
    assert signed.status_code == 200, signed.text
    assert followed(system, order)[2]["identifier"][0]["value"] == doctor.account.id


def test_whoever_gives_it_can_be_followed_too(
    server: str, dsn: str, system: httpx.Client, doctor: Person
) -> None:
    order = doctor.post("", unsigned(medication())).json()["order"]
    nurse = Person(server, dsn, "giver", Role.NURSE)
    given_ = nurse.post(f"/{order}/administer", {}, if_match='W/"1"')
    given_ = system.get(f"/fhir/{given_.json()['order']}").json()
    role = system.get(f"/fhir/{given_['performer'][0]['actor']['reference']}").json()
    assert role["code"][0]["text"] == "Sygeplejerske"


# Without a server

PEOPLE = st.builds(
    Identity,
    subject=st.uuids().map(str),
    name=st.text(min_size=1, max_size=20),
    role=st.sampled_from([role for role in Role if role is not Role.SYSTEM]),
    organisation=st.sampled_from([WARD, OTHER_WARD]),
    scopes=st.just(()),
    level=st.just(Level.HIGH),
    session=st.just("s"),
    site=st.just("A"),
    expires_s=st.just(0),
)


@given(PEOPLE, PEOPLE)
def test_a_role_is_of_one_account_role_and_place(one: Identity, other: Identity) -> None:
    parts = [(who.subject, who.role, who.organisation) for who in (one, other)]
    assert (role_id(one) == role_id(other)) is (parts[0] == parts[1])
    assert uuid.UUID(role_id(one))


@given(PEOPLE, PEOPLE)
def test_only_oneself_is_oneself(one: Identity, other: Identity) -> None:
    signer, named = reference_to(one), reference_to(other)
    found = fault(named, "MedicationRequest", signer)
    assert (found is None) is (role_id(one) == role_id(other))
    assert fault(named, "MedicationRequest", None) is None
    assert fault(None, "MedicationRequest", signer) is None
    assert signed_by({"requester": named}, signer) == {"requester": signer}
    assert signed_by({}, signer) == {}
