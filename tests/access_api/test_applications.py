"""Applications that act for people (SMART App Launch 2.2): what they get, and that it is not more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from altid.access import clients, sessions
from altid.access.clients import ASSERTION_TYPE, Client, ClientError
from altid.access.identity import Level, Role
from altid.access.redirects import is_redirect
from altid.access.sessions import Narrowing
from altid.fhir.definitions import resource_types
from altid.record.database import Connection
from tests.access.desks import PASSWORD, SETTINGS
from tests.access.test_system_clients import JWKS, assertion
from tests.access_api.launching import BACK, CHART, PATIENT, challenge_of, launch, told_at
from tests.access_api.served import Web, error, over_http


def test_an_application_gets_what_the_person_gives_it(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        begun = await app.begin()
        assert begun.status_code == 303
        assert begun.headers["location"] == f"/application?{urlencode(app.question())}"
        shown = await web.post(
            "/access/authorize/describe", app.bearer, query=begun.headers["location"].partition("?")[2]
        )
        assert (shown.json()["name"], shown.json()["needs_patient"]) == ("Growth chart", True)
        answer = await app.answer(patient=PATIENT)
        location = answer.json()["location"]
        assert location.startswith(f"{BACK}?code=")
        told = told_at(location)
        assert (told["state"], told["iss"]) == ("af0ifjsldkj", "http://localhost:8080")
        given = (await app.redeem(told["code"])).json()
        assert given["patient"] == PATIENT
        assert given["scope"] == "launch/patient patient/Observation.rs patient/Condition.rs online_access"
        identity = web.scene.desk.verifier.verify(given["access_token"])
        assert identity.scopes == ("patient/Observation.rs", "patient/Condition.rs")
        assert (identity.patient, identity.application) == (PATIENT, CHART.id)
        assert (identity.role, identity.name) == (Role.DOCTOR, "Anne Holm")
        assert identity.session != web.scene.desk.verifier.verify(app.bearer).session

    over_http(fresh, work)


def test_the_audit_knows_who_let_it_in_and_about_whom(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        await app.tokens()
        allowed, begun = web.told.events[-2:]
        assert (allowed.action, allowed.operation) == ("administer", "allow application growth-chart")
        assert (begun.action, begun.operation) == ("logon", "application growth-chart")
        assert allowed.who.subject == begun.who.subject != ""
        assert allowed.patients == begun.patients == (PATIENT,)
        await app.answer(yes=False)
        assert web.told.last == ("administer", "done", "refuse application growth-chart")

    over_http(fresh, work)


def test_no_code_and_no_token_that_the_audit_does_not_know(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        code = await app.code()
        web.told.is_broken = True
        for answer in (await app.answer(patient=PATIENT), await app.redeem(code)):
            assert error(answer) == (503, "audit-unavailable")
            assert "location" not in answer.text
            assert "access_token" not in answer.text

    over_http(fresh, work)


def test_a_second_use_of_a_code_ends_what_the_first_has_begun(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        code = await app.code()
        given = (await app.redeem(code)).json()
        assert (await web.get("/access/me", given["access_token"])).status_code == 200
        assert error(await app.redeem(code)) == (400, "invalid_grant")
        assert (await web.get("/access/me", given["access_token"])).status_code == 401
        assert error(await app.go_on(given["refresh_token"])) == (400, "invalid_grant")
        assert (await web.get("/access/me", app.bearer)).status_code == 200

    over_http(fresh, work)


def test_a_thief_of_the_code_alone_ends_it_for_both(fresh: str) -> None:
    """Without the secret of PKCE it is spent and gives nothing; the owner then learns it."""

    async def work(web: Web) -> None:
        app = await launch(web)
        code = await app.code()
        assert error(await app.redeem(code, code_verifier="x" * 43)) == (400, "invalid_grant")
        assert error(await app.redeem(code)) == (400, "invalid_grant")

    over_http(fresh, work)


def test_of_many_that_use_a_code_at_once_none_keeps_tokens(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        code = await app.code()
        answers = await asyncio.gather(*(app.redeem(code) for _ in range(4)))
        given = [one.json() for one in answers if one.status_code == 200]
        assert len(given) == 1
        assert (await web.get("/access/me", given[0]["access_token"])).status_code == 401

    over_http(fresh, work)


def test_a_code_is_good_for_a_minute(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        code = await app.code()
        web.scene.clock.forward(SETTINGS.code_s + 1)
        assert error(await app.redeem(code)) == (400, "invalid_grant")

    over_http(fresh, work)


def test_a_code_is_stored_nowhere(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        code = await app.code()
        async with web.scene.desk.database.reading() as connection:
            rows = await connection.fetch("SELECT * FROM authorization_code")
        assert len(rows) == 1
        assert code not in repr([dict(row) for row in rows])
        assert code not in repr(web.told.events)

    over_http(fresh, work)


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": ""},
        {"code_challenge": "short"},
        {"code_challenge": "x" * 44},
        {"code_challenge": None, "code_challenge_method": None},
    ],
    ids=str,
)
def test_there_is_no_way_without_the_secret_of_pkce(fresh: str, changed: dict[str, str | None]) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        begun = await app.begin(**changed)
        assert begun.headers["location"].startswith(f"{BACK}?error=invalid_request")
        answer = await app.answer(patient=PATIENT, question=app.question(**changed))
        assert "code" not in told_at(answer.json()["location"])

    over_http(fresh, work)


@pytest.mark.parametrize("verifier", [None, "", "x" * 42, "x" * 129, "ø" * 43, "the challenge"])
def test_the_secret_must_be_the_one_that_was_asked_with(fresh: str, verifier: str | None) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        sent = challenge_of(app.verifier) if verifier == "the challenge" else verifier
        answer = await app.redeem(await app.code(), code_verifier=sent)
        assert answer.status_code == 400
        assert answer.json()["error"] in ("invalid_grant", "invalid_request")

    over_http(fresh, work)


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        f"{BACK}/",
        f"{BACK}?x=1",
        f"{BACK}#x",
        f"{BACK}/../back",
        f"{BACK}%2f",
        BACK.upper(),
        "http://chart.example/back",
        "https://chart.example:443/back",
        "https://chart.example.evil.example/back",
        "https://user@chart.example/back",
        "https://evil.example/?https://chart.example/back",
        "//evil.example/back",
        "javascript:alert(1)",
        f" {BACK}",
        f"{BACK}\r\nx: y",
    ],
)
def test_the_browser_is_sent_to_no_other_address(fresh: str, address: str | None) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        begun = await app.begin(redirect_uri=address)
        assert error(begun) == (400, "invalid_client")
        assert "location" not in begun.headers
        answer = await app.answer(patient=PATIENT, question=app.question(redirect_uri=address))
        assert error(answer) == (400, "invalid_client")
        denied = await app.answer(yes=False, question=app.question(redirect_uri=address))
        assert error(denied) == (400, "invalid_client")

    over_http(fresh, work)


def test_an_address_that_stands_twice_is_none(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        query = urlencode(app.question())
        for twice in (f"redirect_uri={BACK}", "client_id=growth-chart", "redirect_uri=https://evil.example"):
            assert error(await app.begin(f"{query}&{twice}")) == (400, "invalid_client")
        other = await app.begin(f"{query}&scope=user/*.cruds")
        assert told_at(other.headers["location"])["error"] == "invalid_request"

    over_http(fresh, work)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"state": "x" * 2_000}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://evil.example/fhir"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "system/*.cruds"}, "invalid_scope"),
        ({"scope": "user/*.cruds patient/*.cruds"}, "invalid_scope"),
        ({"scope": "openid launch/patient"}, "invalid_scope"),
    ],
    ids=str,
)
def test_an_application_is_told_what_was_wrong(fresh: str, changed: dict[str, str], code: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        begun = await app.begin(**changed)
        assert begun.status_code == 303
        assert begun.headers["location"].startswith(f"{BACK}?")
        assert told_at(begun.headers["location"])["error"] == code

    over_http(fresh, work)


@pytest.mark.parametrize("client", ["nobody", "lab-1", "", "growth-chart\x00"])
def test_a_client_that_is_no_application_is_told_to_the_person_alone(fresh: str, client: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        async with web.scene.desk.database.writing() as connection:
            lab = Client("lab-1", "Lab", "1", ("system/Patient.r",), JWKS)
            await clients.add(connection, lab, web.scene.clock())
        assert error(await app.begin(client_id=client)) == (400, "invalid_client")

    over_http(fresh, work)


def test_a_registered_address_with_a_query_keeps_it(fresh: str) -> None:
    async def work(web: Web) -> None:
        address = "https://chart.example/back?tenant=1"
        app = await launch(web, replace(CHART, redirect_uris=(address,)))
        answer = await app.answer(patient=PATIENT, question=app.question(redirect_uri=address))
        assert answer.json()["location"].startswith(f"{address}&code=")

    over_http(fresh, work)


def test_the_person_can_give_less_and_no_more(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        less = await app.tokens(scopes=["patient/Condition.rs", "launch/patient"])
        assert less["scope"] == "patient/Condition.rs launch/patient"
        assert "refresh_token" not in less
        for scopes in (
            ["patient/*.rs"],
            ["user/Observation.rs"],
            ["system/*.cruds"],
            ["launch/patient"],
            [],
        ):
            answer = await app.answer(patient=PATIENT, scopes=scopes)
            assert error(answer) == (400, "invalid_request")

    over_http(fresh, work)


@pytest.mark.parametrize("patient", [None, "", "Patient/1", "../1", "x" * 65, "1 OR 1"])
def test_scopes_about_a_patient_need_one(fresh: str, patient: str | None) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        assert error(await app.answer(patient=patient)) == (400, "invalid_request")

    over_http(fresh, work)


def test_scopes_of_the_user_need_no_patient(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        question = app.question(scope="user/Observation.rs")
        given = await app.tokens(question=question, patient="p-1")
        assert "patient" not in given
        assert web.scene.desk.verifier.verify(given["access_token"]).patient is None

    over_http(fresh, work)


def test_the_longest_token_that_can_be_given_is_accepted(fresh: str) -> None:
    async def work(web: Web) -> None:
        types = sorted(resource_types(), key=len, reverse=True)[: clients.SCOPES_MAX]
        scopes = tuple(f"patient/{type_}.cruds" for type_ in types)
        app = await launch(web, replace(CHART, scopes=scopes))
        async with web.scene.desk.database.writing() as connection:
            await connection.execute("UPDATE account SET name = $1", "æ" * 120)
        given = await app.tokens(question=app.question(scope=" ".join(scopes)))
        me = (await web.get("/access/me", given["access_token"])).json()
        assert me["scope"].split() == list(scopes)

    over_http(fresh, work)


def test_a_no_goes_back_as_one(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        told = told_at((await app.answer(yes=False)).json()["location"])
        assert (told["error"], told["state"]) == ("access_denied", "af0ifjsldkj")
        assert "code" not in told

    over_http(fresh, work)


def test_going_on_keeps_the_narrowing(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        given = await app.tokens()
        answer = await app.go_on(given["refresh_token"])
        on = answer.json()
        assert (on["scope"], on["patient"]) == (given["scope"], PATIENT)
        identity = web.scene.desk.verifier.verify(on["access_token"])
        assert identity.scopes == ("patient/Observation.rs", "patient/Condition.rs")
        assert (identity.patient, identity.application) == (PATIENT, CHART.id)

    over_http(fresh, work)


def test_a_refresh_token_goes_on_only_for_its_own_application(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        async with web.scene.desk.database.writing() as connection:
            await clients.add(connection, replace(CHART, id="other"), web.scene.clock())
        given = await app.tokens()
        token = given["refresh_token"]
        assert error(await app.go_on(token, "other")) == (400, "invalid_grant")
        assert error(await web.post("/access/refresh", refresh_token=token)) == (401, "session-ended")
        role = {"role": "doctor", "organisation": "32891000016001"}
        assert error(await web.post("/access/role", refresh_token=token, **role)) == (401, "session-ended")
        assert error(await app.go_on(app.refresh)) == (400, "invalid_grant")
        assert (await app.go_on(token)).status_code == 200
        assert (await web.post("/access/refresh", refresh_token=app.refresh)).status_code == 200

    over_http(fresh, work)


def test_an_old_refresh_token_of_an_application_ends_its_session(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        given = await app.tokens()
        on = (await app.go_on(given["refresh_token"])).json()
        web.scene.clock.forward(SETTINGS.refresh_overlap_s + 1)
        assert error(await app.go_on(given["refresh_token"])) == (400, "invalid_grant")
        assert (await web.get("/access/me", on["access_token"])).status_code == 401

    over_http(fresh, work)


def test_a_code_of_one_application_is_worth_nothing_to_another(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        async with web.scene.desk.database.writing() as connection:
            await clients.add(connection, replace(CHART, id="other"), web.scene.clock())
        assert error(await app.redeem(await app.code(), client_id="other")) == (400, "invalid_grant")
        other = await app.redeem(await app.code(), redirect_uri="https://evil.example/back")
        assert error(other) == (400, "invalid_grant")
        assert error(await app.redeem(await app.code(), client_id="nobody")) == (401, "invalid_client")

    over_http(fresh, work)


def test_an_application_can_not_do_what_only_the_person_can(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        bearer = (await app.tokens())["access_token"]
        place: dict[str, Any] = {"workplace_key": "k", "badge": "04A22B91"}
        for answer in (
            await app.answer(bearer=bearer, patient=PATIENT),
            await web.post("/access/authorize/describe", bearer, query=urlencode(app.question())),
            await web.post("/access/passkey/register/begin", bearer),
            await web.post("/access/passkey/register/finish", bearer, answer="{}", state="x", name="x"),
            await web.post("/access/reentry", bearer, **place),
        ):
            assert error(answer) == (403, "own-session-needed")
        me = (await web.get("/access/me", bearer)).json()
        assert me["application"] == CHART.id
        assert "roles" not in me

    over_http(fresh, work)


def test_what_the_person_ends_ends_for_their_applications(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        given, late = await app.tokens(), await app.code()
        assert (await web.post("/access/logoff", app.bearer)).status_code == 204
        async with web.scene.desk.database.reading() as connection:
            await web.scene.desk.keys.refresh(connection)
        assert (await web.get("/access/me", given["access_token"])).status_code == 401
        assert error(await app.go_on(given["refresh_token"])) == (400, "invalid_grant")
        assert error(await app.redeem(late)) == (400, "invalid_grant")

    over_http(fresh, work)


def test_an_application_leaves_alone(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        given = await app.tokens()
        assert (await web.post("/access/logoff", given["access_token"])).status_code == 204
        assert (await web.get("/access/me", given["access_token"])).status_code == 401
        assert (await web.get("/access/me", app.bearer)).status_code == 200

    over_http(fresh, work)


def test_a_closed_application_is_out(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        given, late = await app.tokens(), await app.code()
        async with web.scene.desk.database.writing() as connection:
            await clients.disable(connection, CHART.id, web.scene.clock())
            await web.scene.desk.keys.refresh(connection)
        assert (await web.get("/access/me", given["access_token"])).status_code == 401
        assert error(await app.go_on(given["refresh_token"])) == (401, "invalid_client")
        assert error(await app.redeem(late)) == (401, "invalid_client")
        assert error(await app.begin()) == (400, "invalid_client")
        assert (await web.get("/access/me", app.bearer)).status_code == 200

    over_http(fresh, work)


def test_a_closed_application_is_out_also_where_its_sessions_are_not_looked_at(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        given = await app.tokens()
        desk = web.scene.desk
        async with desk.database.writing() as connection:
            await connection.execute(
                "UPDATE client SET disabled_at = $1", datetime.fromtimestamp(web.scene.clock(), UTC)
            )
            await desk.keys.refresh(connection)
        assert (await web.get("/access/me", given["access_token"])).status_code == 401

    over_http(fresh, work)


def test_closing_an_application_ends_its_sessions_and_no_others(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        await app.tokens()
        async with web.scene.desk.database.writing() as connection:
            await clients.disable(connection, CHART.id, web.scene.clock())
            rows = await connection.fetch("SELECT client, end_reason FROM session ORDER BY client")
        assert [tuple(row) for row in rows] == [(CHART.id, "client"), (None, None)]

    over_http(fresh, work)


def test_one_that_is_let_in_while_the_person_leaves_is_out(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        desk, own = web.scene.desk, web.scene.desk.verifier.verify(app.bearer).session
        narrowing = Narrowing(CHART.id, ("patient/*.rs",), PATIENT, own)
        async with desk.database.writing() as opening, desk.database.writing() as ending:
            async with opening.transaction():
                found = await sessions.find_open(opening, own, web.scene.clock())
                assert found is not None
                leaving = asyncio.create_task(sessions.end(ending, own, web.scene.clock()))
                await until_it_waits(opening, ending.get_server_pid())
                begun = await sessions.start(
                    opening,
                    desk.chain,
                    desk.settings,
                    account=found[0].account,
                    name="Anne Holm",
                    role=Role.DOCTOR,
                    organisation="1",
                    level=Level.LOW,
                    now_s=web.scene.clock(),
                    rng=desk.rng,
                    narrowing=narrowing,
                )
            assert await leaving
        async with desk.database.reading() as connection:
            assert await sessions.beginning(connection, begun.session.sid) is None

    over_http(fresh, work)


async def until_it_waits(connection: Connection, pid: int) -> None:
    """Until that process of PostgreSQL waits for a lock."""
    async with asyncio.timeout(30):
        while not await connection.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_one_whose_persons_session_has_ended_does_not_go_on(fresh: str) -> None:
    """However that ended, and though its own was forgotten."""

    async def work(web: Web) -> None:
        app = await launch(web)
        given = await app.tokens()
        async with web.scene.desk.database.writing() as connection:
            await connection.execute("UPDATE session SET ended = now() WHERE client IS NULL")
        assert error(await app.go_on(given["refresh_token"])) == (400, "invalid_grant")

    over_http(fresh, work)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_an_application_gives_up_what_it_was_given(fresh: str, which: str) -> None:
    """RFC 7009: by either token all of it ends, and the person's own session goes on."""

    async def work(web: Web) -> None:
        app = await launch(web)
        given = await app.tokens()
        assert (await app.give_up(given[which])).status_code == 200
        assert web.told.last == ("logoff", "done", "application growth-chart")
        assert (await web.get("/access/me", given["access_token"])).status_code == 401
        assert error(await app.go_on(given["refresh_token"])) == (400, "invalid_grant")
        assert (await web.get("/access/me", app.bearer)).status_code == 200
        told = len(web.told.events)
        for token in (given["access_token"], given["refresh_token"], "a.b.c", "é", "x" * 9_000):
            assert (await app.give_up(token)).status_code == 200
        assert len(web.told.events) == told

    over_http(fresh, work)


