"""One's own list, broken glass and its follow-up, what patients have blocked: who may, and what holds."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from altid.access.grounds import Grounds
from altid.access.identity import Role
from altid.access.reaching import Reaches
from altid.fhir.validation import validate
from altid.record.write import update, write
from tests.access.desks import WARD, Hands
from tests.access_api.served import Web, error, over_http

HOSPITAL, OTHER = "32891000016000", "99991000016001"
WAIT_S_MAX = 30.0
REASON = "Bevidstløs i modtagelsen, ukendt medicin"
NOTE = "Ringede i dag, legitimeret ved CPR"


def told(dsn: str, work: Callable[[Web], Awaitable[None]]) -> None:
    """On a clock that agrees with that of grounds, and stands on a whole second: keys sign from then on."""
    over_http(dsn, work, clock=Hands(float(int(time.time()))))


async def store(web: Web, *resources: dict[str, Any]) -> None:
    async with web.scene.desk.database.writing() as connection:
        for resource in resources:
            await write(connection, [update(resource)])


async def hospital(web: Web) -> None:
    """A ward of a hospital, and another one elsewhere."""
    for number, above in ((HOSPITAL, None), (WARD, HOSPITAL), (OTHER, None)):
        part = {"partOf": {"reference": f"Organization/o{above}"}} if above else {}
        await store(
            web,
            {
                "resourceType": "Organization",
                "id": f"o{number}",
                "identifier": [{"system": "urn:oid:1.2.208.176.1.1", "value": number}],
                "name": f"Sted {number}",
                **part,
            },
        )


async def patient(web: Web) -> str:
    made = f"p{uuid.uuid4().hex[:12]}"
    await store(web, {"resourceType": "Patient", "id": made, "name": [{"family": "Åkjær"}]})
    return made


async def stay(web: Web, patient: str, status: str = "in-progress", ended: timedelta | None = None) -> None:
    """At the ward."""
    now = datetime.now(UTC)
    start = (now - timedelta(days=60)).isoformat()
    period = {"start": start} | ({"end": (now - ended).isoformat()} if ended else {})
    await store(
        web,
        {
            "resourceType": "Encounter",
            "id": f"e{patient}",
            "status": status,
            "class": {"code": "IMP"},
            "subject": {"reference": f"Patient/{patient}"},
            "serviceProvider": {"reference": f"Organization/o{WARD}"},
            "period": period,
        },
    )


async def somebody(web: Web, role: Role = Role.DOCTOR, organisation: str = WARD) -> tuple[str, str]:
    """User name and token."""
    username = f"u{uuid.uuid4().hex[:12]}"
    await web.scene.account(username, roles=(role,), organisations=(organisation,))
    return username, (await web.log_on(username))["access_token"]


async def grounds(web: Web, bearer: str, patient: str) -> Grounds | None:
    identity = web.scene.desk.verifier.verify(bearer)
    return (await Reaches(web.scene.desk.database).of(identity, fresh=True)).of(patient)


# The list


def test_a_patient_who_is_here_stays_in_sight_after_going_elsewhere(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        await stay(web, who)
        _, doctor = await somebody(web)
        answer = await web.post("/access/list/add", doctor, patient=who, hours=72)
        assert answer.status_code == 200, answer.text
        assert "override" not in answer.json()
        assert web.told.last == ("administer", "done", "list-add")
        assert web.told.events[-1].patients == (who,)
        await stay(web, who, "finished", timedelta(days=1))
        assert await grounds(web, doctor, who) is Grounds.LISTED
        listed = (await web.get("/access/list", doctor)).json()["patients"]
        assert [each["patient"] for each in listed] == [who]
        assert (await web.post("/access/list/remove", doctor, patient=who)).status_code == 204
        assert await grounds(web, doctor, who) is None

    told(fresh, work)


@pytest.mark.parametrize(("days", "status"), [(1, 200), (13, 200), (15, 403)])
def test_a_patient_who_was_here_lately_may_be_listed(fresh: str, days: int, status: int) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        await stay(web, who, "finished", timedelta(days=days))
        _, nurse = await somebody(web, Role.NURSE)
        answer = await web.post("/access/list/add", nurse, patient=who, hours=12)
        assert answer.status_code == status

    told(fresh, work)


def test_a_list_makes_no_grounds_from_nothing(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        _, nurse = await somebody(web, Role.NURSE)
        answer = await web.post("/access/list/add", nurse, patient=who, hours=12)
        assert error(answer) == (403, "reason-needed")
        assert web.told.last == ("administer", "refused", "list-add")
        assert await grounds(web, nurse, who) is None

    told(fresh, work)


def test_with_a_reason_the_glass_is_broken_and_the_entry_ends_with_it(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        _, nurse = await somebody(web, Role.NURSE)
        answer = await web.post(
            "/access/list/add", nurse, patient=who, hours=168, kind="acute", reason=REASON
        )
        given = answer.json()
        until = datetime.fromisoformat(given["until"]).timestamp()
        assert until == pytest.approx(web.scene.clock() + 8 * 3600, abs=1)
        assert [event.action for event in web.told.events[-2:]] == ["override", "administer"]
        assert web.told.events[-2].id == given["override"]
        again = await web.post("/access/list/add", nurse, patient=who, hours=168)
        assert datetime.fromisoformat(again.json()["until"]).timestamp() == pytest.approx(until, abs=1)
        _, auditor = await somebody(web, Role.AUDITOR)
        waiting = (await web.get("/access/follow-up", auditor)).json()["overrides"]
        assert given["override"] in {each["override"] for each in waiting}

    told(fresh, work)


def test_being_listed_is_no_ground_for_staying_listed(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        await stay(web, who)
        _, doctor = await somebody(web)
        assert (await web.post("/access/list/add", doctor, patient=who, hours=12)).status_code == 200
        await stay(web, who, "finished", timedelta(days=30))
        assert await grounds(web, doctor, who) is Grounds.LISTED
        until = time.monotonic() + WAIT_S_MAX
        answer = await web.post("/access/list/add", doctor, patient=who, hours=168)
        while answer.status_code == 200 and time.monotonic() < until:  # what is known may be a moment old
            answer = await web.post("/access/list/add", doctor, patient=who, hours=168)
        assert error(answer) == (403, "reason-needed")

    told(fresh, work)


def test_who_was_blocked_lists_nobody_without_a_reason(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        await stay(web, who)
        username, doctor = await somebody(web)
        _, secretary = await somebody(web, Role.SECRETARY)
        answer = await web.post("/access/blocks/set", secretary, patient=who, person=username, asked=NOTE)
        assert answer.status_code == 201, answer.text
        answer = await web.post("/access/list/add", doctor, patient=who, hours=12)
        assert error(answer) == (403, "reason-needed")

    told(fresh, work)


def test_a_secretary_can_not_break_the_glass_by_the_list(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        _, secretary = await somebody(web, Role.SECRETARY)
        fields = {"patient": who, "hours": 12, "kind": "acute", "reason": REASON}
        assert (await web.post("/access/list/add", secretary, **fields)).status_code == 422
        assert await grounds(web, secretary, who) is None

    told(fresh, work)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATIONS, Role.ADMINISTRATOR])
def test_others_have_no_list(fresh: str, role: Role) -> None:
    async def work(web: Web) -> None:
        who = await patient(web)
        _, bearer = await somebody(web, role)
        answer = await web.post("/access/list/add", bearer, patient=who, hours=12)
        assert error(answer) == (403, "not-possible")

    told(fresh, work)


@pytest.mark.parametrize(
    "fields", [{"hours": 13}, {"hours": "12"}, {"hours": True}, {"patient": "a/b"}, {"patient": "nobody"}]
)
def test_what_can_not_be_listed_is_said(fresh: str, fields: dict[str, Any]) -> None:
    async def work(web: Web) -> None:
        who = await patient(web)
        _, doctor = await somebody(web)
        answer = await web.post("/access/list/add", doctor, **({"patient": who, "hours": 12} | fields))
        assert answer.status_code in (400, 422)

    told(fresh, work)


# Broken glass


def test_glass_is_broken_and_followed_up_by_somebody_else(fresh: str) -> None:
    async def work(web: Web) -> None:
        who = await patient(web)
        _, doctor = await somebody(web)
        answer = await web.post("/access/override", doctor, patient=who, kind="acute", reason=REASON)
        assert answer.status_code == 201, answer.text
        assert web.told.last == ("override", "done", "override")
        assert await grounds(web, doctor, who) is Grounds.OVERRIDE
        made = answer.json()["override"]
        assert (await web.get("/access/follow-up", doctor)).status_code == 403
        judged = {"override": made, "finding": "justified"}
        assert (await web.post("/access/follow-up", doctor, **judged)).status_code == 403
        _, auditor = await somebody(web, Role.AUDITOR)
        waiting = (await web.get("/access/follow-up", auditor)).json()["overrides"]
        assert [each["reason"] for each in waiting if each["override"] == made] == [REASON]
        assert who in web.told.events[-1].patients
        assert (await web.post("/access/follow-up", auditor, **judged)).status_code == 204
        assert web.told.last == ("follow-up", "done", "follow-up")
        assert error(await web.post("/access/follow-up", auditor, **judged)) == (422, "not-possible")

    told(fresh, work)


@pytest.mark.parametrize(
    ("role", "changed"),
    [
        (Role.SECRETARY, {}),
        (Role.DOCTOR, {"reason": "kort"}),
        (Role.DOCTOR, {"kind": "curiosity"}),
        (Role.DOCTOR, {"patient": "nobody"}),
    ],
)
def test_glass_is_not_broken_otherwise(fresh: str, role: Role, changed: dict[str, str]) -> None:
    async def work(web: Web) -> None:
        who = await patient(web)
        _, bearer = await somebody(web, role)
        fields = {"patient": who, "kind": "acute", "reason": REASON} | changed
        assert error(await web.post("/access/override", bearer, **fields)) == (422, "not-possible")
        assert await grounds(web, bearer, who) is None

    told(fresh, work)


# Blocks


def test_a_block_against_a_person_holds_until_it_is_lifted_and_is_kept(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        await stay(web, who)
        username, doctor = await somebody(web)
        _, nurse = await somebody(web, Role.NURSE)
        answer = await web.post("/access/blocks/set", nurse, patient=who, person=username, asked=NOTE)
        made = answer.json()["block"]
        assert web.told.last == ("administer", "done", "block-set")
        assert (web.told.events[-1].id, web.told.events[-1].patients) == (made, (who,))
        assert await grounds(web, doctor, who) is None
        assert await grounds(web, nurse, who) is Grounds.ADMITTED
        answer = await web.post("/access/blocks/lift", nurse, block=made, asked="Fortrød i dag")
        assert answer.status_code == 204
        assert await grounds(web, doctor, who) is Grounds.ADMITTED
        shown = (await web.get(f"/access/blocks?patient={who}", nurse)).json()["blocks"]
        assert [(each["holds"], each["asked"], each["lift_asked"]) for each in shown] == [
            (False, NOTE, "Fortrød i dag")
        ]
        assert shown[0]["set_by"] == shown[0]["lifted_by"] != ""
        again = await web.post("/access/blocks/lift", nurse, block=made, asked="Fortrød i dag")
        assert error(again) == (422, "not-possible")

    told(fresh, work)


def test_whom_a_block_names_does_not_lift_it(fresh: str) -> None:
    async def work(web: Web) -> None:
        who = await patient(web)
        username, doctor = await somebody(web)
        fields = {"patient": who, "person": username, "asked": NOTE}
        made = (await web.post("/access/blocks/set", doctor, **fields)).json()["block"]
        answer = await web.post("/access/blocks/lift", doctor, block=made, asked=NOTE)
        assert error(answer) == (403, "not-possible")
        assert web.told.last == ("administer", "refused", "block-lift")

    told(fresh, work)


def test_people_and_places_may_be_named_as_they_are_called(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        username, nurse = await somebody(web, Role.NURSE)
        for named in ({"person": f"{username.title()} Holm"}, {"place": WARD}, {"place": f"Sted {OTHER}"}):
            answer = await web.post("/access/blocks/set", nurse, patient=who, asked=NOTE, **named)
            assert answer.status_code == 201, answer.text
        shown = (await web.get(f"/access/blocks?patient={who}", nurse)).json()["blocks"]
        assert {each.get("place") for each in shown} == {None, WARD, OTHER}

    told(fresh, work)


def test_a_block_against_a_hospital_holds_in_its_wards_and_nowhere_else(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        await stay(web, who)
        _, doctor = await somebody(web)
        _, secretary = await somebody(web, Role.SECRETARY)
        for place, expected in ((OTHER, Grounds.ADMITTED), (HOSPITAL, None)):
            answer = await web.post("/access/blocks/set", secretary, patient=who, place=place, asked=NOTE)
            assert answer.status_code == 201, answer.text
            assert await grounds(web, doctor, who) is expected

    told(fresh, work)


@pytest.mark.parametrize(
    ("fields", "danish"),
    [
        ({"person": "ingen-af-os"}, "Ingen kendt har det navn"),
        ({"place": "12345"}, "Intet kendt sted"),
        ({"place": "Findes ikke"}, "Intet kendt sted"),
        ({"asked": "   x "}, "Notér, hvordan patienten bad om det"),
        ({"from": "2026-03-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}, "En periode slutter"),
        ({"patient": "nobody"}, "Patienten findes ikke"),
        ({"person": "a", "place": "1"}, "ikke begge"),
    ],
)
def test_a_block_that_can_not_be_is_refused_in_both_languages(
    fresh: str, fields: dict[str, str], danish: str
) -> None:
    async def work(web: Web) -> None:
        who = await patient(web)
        _, nurse = await somebody(web, Role.NURSE)
        sent = {"patient": who, "asked": NOTE} | fields
        headers = {"authorization": f"Bearer {nurse}"}
        for language, said in (("da", danish), ("en", "")):
            answer = await web.http.post(
                "/access/blocks/set", json=sent, headers=headers | {"accept-language": language}
            )
            assert error(answer) == (422, "not-possible")
            assert said in answer.json()["error_description"]
            assert fields.get("person", "?") not in answer.json()["error_description"].split()
        assert (await web.get(f"/access/blocks?patient={who}", nurse)).json()["blocks"] == []

    told(fresh, work)


@pytest.mark.parametrize("role", [Role.PHARMACIST, Role.AUDITOR, Role.OPERATIONS, Role.ADMINISTRATOR])
def test_others_neither_set_nor_see_blocks(fresh: str, role: Role) -> None:
    async def work(web: Web) -> None:
        who = await patient(web)
        _, bearer = await somebody(web, role)
        for answer in (
            await web.post("/access/blocks/set", bearer, patient=who, asked=NOTE),
            await web.get(f"/access/blocks?patient={who}", bearer),
            await web.get(f"/access/blocks/consent?patient={who}", bearer),
        ):
            assert error(answer) == (403, "not-possible")

    told(fresh, work)


def test_a_block_can_be_lifted_but_not_changed_by_a_server(fresh: str) -> None:
    """By the right that servers have in the database."""

    async def work(web: Web) -> None:
        async with web.scene.desk.database.writing() as connection:
            for change in ("patient = 'x'", "account = NULL", "since = now()", "asked = 'aaaaaa'"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"UPDATE patient_block SET {change}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DELETE FROM patient_block")

    told(fresh, work)


def test_blocks_are_consents_that_deny(fresh: str) -> None:
    async def work(web: Web) -> None:
        await hospital(web)
        who = await patient(web)
        username, nurse = await somebody(web, Role.NURSE)
        for fields in (
            {"person": username},
            {"place": WARD},
            {"from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
            {"to": "2026-03-01T00:00:00+01:00"},
        ):
            answer = await web.post("/access/blocks/set", nurse, patient=who, asked=NOTE, **fields)
            assert answer.status_code == 201, answer.text
        bundle = (await web.get(f"/access/blocks/consent?patient={who}", nurse)).json()
        assert (bundle["resourceType"], bundle["total"]) == ("Bundle", 4)
        consents = [entry["resource"] for entry in bundle["entry"]]
        assert [validate(each) for each in consents] == [[]] * 4
        assert {each["status"] for each in consents} == {"active"}
        assert {each["provision"]["type"] for each in consents} == {"deny"}
        assert NOTE not in str(bundle)

    told(fresh, work)
