"""Who may do what with orders: each role, with grounds for a patient and without, at each endpoint."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from altid.access.identity import Level, Role
from altid.access.tokens import Subject
from altid.api.settings import FhirSettings
from altid.orders.intent import Action, Intent
from altid.orders.receipt import order_id, write_key
from altid.orders.recovered import show
from altid.record.postgres import Cluster
from running import make_database, running_worker
from tests.access.auditing import sql
from tests.guards import EVERYTHING, bearer, minted

from .ordering import WARD, bundle, drug, medication, patient, requisition, unsigned

OURS, OTHERS = "rights-ours", "rights-others"
"""Patients: one whom everybody here has grounds for, and one whom nobody has."""
ACCOUNT = "a0000000-0000-4000-8000-0000000000aa"
PEOPLE = [role for role in Role if role is not Role.SYSTEM]
WHEN = {"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[str]:
    with running_worker(dsn, FhirSettings(), doorman=False) as address:
        yield address


def client_of(server: str, dsn: str, role: Role, *scopes: str, patient_: str | None = None) -> httpx.Client:
    subject = "loader" if role is Role.SYSTEM else ACCOUNT
    whom = Subject(subject, "Test", role, WARD, Level.HIGH, str(uuid.uuid4()), scopes, patient_)
    headers = bearer(asyncio.run(minted(dsn, whom, life_s=3600)))
    return httpx.Client(base_url=server, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def system(server: str, dsn: str) -> Iterator[httpx.Client]:
    with client_of(server, dsn, Role.SYSTEM, EVERYTHING) as client:
        for one in (patient(OURS), patient(OTHERS), drug()):
            client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one).raise_for_status()
        for role in PEOPLE:
            asyncio.run(_execute(dsn, _LISTED, ACCOUNT, role, WARD, OURS))
        yield client


_LISTED = """
INSERT INTO personal_list (account, role, organisation, patient, added, until)
VALUES ($1, $2, $3, $4, now(), now() + interval '1 day')
"""


async def _execute(dsn: str, statement: str, *values: Any) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def people(server: str, dsn: str, system: httpx.Client) -> Iterator[dict[Role, httpx.Client]]:
    clients = {role: client_of(server, dsn, role) for role in PEOPLE}
    yield clients
    for client in clients.values():
        client.close()


def post(client: httpx.Client, path: str, body: Any, **headers: str) -> httpx.Response:
    named = {"idempotency-key": str(uuid.uuid4()), **headers}
    return client.post(f"/orders{path}", json=body, headers=named)


def made(system: httpx.Client, order: dict[str, Any]) -> str:
    answer = post(system, "", order)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["order"])


@pytest.mark.parametrize("role", PEOPLE)
def test_only_a_doctor_signs_and_only_for_whom_there_are_grounds(
    people: dict[Role, httpx.Client], role: Role
) -> None:
    is_doctor = role is Role.DOCTOR
    for order in (medication, requisition):
        ours, others = unsigned(order(patient_=OURS)), unsigned(order(patient_=OTHERS))
        assert (post(people[role], "", ours).status_code == 201) is is_doctor
        assert post(people[role], "", others).status_code == 403
        assert post(people[role], "", bundle(ours, others)).status_code == 403


@pytest.mark.parametrize("role", PEOPLE)
def test_drafts_are_for_doctors_and_secretaries(people: dict[Role, httpx.Client], role: Role) -> None:
    expected = 201 if role in (Role.DOCTOR, Role.SECRETARY) else 403
    answer = post(people[role], "", medication(patient_=OURS, status="draft"))
    assert answer.status_code == expected, answer.text


ACTS = {
    "pause": {Role.DOCTOR, Role.PHARMACIST},
    "stop": {Role.DOCTOR},
    "change": {Role.DOCTOR},
    "renew": {Role.DOCTOR},
    "administer": {Role.DOCTOR, Role.NURSE},
}


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("action", ACTS)
def test_acts_are_for_those_whose_work_they_are(
    people: dict[Role, httpx.Client], system: httpx.Client, role: Role, action: str
) -> None:
    body = {"reason": "Prøve"} if action != "administer" else {}
    ours, others = made(system, medication(patient_=OURS)), made(system, medication(patient_=OTHERS))
    allowed = post(people[role], f"/{ours}/{action}", body, **{"if-match": 'W/"1"'})
    assert (allowed.status_code == 200) is (role in ACTS[action]), allowed.text
    hidden = post(people[role], f"/{others}/{action}", body, **{"if-match": 'W/"1"'})
    missing = post(people[role], f"/MedicationRequest/none/{action}", body, **{"if-match": 'W/"1"'})
    assert hidden.status_code in (403, 404)
    assert (hidden.status_code, hidden.json()) == (missing.status_code, missing.json())


@pytest.mark.parametrize("role", PEOPLE)
def test_requisitions_are_accepted_by_nurses_and_doctors(
    people: dict[Role, httpx.Client], system: httpx.Client, role: Role
) -> None:
    order = made(system, requisition(patient_=OURS))
    answer = post(people[role], f"/{order}/accept", {}, **{"if-match": 'W/"1"'})
    assert (answer.status_code == 200) is (role in (Role.DOCTOR, Role.NURSE))


@pytest.mark.parametrize("role", PEOPLE)
def test_intents_name_patients_only_to_those_with_grounds(
    people: dict[Role, httpx.Client], system: httpx.Client, role: Role
) -> None:
    made(system, medication(patient_=OURS))
    made(system, medication(patient_=OTHERS))
    answer = people[role].get("/orders/intents", params=WHEN)
    if role in (Role.ADMINISTRATOR, Role.SECRETARY):
        assert answer.status_code == 403
        return
    told = answer.json()["intents"]
    assert told
    expected = {Role.AUDITOR: {OURS, OTHERS}, Role.OPERATIONS: set()}.get(role, {OURS})
    assert {one["patient"] for one in told if "patient" in one} == expected
    assert (OTHERS in answer.text) is (role is Role.AUDITOR)


@pytest.mark.parametrize("role", PEOPLE)
def test_receipts_are_for_whoever_has_to_do_with_orders(people: dict[Role, httpx.Client], role: Role) -> None:
    expected = 403 if role is Role.ADMINISTRATOR else 200
    assert people[role].get("/orders/receipts/some-key").status_code == expected
    assert people[role].post("/orders/outboxes", json={"held": []}).status_code == expected


def intent(patient_: str) -> Intent:
    key = str(uuid.uuid4())
    content = json.dumps({**medication(patient_=patient_), "id": order_id(key)})
    return Intent(
        round((time.time() - 3600) * 1e6),
        key,
        str(write_key(key, content.encode()).value),
        Action.SIGN,
        "MedicationRequest",
        order_id(key),
        0,
        patient_,
        WARD,
        "a-1",
        "Anne Holm",
        content,
    )


def recovered(dsn: str, patient_: str) -> Intent:
    one = intent(patient_)

    async def put() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await show(connection, [one], "A", "A.00000001")
        finally:
            await connection.close()

    asyncio.run(put())
    return one


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("what", ["register", "discard"])
def test_only_whoever_may_sign_it_decides_about_a_recovered_order(
    people: dict[Role, httpx.Client], dsn: str, role: Role, what: str
) -> None:
    ours, others = recovered(dsn, OURS), recovered(dsn, OTHERS)
    reason = {"reason": "Talt med ordinerende læge"}
    decided = people[role].post(f"/orders/recovered/{ours.key}/{what}", json=reason)
    assert (decided.status_code in (200, 201)) is (role is Role.DOCTOR), decided.text
    for path in (f"/orders/recovered/{others.key}/{what}", f"/orders/recovered/none/{what}"):
        assert people[role].post(path, json=reason).status_code == (404 if role is Role.DOCTOR else 403)
    assert people[role].get(f"/orders/recovered/{others.key}").status_code in (403, 404)
    state = sql(dsn, f"SELECT state FROM order_recovered WHERE client_key = '{others.key}'")
    assert state[0]["state"] == "open"


def test_a_recovered_order_is_registered_once_with_its_own_key(
    people: dict[Role, httpx.Client], dsn: str
) -> None:
    one, doctor = recovered(dsn, OURS), people[Role.DOCTOR]
    assert doctor.get(f"/orders/receipts/{one.key}").json()["word"] == "transient-error"
    assert one.key in [row["key"] for row in doctor.get("/orders/recovered").json()["recovered"]]
    assert doctor.get(f"/orders/recovered/{one.key}").json()["content"]["id"] == one.id
    path, reason = f"/orders/recovered/{one.key}/register", {"reason": "Skal stadig gives"}
    answers = [doctor.post(path, json=reason) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert sql(dsn, f"SELECT count(*) FROM order_key WHERE id = '{one.id}'")[0][0] == 1
    assert doctor.post(f"/orders/recovered/{one.key}/discard", json=reason).status_code == 409
    row = sql(dsn, f"SELECT state, decided_by, reason FROM order_recovered WHERE client_key = '{one.key}'")[0]
    assert tuple(row) == ("registered", ACCOUNT, "Skal stadig gives")


def test_a_decision_about_another_patients_order_than_the_one_on_the_screen_is_refused(
    people: dict[Role, httpx.Client], dsn: str
) -> None:
    one, doctor = recovered(dsn, OURS), people[Role.DOCTOR]
    path, reason = f"/orders/recovered/{one.key}/register", {"reason": "Skal stadig gives"}
    refused = doctor.post(path, json=reason, headers={"altid-patient": f"Patient/{OTHERS}"})
    assert (refused.status_code, refused.headers["altid-receipt"]) == (422, "fatal-error")
    assert [row["key"] for row in doctor.get("/orders/recovered").json()["recovered"]].count(one.key) == 1
    assert doctor.post(path, json=reason, headers={"altid-patient": f"Patient/{OURS}"}).status_code == 201


def test_a_discarded_order_can_never_be_registered(people: dict[Role, httpx.Client], dsn: str) -> None:
    one, doctor = recovered(dsn, OURS), people[Role.DOCTOR]
    reason = {"reason": "Patienten er flyttet"}
    for _ in range(2):
        assert doctor.post(f"/orders/recovered/{one.key}/discard", json=reason).status_code == 200
    assert doctor.post(f"/orders/recovered/{one.key}/register", json=reason).status_code == 409
    # The browser that had it still sends it.
    late = doctor.post("/orders", json=medication(patient_=OURS), headers={"idempotency-key": one.key})
    assert (late.status_code, late.headers["altid-receipt"]) == (422, "fatal-error")
    assert doctor.get(f"/orders/receipts/{one.key}").json()["word"] == "fatal-error"
    assert sql(dsn, f"SELECT count(*) FROM resource WHERE id = '{one.id}'")[0][0] == 0


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x\0y" * 5}, {"reason": "x" * 1001}, []])
def test_a_decision_needs_a_reason(people: dict[Role, httpx.Client], dsn: str, body: Any) -> None:
    one = recovered(dsn, OURS)
    answer = people[Role.DOCTOR].post(f"/orders/recovered/{one.key}/discard", json=body)
    assert answer.status_code == 400


def test_nobody_is_answered_without_a_token(server: str) -> None:
    for method, path in (("POST", ""), ("POST", "/check"), ("GET", "/receipts/k"), ("GET", "/intents")):
        answer = httpx.request(method, f"{server}/orders{path}", json=medication(), timeout=30)
        assert (answer.status_code, answer.headers["altid-receipt"]) == (401, "fatal-error")


def fhir(client: httpx.Client, resource: dict[str, Any], way: str) -> httpx.Response:
    """Written as plain FHIR: one that is there already, or one more."""
    place = f"{resource['resourceType']}/{resource['id']}"
    if way == "create":
        return client.post(f"/fhir/{resource['resourceType']}", json=resource)
    if way == "patch":
        patch = [{"op": "replace", "path": "/status", "value": "stopped"}]
        headers = {"content-type": "application/json-patch+json"}
        return client.patch(f"/fhir/{place}", json=patch, headers=headers)
    if way == "delete":
        return client.delete(f"/fhir/{place}")
    if way == "update":
        return client.put(f"/fhir/{place}", json=resource)
    if way == "conditional update":
        return client.put(f"/fhir/{resource['resourceType']}", params={"_id": resource["id"]}, json=resource)
    entry = {"resource": resource, "request": {"method": "PUT", "url": place}}
    return client.post("/fhir", json={"resourceType": "Bundle", "type": way, "entry": [entry]})


WAYS = ("create", "update", "patch", "delete", "conditional update", "batch", "transaction")


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("scopes", [(), ("user/*.cruds",)])
def test_no_person_writes_orders_or_doses_past_the_checks(
    server: str, dsn: str, system: httpx.Client, role: Role, scopes: tuple[str, ...]
) -> None:
    """Nor an application for them."""
    before = []
    for make in (medication, requisition):
        before.append(system.get(f"/fhir/{made(system, make(patient_=OURS))}").json())
    given = post(system, f"/MedicationRequest/{before[0]['id']}/administer", {}, **{"if-match": 'W/"1"'})
    before.append(system.get(f"/fhir/{given.json()['order']}").json())
    with client_of(server, dsn, role, *scopes) as client:
        for resource in before:
            for way in WAYS:
                answer = fhir(client, {**resource, "status": "entered-in-error"}, way)
                assert '"forbidden"' in answer.text, (way, answer.text)
                if way not in ("batch", "delete"):
                    assert answer.status_code == 403
                    assert "/orders" in answer.json()["issue"][0]["diagnostics"]
    for resource in before:
        now = system.get(f"/fhir/{resource['resourceType']}/{resource['id']}").json()
        assert now == resource


def test_a_system_writes_them_as_its_scopes_say_and_each_has_a_key(system: httpx.Client, dsn: str) -> None:
    answer = system.post("/fhir/MedicationRequest", json=medication(patient_=OURS))
    assert answer.status_code == 201
    found = sql(dsn, f"SELECT version FROM order_key WHERE id = '{answer.json()['id']}'")
    assert [row["version"] for row in found] == [1]


@pytest.mark.parametrize(
    ("role", "scopes", "status"),
    [
        (Role.NURSE, ("user/MedicationRequest.r", "user/MedicationAdministration.c"), 200),
        (Role.NURSE, ("user/MedicationRequest.ru",), 403),
        (Role.PHARMACIST, ("user/MedicationRequest.r", "user/MedicationAdministration.c"), 403),
        (Role.SYSTEM, ("system/MedicationRequest.r", "system/MedicationAdministration.c"), 200),
        (Role.SYSTEM, ("system/MedicationRequest.ru",), 403),
    ],
)
def test_an_application_gives_a_dose_if_it_may_write_doses(
    server: str, dsn: str, system: httpx.Client, role: Role, scopes: tuple[str, ...], status: int
) -> None:
    order = made(system, medication(patient_=OURS))
    with client_of(server, dsn, role, *scopes) as client:
        answer = post(client, f"/{order}/administer", {}, **{"if-match": 'W/"1"'})
    assert answer.status_code == status, answer.text


def test_systems_and_applications_do_no_more_than_their_scopes(
    server: str, dsn: str, system: httpx.Client
) -> None:
    order = made(system, medication(patient_=OURS))
    for role, scopes in (
        (Role.SYSTEM, ()),
        (Role.SYSTEM, ("system/MedicationRequest.rs",)),
        (Role.DOCTOR, ("user/MedicationRequest.rs",)),
    ):
        with client_of(server, dsn, role, *scopes) as client:
            assert post(client, "", medication(patient_=OURS)).status_code == 403
            assert post(client, f"/{order}/stop", {"reason": "x"}, **{"if-match": 'W/"1"'}).status_code == 403
    with client_of(server, dsn, Role.SYSTEM) as client:
        assert client.get("/orders/intents", params=WHEN).status_code == 403
        assert client.get("/orders/receipts/k").status_code == 403


def test_what_is_done_is_in_the_audit(people: dict[Role, httpx.Client], dsn: str) -> None:
    answer = post(people[Role.DOCTOR], "", unsigned(medication(patient_=OURS)))
    refused = post(people[Role.NURSE], "", unsigned(medication(patient_=OURS)))
    assert (answer.status_code, refused.status_code) == (201, 403)
    id_ = answer.json()["order"].partition("/")[2]
    deadline = time.monotonic() + 20
    query = "SELECT convert_from(body, 'UTF8')::json AS event FROM audit"
    while time.monotonic() < deadline:
        events = [json.loads(row["event"]) for row in sql(dsn, query)]
        if any(event.get("id") == id_ for event in events):
            break
        time.sleep(0.1)
    (event,) = [event for event in events if event.get("id") == id_]
    assert (event["action"], event["patients"], event["subject"]) == ("create", [OURS], ACCOUNT)
    assert any(event["outcome"] == "refused" and event["role"] == "nurse" for event in events)