def test_nobody_gives_up_what_is_anothers(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        given = await app.tokens()
        async with web.scene.desk.database.writing() as connection:
            await clients.add(connection, replace(CHART, id="other"), web.scene.clock())
        assert error(await app.give_up(given["refresh_token"], "other")) == (400, "invalid_grant")
        assert error(await app.give_up(given["access_token"], "other")) == (400, "invalid_grant")
        assert error(await app.give_up(app.refresh)) == (400, "invalid_grant")
        assert error(await app.give_up(app.bearer)) == (400, "invalid_grant")
        assert error(await app.give_up(given["refresh_token"], "nobody")) == (401, "invalid_client")
        assert error(await web.http.post("/access/revoke", data={"client_id": CHART.id})) == (
            400,
            "invalid_request",
        )
        assert (await web.get("/access/me", app.bearer)).status_code == 200
        assert (await app.go_on(given["refresh_token"])).status_code == 200

    over_http(fresh, work)


def test_an_application_with_keys_must_prove_itself(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web, replace(CHART, jwks=JWKS))
        assert error(await app.redeem(await app.code())) == (401, "invalid_client")
        proof = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(web.scene, iss=CHART.id, sub=CHART.id),
        }
        given = await app.redeem(await app.code(), **proof)
        assert given.status_code == 200, given.text
        assert error(await app.go_on(given.json()["refresh_token"])) == (401, "invalid_client")
        others = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(web.scene, iss=CHART.id, sub=CHART.id, jti="b" * 16),
            "client_id": "other",
        }
        assert error(await app.redeem(await app.code(), **others)) == (401, "invalid_client")

    over_http(fresh, work)


