"""People come in, go on and leave over HTTP; the audit knows of it before they do."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from altid.access import invitations, reentry, sessions
from altid.access.audit.event import NOBODY
from altid.access.identity import Role
from altid.access.returning import OFFERED_S
from altid.access.sessions import End
from tests.access.authenticator import Authenticator
from tests.access.desks import PASSWORD, SETTINGS, WARD
from tests.access_api.served import ADDRESS, Web, error, over_http

WRONG = "forkert adgangskode"
NEW = "en ny og lang sætning"


async def open_sessions(web: Web) -> int:
    async with web.scene.desk.database.reading() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM session WHERE ended IS NULL")
        return count


def test_a_logon_gives_tokens_that_nobody_keeps_and_an_event(fresh: str) -> None:
    async def work(web: Web) -> None:
        account = await web.scene.account()
        answer = await web.post("/access/logon", username="anne", password=PASSWORD)
        assert answer.headers["cache-control"] == "no-store"
        given = answer.json()
        assert (given["token_type"], given["identity"]["role"]) == ("Bearer", "doctor")
        assert "set-cookie" not in answer.headers
        event = web.told.events[-1]
        assert web.told.last == ("logon", "done", "password")
        assert (event.who.subject, event.address) == (account.id, ADDRESS)
        assert event.request == answer.headers["x-request-id"]
        me = (await web.get("/access/me", given["access_token"])).json()
        assert (me["subject"], me["roles"], me["organisations"]) == (account.id, ["doctor"], [WARD])

    over_http(fresh, work)


def test_a_wrong_password_is_an_event_of_the_account(fresh: str) -> None:
    async def work(web: Web) -> None:
        account = await web.scene.account()
        answer = await web.post("/access/logon", username="Anne", password=WRONG)
        assert error(answer) == (401, "wrong-credentials")
        assert web.told.last == ("logon", "refused", "password (wrong-credentials)")
        assert web.told.events[-1].who.subject == account.id

    over_http(fresh, work)


def test_a_name_that_is_nobodys_is_not_kept(fresh: str) -> None:
    async def work(web: Web) -> None:
        answer = await web.post("/access/logon", username="hemmelig-kode-42", password=WRONG)
        assert error(answer) == (401, "wrong-credentials")
        assert web.told.events[-1].who == NOBODY
        assert "hemmelig" not in repr(web.told.events)
        assert WRONG not in repr(web.told.events)

    over_http(fresh, work)


def test_refusals_are_in_the_language_that_is_asked_for(fresh: str) -> None:
    async def work(web: Web) -> None:
        texts = []
        for language in ("da-DK,da;q=0.9", "en"):
            answer = await web.http.post(
                "/access/logon",
                json={"username": "x", "password": WRONG},
                headers={"accept-language": language},
            )
            texts.append(answer.json()["error_description"])
        assert texts == ["Brugernavn eller adgangskode er forkert.", "User name or password is wrong."]

    over_http(fresh, work)


def test_nobody_is_let_in_whom_the_audit_does_not_know(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        web.told.is_broken = True
        answer = await web.post("/access/logon", username="anne", password=PASSWORD)
        assert error(answer) == (503, "audit-unavailable")
        assert "access_token" not in answer.text
        assert await open_sessions(web) == 0

    over_http(fresh, work)


def test_a_password_that_must_be_changed_is_changed_at_once(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account(must_change=True)
        fields = {"username": "anne", "password": PASSWORD}
        assert error(await web.post("/access/logon", **fields)) == (403, "must-change-password")
        weak = await web.post("/access/logon", **fields, new_password="kort")
        assert error(weak) == (422, "weak-password")
        assert (await web.post("/access/logon", **fields, new_password=NEW)).status_code == 200
        await web.log_on(password=NEW)

    over_http(fresh, work)


def test_guessing_is_slowed_with_seconds_to_wait(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        fields = {"username": "anne", "password": WRONG}
        for _ in range(5):
            await web.post("/access/logon", **fields)
            web.scene.clock.forward(0.01)
        answer = await web.post("/access/logon", username="anne", password=PASSWORD)
        assert error(answer) == (429, "slowed")
        assert int(answer.headers["retry-after"]) >= answer.json()["retry_after_s"] > 0

    over_http(fresh, work)


def test_whoever_is_sent_away_gets_a_place_a_time_and_an_appointment(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        fields = {"username": "anne", "password": PASSWORD}
        answers = await asyncio.gather(*(web.post("/access/logon", **fields) for _ in range(60)))
        away = [one for one in answers if one.status_code == 503]
        assert away
        assert {one.status_code for one in answers} <= {200, 503}
        for one in away:
            told = one.json()
            assert told["error"] == "busy"
            assert told["place"] >= 1
            assert int(one.headers["retry-after"]) >= 1
        returning = await web.post("/access/logon", **fields, appointment=away[0].json()["appointment"])
        assert returning.status_code == 200

    over_http(fresh, work)


@pytest.mark.parametrize(("deadline", "status"), [("1", 503), ("20000", 200), ("", 200), ("-5", 200)])
def test_nothing_is_begun_for_whom_it_would_be_too_late(fresh: str, deadline: str, status: int) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        answer = await web.http.post(
            "/access/logon",
            json={"username": "anne", "password": PASSWORD},
            headers={"altid-deadline": deadline},
        )
        assert answer.status_code == status

    over_http(fresh, work)


def test_a_session_can_not_be_planted(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        planted = await web.log_on()
        verifier = web.scene.desk.verifier
        old = verifier.verify(planted["access_token"]).session
        again = await web.http.post(
            "/access/logon",
            json={
                "username": "anne",
                "password": PASSWORD,
                "session": old,
                "sid": old,
                "refresh_token": planted["refresh_token"],
            },
            headers={
                "cookie": f"session={old}; sid={old}",
                "authorization": f"Bearer {planted['access_token']}",
            },
        )
        assert verifier.verify(again.json()["access_token"]).session != old

    over_http(fresh, work)


def test_a_refresh_token_goes_on_once(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        first = await web.log_on()
        second = (await web.post("/access/refresh", refresh_token=first["refresh_token"])).json()
        assert second["refresh_token"] != first["refresh_token"]
        web.scene.clock.forward(SETTINGS.refresh_overlap_s + 1)
        stolen = await web.post("/access/refresh", refresh_token=first["refresh_token"])
        assert error(stolen) == (401, "session-ended")
        assert web.told.last == ("logon", "refused", "refresh (session-ended)")
        assert (await web.get("/access/me", second["access_token"])).status_code == 401
        ended = await web.post("/access/refresh", refresh_token=second["refresh_token"])
        assert error(ended) == (401, "session-ended")

    over_http(fresh, work)


@pytest.mark.parametrize("by_refresh", [False, True])
def test_whoever_has_left_is_out(fresh: str, by_refresh: bool) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        given = await web.log_on()
        if by_refresh:
            answer = await web.post("/access/logoff", refresh_token=given["refresh_token"])
        else:
            answer = await web.post("/access/logoff", given["access_token"])
        assert answer.status_code == 204
        assert web.told.last == ("logoff", "done", "")
        assert (await web.get("/access/me", given["access_token"])).status_code == 401
        refreshed = await web.post("/access/refresh", refresh_token=given["refresh_token"])
        assert error(refreshed) == (401, "session-ended")

    over_http(fresh, work)


def test_another_role_is_another_session(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account(roles=(Role.DOCTOR, Role.ADMINISTRATOR), organisations=(WARD, "0815"))
        given = await web.log_on()
        wanted = {"role": "administrator", "organisation": "0815"}
        changed = await web.post("/access/role", refresh_token=given["refresh_token"], **wanted)
        assert changed.status_code == 200, changed.text
        assert changed.json()["identity"]["role"] == "administrator"
        assert web.told.last == ("logon", "done", "role")
        assert (await web.get("/access/me", given["access_token"])).status_code == 401
        old = await web.post("/access/refresh", refresh_token=given["refresh_token"])
        assert error(old) == (401, "session-ended")
        new = await web.post("/access/refresh", refresh_token=changed.json()["refresh_token"])
        assert new.json()["identity"]["role"] == "administrator"

    over_http(fresh, work)


def test_a_role_of_another_is_refused_and_leaves_the_session_as_it_was(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account(roles=(Role.NURSE,))
        given = await web.log_on()
        for wanted in (
            {"role": "doctor", "organisation": WARD},
            {"role": "nurse", "organisation": "elsewhere"},
        ):
            answer = await web.post("/access/role", refresh_token=given["refresh_token"], **wanted)
            assert error(answer) == (403, "not-your-role")
        web.scene.clock.forward(SETTINGS.refresh_overlap_s + 1)
        on = await web.post("/access/refresh", refresh_token=given["refresh_token"])
        assert on.status_code == 200

    over_http(fresh, work)


def test_an_access_token_alone_makes_no_new_session(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account(roles=(Role.DOCTOR, Role.NURSE))
        given = await web.log_on()
        wanted = {"role": "nurse", "organisation": WARD}
        answer = await web.post("/access/role", given["access_token"], **wanted)
        assert error(answer) == (400, "invalid_request")
        wrong = await web.post("/access/role", refresh_token=given["access_token"], **wanted)
        assert error(wrong) == (401, "session-ended")

    over_http(fresh, work)


def test_two_changes_of_role_at_once_end_in_one_session(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account(roles=(Role.DOCTOR, Role.NURSE))
        given = await web.log_on()
        wanted = {"role": "nurse", "organisation": WARD, "refresh_token": given["refresh_token"]}
        answers = await asyncio.gather(*(web.post("/access/role", **wanted) for _ in range(4)))
        assert sorted(one.status_code for one in answers) == [200, 401, 401, 401]
        assert await open_sessions(web) == 1

    over_http(fresh, work)


async def workplace_key(web: Web) -> str:
    async with web.scene.desk.database.writing() as connection:
        _, key = await reentry.add_workplace(connection, "Ward PC", WARD, web.scene.clock(), random.Random(1))
    return key


def test_badge_and_pin_open_after_a_full_logon_at_the_workplace(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        place = {"workplace_key": await workplace_key(web)}
        given = await web.log_on()
        allowed = await web.post(
            "/access/reentry", given["access_token"], **place, badge="04A22B91", pin="480271"
        )
        assert allowed.status_code == 204
        assert web.told.last == ("administer", "done", "re-entry")
        by_badge = await web.post("/access/badge", **place, badge="04A22B91")
        assert by_badge.status_code == 200
        assert web.told.last == ("logon", "done", "badge")
        assert web.told.events[-1].workplace == reentry.fingerprint(place["workplace_key"])
        by_pin = await web.post("/access/pin", **place, username="anne", pin="480271")
        assert by_pin.status_code == 200
        wrong = await web.post("/access/pin", **place, username="anne", pin="111222")
        assert error(wrong) == (401, "wrong-credentials")
        other = await web.post("/access/badge", workplace_key="x" * 43, badge="04A22B91")
        assert error(other) == (401, "full-logon-needed")
        again = await web.post("/access/reentry", by_badge.json()["access_token"], **place, badge="04A22B91")
        assert error(again) == (401, "full-logon-needed")

    over_http(fresh, work)


async def register_passkey(web: Web, bearer: str, device: Authenticator) -> Any:
    begun = (await web.post("/access/passkey/register/begin", bearer)).json()
    return await web.post(
        "/access/passkey/register/finish",
        bearer,
        answer=device.create(json.dumps(begun["options"])),
        state=begun["state"],
        name="My phone",
    )


def test_a_passkey_is_made_known_and_opens(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        device = Authenticator()
        kept = await register_passkey(web, (await web.log_on())["access_token"], device)
        assert kept.status_code == 204, kept.text
        assert web.told.last == ("administer", "done", "passkey")
        begun = (await web.post("/access/passkey/begin")).json()
        answer = device.get(json.dumps(begun["options"]))
        fields = {"answer": json.loads(answer), "state": begun["state"]}
        opened = await web.post("/access/passkey/finish", **fields)
        assert opened.json()["identity"]["level"] == "substantial"
        assert web.told.last == ("logon", "done", "passkey")
        replayed = await web.post("/access/passkey/finish", **fields)
        assert error(replayed) == (401, "passkey-refused")

    over_http(fresh, work)


def test_a_passkey_is_made_known_only_just_after_a_full_logon(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account()
        given = await web.log_on()
        web.scene.clock.forward(OFFERED_S - 1)
        refreshed = (await web.post("/access/refresh", refresh_token=given["refresh_token"])).json()
        bearer = refreshed["access_token"]
        begun = (await web.post("/access/passkey/register/begin", bearer)).json()
        web.scene.clock.forward(2)
        assert error(await web.post("/access/passkey/register/begin", bearer)) == (401, "full-logon-needed")
        late = await web.post(
            "/access/passkey/register/finish", bearer, answer="{}", state=begun["state"], name="x"
        )
        assert error(late) == (401, "full-logon-needed")

    over_http(fresh, work)


def test_a_change_of_role_makes_no_logon_fresh(fresh: str) -> None:
    async def work(web: Web) -> None:
        await web.scene.account(roles=(Role.DOCTOR, Role.NURSE))
        given = await web.log_on()
        web.scene.clock.forward(OFFERED_S + 1)
        wanted = {"role": "nurse", "organisation": WARD, "refresh_token": given["refresh_token"]}
        changed = (await web.post("/access/role", **wanted)).json()
        begun = await web.post("/access/passkey/register/begin", changed["access_token"])
        assert error(begun) == (401, "full-logon-needed")

    over_http(fresh, work)


def test_an_invitation_makes_an_account(fresh: str) -> None:
    async def work(web: Web) -> None:
        async with web.scene.desk.database.writing() as connection:
            secret = await invitations.invite_first_administrator(
                connection, "0815", web.scene.clock(), random.Random(1)
            )
        fields = {"secret": secret, "username": "ada", "name": "Ada Min", "password": NEW}
        joined = await web.post("/access/invitation", **fields)
        assert joined.json()["identity"]["role"] == "administrator"
        assert web.told.last == ("logon", "done", "invitation")
        used = await web.post("/access/invitation", **fields)
        assert error(used) == (403, "invitation-refused")
        assert web.told.events[-1].who == NOBODY

    over_http(fresh, work)


def test_a_session_that_an_administrator_has_ended_is_out(fresh: str) -> None:
    async def work(web: Web) -> None:
        account = await web.scene.account()
        given = await web.log_on()
        async with web.scene.desk.database.writing() as connection:
            await sessions.end_all(connection, account.id, web.scene.clock(), End.ADMINISTRATOR)
            await web.scene.desk.keys.refresh(connection)
        assert (await web.get("/access/me", given["access_token"])).status_code == 401

    over_http(fresh, work)
