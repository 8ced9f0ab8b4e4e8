"""The way of an order over HTTP, on a real server: signed once, receipted, and asked for by its key."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx
import pytest

from tests.access.auditing import sql

from .conftest import Send
from .ordering import PATIENT, bundle, medication, requisition
from .posts import wait_until


def versions(dsn: str, reference: str) -> int:
    query = f"SELECT count(*) FROM order_key WHERE type || '/' || id = '{reference}'"
    return int(sql(dsn, query)[0][0])


def word(response: httpx.Response) -> tuple[Any, Any]:
    """In the header, and in the body."""
    body = response.json()
    own = (
        body["extension"][0]["valueCode"] if body.get("resourceType") == "OperationOutcome" else body["word"]
    )
    return response.headers["altid-receipt"], own


def test_a_signed_order_has_a_receipt(client: httpx.Client, send: Send, key: str) -> None:
    answer = send()
    receipt = answer.json()
    assert (answer.status_code, word(answer)) == (201, ("ok", "ok"))
    assert (receipt["key"], receipt["version"], receipt["sites"]) == (key, 1, ["A"])
    assert receipt["position"]
    stored = client.get(f"/fhir/{receipt['order']}").json()
    assert stored["meta"]["lastUpdated"] == receipt["time"]
    assert client.get(answer.headers["location"]).status_code == 200


def test_an_order_sent_again_is_the_same_order_with_the_same_receipt(dsn: str, send: Send) -> None:
    first, second = send("", medication(1)), send("", medication(1))
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert versions(dsn, first.json()["order"]) == 1


def test_many_at_once_with_one_key_make_one_order(dsn: str, send: Send) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: send("", medication(2)), range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert versions(dsn, answers[0].json()["order"]) == 1


def test_a_key_with_another_content_is_refused(send: Send) -> None:
    assert send("", medication(3)).status_code == 201
    refused = send("", medication(4))
    assert (refused.status_code, word(refused)) == (422, ("fatal-error", "fatal-error"))
    assert refused.json()["issue"][0]["code"] == "duplicate"


def test_a_key_of_one_order_is_refused_for_another(client: httpx.Client, send: Send, key: str) -> None:
    """Also where the other is there already, and so finds nothing of the key in its own history."""
    other = send("", medication(5), key=f"{key}-other").json()
    assert send("", medication(6)).status_code == 201
    refused = send(f"/{other['order']}/pause", {"reason": "Blodprøve"}, if_match='W/"1"')
    assert refused.status_code == 422
    assert client.get(f"/fhir/{other['order']}").json()["status"] == "active"


@pytest.mark.parametrize("text", [None, "", "two words", "x" * 201, "a#1"])
def test_without_a_key_nothing_is_written(client: httpx.Client, text: str | None) -> None:
    headers = {} if text is None else {"idempotency-key": text}
    answer = client.post("/orders", json=medication(), headers=headers)
    assert (answer.status_code, word(answer)[0]) == (400, "fatal-error")


def test_a_key_that_was_never_sent_is_answered_so(client: httpx.Client, key: str) -> None:
    receipt = client.get(f"/orders/receipts/{key}").json()
    assert (receipt["word"], receipt["order"]) == ("never-seen", None)
    assert receipt["asOf"]


def test_a_receipt_can_be_asked_for_by_the_key(client: httpx.Client, send: Send, key: str) -> None:
    given = send().json()
    found = client.get(f"/orders/receipts/{key}").json()
    assert found.pop("asOf") >= given["time"]
    assert found == given


def test_a_replay_after_the_order_has_changed_gets_its_receipt_of_then(send: Send, key: str) -> None:
    first = send("", medication(7))
    paused = send(f"/{first.json()['order']}/pause", {"reason": "Faste"}, key=f"{key}-p", if_match='W/"1"')
    assert (paused.status_code, paused.json()["version"]) == (200, 2)
    assert send("", medication(7)).json() == first.json()


def test_a_bundle_is_registered_whole(client: httpx.Client, send: Send, key: str) -> None:
    body = bundle(*(medication(number) for number in range(200)))
    answer = send("", body)
    assert answer.status_code == 201, answer.text
    receipts = answer.json()["receipts"]
    assert [one["key"] for one in receipts] == [f"{key}#{n}" for n in range(1, 201)]
    assert {one["word"] for one in receipts} == {"ok"}
    assert len({one["order"] for one in receipts}) == 200
    assert send("", body).json() == answer.json()
    found = client.get(f"/orders/receipts/{key}").json()["receipts"]
    assert [one["order"] for one in found] == [one["order"] for one in receipts]
    one = client.get(f"/orders/receipts/{key}%23200").json()
    assert one["order"] == receipts[-1]["order"]


def test_one_fault_among_two_hundred_keeps_all_out(client: httpx.Client, send: Send, key: str) -> None:
    orders = [medication(number) for number in range(200)]
    orders[77] = {**orders[77], "status": "signed"}
    refused = send("", bundle(*orders))
    assert (refused.status_code, word(refused)[0]) == (422, "fatal-error")
    assert refused.json()["issue"][0]["expression"] == ["Bundle.entry[77].resource.status"]
    assert client.get(f"/orders/receipts/{key}").json()["word"] == "never-seen"


def test_a_key_used_for_one_of_a_bundle_keeps_all_out(client: httpx.Client, send: Send, key: str) -> None:
    """The record itself says no, in the middle of the transaction."""
    assert send("", bundle(medication(1))).status_code == 201
    refused = send("", bundle(medication(2), medication(3)))
    assert refused.status_code == 422
    assert client.get(f"/orders/receipts/{key}%232").json()["word"] == "never-seen"


def test_an_unknown_patient_is_refused_with_the_field(send: Send) -> None:
    refused = send("", medication(patient_="nobody"), accept_language="da")
    assert (refused.status_code, word(refused)[0]) == (422, "fatal-error")
    issues = refused.json()["issue"]
    assert "MedicationRequest.subject" in [issue["expression"][0] for issue in issues]
    assert all(issue["details"]["text"] for issue in issues)


def test_an_order_that_is_too_long_is_refused_and_the_journal_goes_on(
    client: httpx.Client, send: Send, key: str
) -> None:
    """Also one that came in as FHIR, where resources may be longer."""
    long = medication(note=[{"text": os.urandom(150_000).hex()}])
    assert send("", long).status_code == 413
    made = client.post("/fhir/MedicationRequest", json=long).json()
    path = f"/MedicationRequest/{made['id']}/pause"
    assert send(path, {"reason": "Faste"}, key=f"{key}-1", if_match='W/"1"').status_code == 413
    assert send("", medication(9), key=f"{key}-2").status_code == 201


def test_an_act_needs_the_version_that_it_is_about(send: Send, key: str) -> None:
    order = send().json()["order"]
    assert send(f"/{order}/pause", {"reason": "Faste"}, key=f"{key}-1").status_code == 428
    stale = send(f"/{order}/pause", {"reason": "Faste"}, key=f"{key}-2", if_match='W/"7"')
    assert (stale.status_code, word(stale)[0]) == (412, "fatal-error")


def test_an_act_sent_again_is_done_once(dsn: str, send: Send, key: str) -> None:
    order = send().json()["order"]
    paused = [
        send(f"/{order}/pause", {"reason": "Faste"}, key=f"{key}-1", if_match='W/"1"') for _ in range(2)
    ]
    assert [answer.status_code for answer in paused] == [200, 200]
    assert paused[0].json() == paused[1].json()
    assert versions(dsn, order) == 2


def test_a_requisition_goes_its_way_each_step_once(client: httpx.Client, send: Send, key: str) -> None:
    made = send("", requisition())
    assert made.status_code == 201, made.text
    order = made.json()["order"]
    assert client.get(f"/fhir/Task/{order.partition('/')[2]}").json()["status"] == "requested"
    accepted = [send(f"/{order}/accept", {}, key=f"{key}-a", if_match='W/"1"') for _ in range(2)]
    assert [one.status_code for one in accepted] == [200, 200], accepted[0].text
    assert accepted[0].json() == accepted[1].json()
    assert client.get(f"/fhir/Task/{order.partition('/')[2]}").json()["status"] == "accepted"
    assert client.get(f"/orders/receipts/{key}").json()["order"] == order


def test_a_drug_is_given_against_its_order(client: httpx.Client, send: Send, key: str) -> None:
    order = send().json()["order"]
    given = send(f"/{order}/administer", {}, key=f"{key}-g", if_match='W/"1"')
    assert given.status_code == 200, given.text
    made = client.get(f"/fhir/{given.json()['order']}").json()
    assert (made["resourceType"], made["request"]["reference"]) == ("MedicationAdministration", order)


def test_a_renewed_order_is_a_new_one_and_ends_the_old(client: httpx.Client, send: Send, key: str) -> None:
    order = send().json()["order"]
    by = {"requester": medication()["requester"]}  # a system says whose it is
    renewed = send(f"/{order}/renew", by, key=f"{key}-r", if_match='W/"1"')
    assert renewed.status_code == 200, renewed.text
    new = client.get(f"/fhir/{renewed.json()['order']}").json()
    assert (new["priorPrescription"]["reference"], new["meta"]["versionId"]) == (order, "1")
    assert client.get(f"/fhir/{order}").json()["status"] == "completed"


def test_check_tells_what_stands_against_an_order_and_writes_nothing(client: httpx.Client, dsn: str) -> None:
    before = sql(dsn, "SELECT count(*) FROM resource")
    answer = client.post("/orders/check", json=medication(patient_="nobody"))
    assert answer.status_code == 200
    assert "patient-unknown" in [finding["code"] for finding in answer.json()["findings"]]
    assert sql(dsn, "SELECT count(*) FROM resource") == before


def test_a_check_is_a_look_at_the_patient_and_in_the_audit(client: httpx.Client, dsn: str) -> None:
    body = "convert_from(body, 'UTF8')::json"
    looks = (
        f"SELECT count(*) FROM audit WHERE {body} ->> 'operation' = 'check' AND '{PATIENT}' = ANY (patients)"
    )
    before = sql(dsn, looks)[0][0]
    assert client.post("/orders/check", json=medication()).status_code == 200
    wait_until(lambda: sql(dsn, looks)[0][0] > before)


def test_check_gives_each_order_as_it_would_be_signed(client: httpx.Client) -> None:
    answer = client.post("/orders/check", json=bundle(medication(1), requisition())).json()
    first, second = answer["orders"]
    assert first["dosageInstruction"][0]["text"], "the text that is read back is the server's"
    assert "authoredOn" in second
    assert "id" not in first


def test_an_order_written_as_fhir_has_a_key_too(client: httpx.Client, dsn: str) -> None:
    made = client.post("/fhir/MedicationRequest", json=medication())
    assert versions(dsn, f"MedicationRequest/{made.json()['id']}") == 1


def test_a_key_says_which_version_it_made_in_the_order_of_the_log(dsn: str, send: Send) -> None:
    send()
    send("", bundle(medication(1), medication(2)), key="in-order")
    rows = sql(dsn, "SELECT at, position, version FROM order_key ORDER BY position")
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


def test_the_servers_role_can_alter_no_key(dsn: str) -> None:
    for statement in (
        "UPDATE order_key SET version = 9",
        "DELETE FROM order_key",
        "DELETE FROM order_recovered",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            sql(dsn, statement)


def test_intents_are_told_with_their_outcome(client: httpx.Client, send: Send, key: str) -> None:
    send()
    send(key=f"{key}-2")
    told = client.get(
        "/orders/intents", params={"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    ).json()
    mine = {one["key"]: one for one in told["intents"]}
    assert mine[key]["patient"] == PATIENT
    assert (mine[key]["outcome"], mine[key]["action"]) == ("registered", "sign")
    assert told["whole"]


def test_an_outbox_gets_receipts_and_is_kept(client: httpx.Client, send: Send, key: str) -> None:
    given = send().json()
    held = {"held": [{"key": key, "patient": PATIENT}, {"key": f"{key}-lost", "patient": PATIENT}]}
    receipts = client.post("/orders/outboxes", json=held).json()["receipts"]
    assert [(one["word"], one["order"]) for one in receipts] == [("ok", given["order"]), ("never-seen", None)]
    told = client.get(
        "/orders/intents", params={"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    ).json()["held"]
    assert held["held"] in [one["held"] for one in told]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/orders", 405),
        ("PUT", "/orders/receipts/x", 405),
        ("POST", "/orders/nothing", 404),
        ("GET", "/orders/intents", 400),
        ("POST", "/orders/Patient/1/sign", 404),
        ("POST", "/orders/MedicationRequest/1/fly", 404),
    ],
)
def test_what_is_not_there_is_answered_so(client: httpx.Client, method: str, path: str, status: int) -> None:
    headers = {"idempotency-key": "k", "if-match": 'W/"1"'}
    answer = client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")
    assert answer.headers["altid-receipt"] == "fatal-error"