def test_a_public_application_is_no_system(fresh: str) -> None:
    async def work(web: Web) -> None:
        await launch(web)
        form = {"grant_type": "client_credentials", "client_id": CHART.id}
        assert error(await web.http.post("/access/token", data=form)) == (401, "invalid_client")
        forged = form | {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(web.scene, iss=CHART.id, sub=CHART.id),
        }
        assert error(await web.http.post("/access/token", data=forged)) == (401, "invalid_client")

    over_http(fresh, work)


def test_an_id_token_says_who_it_is_and_opens_nothing(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        async with web.scene.desk.database.writing() as connection:
            await connection.execute("UPDATE account SET practitioner = 'Practitioner/anne'")
        question = app.question(scope="openid fhirUser user/Observation.rs", nonce="n-1")
        given = await app.tokens(question=question)
        published = KeySet.import_key_set((await web.get("/access/keys")).json())
        claims = jwt.decode(given["id_token"], published, algorithms=["ES256"]).claims
        assert (claims["iss"], claims["aud"], claims["nonce"]) == ("http://localhost:8080", CHART.id, "n-1")
        assert claims["fhirUser"] == "http://localhost:8080/fhir/Practitioner/anne"
        assert (await web.get("/access/me", given["id_token"])).status_code == 401

    over_http(fresh, work)


def test_a_stolen_access_token_of_an_ended_session_lets_no_application_in(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        # Ended at another server: this one has not read it yet.
        async with web.scene.desk.database.writing() as connection:
            await connection.execute("UPDATE session SET ended = now(), end_reason = 'logout'")
        assert error(await app.answer(patient=PATIENT)) == (401, "session-ended")

    over_http(fresh, work)


def test_a_new_password_puts_out_applications_as_well(fresh: str) -> None:
    async def work(web: Web) -> None:
        app = await launch(web)
        given = await app.tokens()
        await web.log_on(password=PASSWORD, new_password="en ny og lang sætning")
        assert error(await app.go_on(given["refresh_token"])) == (400, "invalid_grant")

    over_http(fresh, work)


@pytest.mark.parametrize(
    "client",
    [
        replace(CHART, redirect_uris=("http://chart.example/back",)),
        replace(CHART, redirect_uris=("https://chart.example/back#x",)),
        replace(CHART, redirect_uris=(BACK,) * 11),
        replace(CHART, scopes=("system/*.rs",)),
        replace(CHART, scopes=("patient/*.rs", "system/*.rs")),
        replace(CHART, redirect_uris=()),
        replace(CHART, jwks={"keys": []}),
    ],
    ids=range(7),
)
def test_what_is_no_safe_application_is_not_registered(fresh: str, client: Client) -> None:
    async def work(web: Web) -> None:
        with pytest.raises(ClientError):
            async with web.scene.desk.database.writing() as connection:
                await clients.add(connection, client, web.scene.clock())

    over_http(fresh, work)


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        (BACK, True),
        ("http://127.0.0.1:8000/back", True),
        ("http://[::1]/back", True),
        ("http://localhost/back", True),
        ("http://localhost.evil.example/back", False),
        ("https://", False),
        ("https://[x/back", False),
        ("https://a.example:x/", False),
        ("https://a.example\\@evil.example/", False),
        ("https://a@b.example/", False),
        ("https://a.example/ b", False),
        ("https://é.example/", False),
        ("ftp://a.example/", False),
        ("/back", False),
    ],
)
def test_addresses_that_nobody_on_the_way_can_read(address: str, is_good: bool) -> None:
    assert is_redirect(address) is is_good
