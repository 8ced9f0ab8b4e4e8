"""The same dose is not given twice: who did not see that it was given gives nothing, and is told by whom."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from altid.access.identity import Level, Role
from altid.access.tokens import Subject
from altid.api.settings import FhirSettings
from altid.screen.views.doses import EXTENSION
from running import running_worker
from tests.access.auditing import sql
from tests.guards import bearer, minted

from .ordering import PATIENT, WARD, medication

AT_ONCE = 12
WHY = [{"code": "dose-given", "reason": "Kastede den op"}]
ACCOUNT = "a0000000-0000-4000-8000-0000000000d0"
AS_NEEDED = {
    "asNeededBoolean": True,
    "maxDosePerPeriod": {
        "numerator": {"value": 4, "unit": "tablet", "system": "http://unitsofmeasure.org", "code": "{tbl}"},
        "denominator": {"value": 1, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"},
    },
}


class Giving:
    """An order from which doses are given, each time under a key of its own."""

    def __init__(self, client: httpx.Client, order: str) -> None:
        self.client, self.order = client, order

    @classmethod
    def new(cls, client: httpx.Client, **elements: Any) -> Giving:
        headers = {"idempotency-key": str(uuid.uuid4())}
        made = client.post("/orders", json=medication(**elements), headers=headers)
        assert made.status_code == 201, made.text
        return cls(client, str(made.json()["order"]))

    def give(
        self, *, key: str | None = None, version: int = 1, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        named = {"if-match": f'W/"{version}"', **(headers or {})}
        return self._post(f"/orders/{self.order}/administer", body, key=key, **named)

    def act(self, action: str, version: int = 1, **body: Any) -> None:
        named = {"if-match": f'W/"{version}"'}
        self._post(f"/orders/{self.order}/{action}", body, **named).raise_for_status()

    def _post(self, path: str, body: Any, *, key: str | None = None, **headers: str) -> httpx.Response:
        named = {"idempotency-key": key or str(uuid.uuid4()), **headers}
        return self.client.post(path, json=body, headers=named)

    def given(self) -> list[dict[str, Any]]:
        found = self.client.get("/fhir/MedicationAdministration", params={"request": self.order}).json()
        return [one["resource"] for one in found.get("entry", ())]


@pytest.fixture
def giving(client: httpx.Client) -> Giving:
    """Of what is given once a day."""
    return Giving.new(client)


@pytest.fixture(scope="module")
def other_server(dsn: str, server: str) -> Iterator[str]:
    with running_worker(dsn, FhirSettings()) as address:
        yield address


@pytest.fixture(scope="module")
def nurse(dsn: str, server: str) -> dict[str, str]:
    """What a nurse who treats the patient shows to the server."""

    async def list_patient() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(_LISTED, ACCOUNT, Role.NURSE, WARD, PATIENT)
        finally:
            await connection.close()

    asyncio.run(list_patient())
    whom = Subject(ACCOUNT, "Bente Bak", Role.NURSE, WARD, Level.HIGH, str(uuid.uuid4()), (), None)
    return bearer(asyncio.run(minted(dsn, whom, life_s=3600)))


_LISTED = """
INSERT INTO personal_list (account, role, organisation, patient, added, until)
VALUES ($1, $2, $3, $4, now(), now() + interval '1 day')
"""


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat(timespec="seconds")


def code(answer: httpx.Response) -> tuple[int, str | None]:
    """The status, and what could be overridden."""
    (issue,) = answer.json()["issue"]
    codings = issue.get("details", {}).get("coding", [{}])
    return answer.status_code, codings[0].get("code")


def last(answer: httpx.Response) -> str:
    """The dose that stands against it."""
    return str(answer.json()["issue"][0]["extension"][0]["valueReference"]["reference"])


def parts(dose: dict[str, Any]) -> dict[str, Any]:
    """What a dose says of others: the value of each part of its extension."""
    ours = [part for one in dose.get("extension", ()) if one["url"] == EXTENSION for part in one["extension"]]
    return {part["url"]: next(value for name, value in part.items() if name != "url") for part in ours}


def test_of_many_who_saw_the_same_one_gives(giving: Giving, other_server: str) -> None:
    """At two servers, each nurse with a key of her own."""
    with httpx.Client(base_url=other_server, timeout=30) as other, ThreadPoolExecutor(AT_ONCE) as threads:
        there = Giving(other, giving.order)
        answers = list(threads.map(lambda n: (giving, there)[n % 2].give(), range(AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (AT_ONCE - 1)
    (dose,) = giving.given()
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {last(answer) for answer in refused} == {f"MedicationAdministration/{dose['id']}"}
    assert {answer.headers["altid-receipt"] for answer in refused} == {"fatal-error"}


def test_one_who_sends_again_and_again_gives_once(giving: Giving, other_server: str) -> None:
    key = str(uuid.uuid4())
    with httpx.Client(base_url=other_server, timeout=30) as other, ThreadPoolExecutor(AT_ONCE) as threads:
        there = Giving(other, giving.order)
        answers = list(threads.map(lambda n: (giving, there)[n % 2].give(key=key), range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(giving.given()) == 1


def test_whoever_is_too_late_is_told_when_and_by_whom(
    giving: Giving, nurse: dict[str, str], dsn: str
) -> None:
    first = giving.give(headers=nurse)
    assert first.status_code == 200, first.text
    late = giving.give(headers={**nurse, "accept-language": "da"})
    text = late.json()["issue"][0]["details"]["text"]
    assert code(late) == (409, None), "who looks again needs no reason yet"
    assert "Bente Bak (sygeplejerske)" in text
    assert "givet" in text
    (dose,) = giving.given()
    assert dose["performer"][0]["actor"]["display"] == "Bente Bak"


def test_a_second_dose_of_the_same_time_needs_a_reason_which_is_kept(giving: Giving) -> None:
    first = giving.give().json()["order"]
    refused = giving.give(after=first)
    assert (code(refused), last(refused)) == ((409, "dose-given"), first)
    second = giving.give(after=first, overrides=WHY)
    assert second.status_code == 200, second.text
    newest = next(one for one in giving.given() if one["id"] in second.json()["order"])
    assert parts(newest) == {
        "after": {"reference": first},
        "reason": "Kastede den op",
        "doubles": {"reference": first},
    }


def test_a_reason_does_not_help_whoever_has_not_looked(giving: Giving) -> None:
    first = giving.give().json()["order"]
    second = giving.give(after=first, overrides=WHY)
    assert second.status_code == 200
    assert code(giving.give(after=first, overrides=WHY)) == (409, None)
    assert len(giving.given()) == 2


def test_the_next_dose_of_the_schedule_needs_none(giving: Giving) -> None:
    first = giving.give(effectiveDateTime=ago(hours=20))
    assert first.status_code == 200
    assert giving.give(after=first.json()["order"]).status_code == 200


def test_what_is_taken_as_needed_is_given_again(client: httpx.Client) -> None:
    (line,) = medication()["dosageInstruction"]
    bounds = {"repeat": {"boundsPeriod": line["timing"]["repeat"]["boundsPeriod"]}}
    giving = Giving.new(client, dosageInstruction=[{**line, "timing": bounds, **AS_NEEDED}])
    first = giving.give(effectiveDateTime=ago(hours=1)).json()["order"]
    second = giving.give(after=first)
    assert second.status_code == 200, second.text
    at_once = giving.give(after=second.json()["order"])
    assert code(at_once) == (409, "dose-given"), "nobody means to give twice within minutes"


def test_that_nothing_was_given_is_seen_as_well(giving: Giving) -> None:
    declined = giving.give(status="not-done", statusReason=[{"text": "Faster"}])
    assert declined.status_code == 200
    assert code(giving.give()) == (409, None)
    assert giving.give(after=declined.json()["order"]).status_code == 200, "and is no dose"


def test_what_a_system_has_told_through_fhir_is_seen(giving: Giving) -> None:
    told = {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": {"text": "Salve"},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "request": {"reference": giving.order},
        "effectiveDateTime": ago(minutes=5),
    }
    made = giving.client.post("/fhir/MedicationAdministration", json=told)
    refused = giving.give()
    assert (code(refused), last(refused)) == ((409, None), f"MedicationAdministration/{made.json()['id']}")


def test_what_was_given_on_paper_is_recorded_and_says_that_it_may_be_a_double(giving: Giving) -> None:
    first = giving.give().json()["order"]
    late = giving.give(afterwards=True, effectiveDateTime=ago(hours=2))
    assert late.status_code == 200, late.text
    told = next(one for one in giving.given() if one["id"] in late.json()["order"])
    assert parts(told) == {"afterwards": True, "doubles": {"reference": first}}
    other = giving.give(afterwards=True, effectiveDateTime=ago(days=3))
    apart = next(one for one in giving.given() if one["id"] in other.json()["order"])
    assert parts(apart) == {"afterwards": True}


def test_what_was_given_on_paper_is_recorded_though_the_order_has_ended_since(giving: Giving) -> None:
    giving.act("stop", reason="Virker ikke")
    assert giving.give(version=2).status_code == 422
    told = giving.give(version=2, afterwards=True, effectiveDateTime=ago(hours=2))
    assert told.status_code == 200, told.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"afterwards": True}, 400),
        ({"afterwards": "yes", "effectiveDateTime": "2026-01-01"}, 400),
        ({"after": 7}, 400),
        ({"after": "Patient/1"}, 400),
        ({"effectiveDateTime": "2999-01-01T00:00:00Z"}, 422),
    ],
)
def test_what_cannot_be_meant_is_refused(giving: Giving, body: dict[str, Any], status: int) -> None:
    assert giving.give(**body).status_code == status
    assert giving.given() == []


def test_what_a_dose_says_of_others_is_the_servers_to_say(giving: Giving) -> None:
    ours = {"url": EXTENSION, "extension": [{"url": "doubles", "valueReference": {"reference": "A/1"}}]}
    other = {"url": "https://example.org/pump", "valueString": "3"}
    assert giving.give(extension=[ours, other]).status_code == 200
    assert giving.given()[0]["extension"] == [other]


def test_a_dose_is_not_given_by_an_order_that_is_stopped_at_that_moment(client: httpx.Client) -> None:
    """The version that was seen is looked at once more where no other can be made."""
    for _ in range(4):
        giving = Giving.new(client)
        with ThreadPoolExecutor(2) as threads:
            stopped = threads.submit(giving.act, "stop", reason="Allergi")
            given = threads.submit(giving.give).result()
            stopped.result()
        order = giving.client.get(f"/fhir/{giving.order}").json()
        assert (order["status"], order["meta"]["versionId"]) == ("stopped", "2")
        assert given.status_code in (200, 412, 422)
        assert all(one["meta"]["lastUpdated"] <= order["meta"]["lastUpdated"] for one in giving.given())


def test_a_look_at_the_other_dose_is_in_the_audit(giving: Giving, nurse: dict[str, str], dsn: str) -> None:
    first = giving.give().json()["order"]
    assert giving.give(headers=nurse).status_code == 409
    query = (
        "SELECT count(*) FROM audit WHERE convert_from(body, 'UTF8')::json ->> 'operation' = 'administer' "
        f"AND convert_from(body, 'UTF8')::json ->> 'id' = '{first.partition('/')[2]}'"
    )
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while not sql(dsn, query)[0][0]:
        assert datetime.now(UTC) < deadline
