"""The logon page and the other ways in, as forms."""

from __future__ import annotations

import asyncio
import json
import random
import re
import secrets
import time
from typing import Any

import pytest

from altid.access import invitations
from altid.access.accounts import Account
from altid.access.identity import Role
from tests.access.authenticator import Authenticator
from tests.access.desks import PASSWORD, WARD
from tests.web.visiting import Browser, make_account, run

NEW = "grøn sæbe på gulvet"
HOSTILE = "<img src=x onerror=alert(1)>'\"&"
JSON = {"accept": "application/json"}


def somebody(dsn: str, **more: Any) -> Account:
    return make_account(dsn, f"p{secrets.token_hex(5)}", **more)


def test_the_right_password_lets_in(stranger: Browser, doctor: Account) -> None:
    stranger.log_on(doctor.username)
    html = stranger.get("/").text
    assert doctor.name in html
    assert "læge" in html


@pytest.mark.parametrize("username", ["doctor", "nobody-at-all"])
def test_a_wrong_password_and_a_wrong_name_are_told_alike(
    stranger: Browser, doctor: Account, username: str
) -> None:
    answer = stranger.log_on(username, "helt forkert kode")
    assert answer.status_code == 401
    assert "Brugernavn eller adgangskode er forkert." in answer.text
    assert "set-cookie" not in answer.headers
    assert f'value="{username}"' in answer.text
    assert "helt forkert kode" not in answer.text


def test_a_refusal_is_told_in_english_to_whoever_has_chosen_it(stranger: Browser, doctor: Account) -> None:
    stranger.cookies.set("lang", "en")
    assert "User name or password is wrong." in stranger.log_on(doctor.username, "wrong, wrong").text


def test_what_was_typed_is_never_part_of_the_page(stranger: Browser) -> None:
    html = stranger.log_on(HOSTILE, HOSTILE).text
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_a_hostile_name_is_only_a_name(stranger: Browser, web_dsn: str) -> None:
    account = somebody(web_dsn, name=HOSTILE)
    stranger.log_on(account.username)
    html = stranger.get("/").text
    assert "<img" not in html
    assert "&lt;img" in html


def test_a_script_gets_the_same_as_json(stranger: Browser, doctor: Account) -> None:
    data = {"username": doctor.username, "password": PASSWORD, "next": "/looks"}
    answer = stranger.post("/logon", data=data, headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {"next": "/looks"})
    assert answer.cookies["altid"]


def test_a_script_is_told_why_not(stranger: Browser, doctor: Account) -> None:
    data = {"username": doctor.username, "password": "helt forkert kode"}
    answer = stranger.post("/logon", data=data, headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (401, "wrong-credentials")


def test_a_password_that_must_be_changed_is_changed_first(stranger: Browser, web_dsn: str) -> None:
    account = somebody(web_dsn, must_change=True)
    asked = stranger.log_on(account.username)
    assert asked.status_code == 403
    assert 'action="/logon/password"' in asked.text
    assert f'value="{account.username}"' in asked.text
    assert "set-cookie" not in asked.headers
    fields = {"username": account.username, "password": PASSWORD, "new": NEW, "again": NEW}
    unlike = stranger.post("/logon/password", data={**fields, "again": "noget andet her"})
    assert (unlike.status_code, "ikke ens" in unlike.text) == (422, True)
    weak = stranger.post("/logon/password", data={**fields, "new": "kort", "again": "kort"})
    assert (weak.status_code, "mindst 12 tegn" in weak.text) == (422, True)
    assert stranger.post("/logon/password", data=fields).headers["location"] == "/"
    assert stranger.get("/").status_code == 200


def test_two_roles_are_a_choice_and_the_old_session_ends(stranger: Browser, web_dsn: str) -> None:
    account = somebody(web_dsn, roles=(Role.DOCTOR, Role.AUDITOR))
    answer = stranger.log_on(account.username)
    assert answer.headers["location"] == "/role?next=%2F"
    page = stranger.get("/role").text
    assert re.findall(r'name="choice" value="([^"]+)"', page) == [f"doctor|{WARD}", f"auditor|{WARD}"]
    old = dict(stranger.cookies)
    changed = stranger.post("/role", data={"choice": f"auditor|{WARD}", "next": "/looks"})
    assert changed.headers["location"] == "/looks"
    assert "logkontrol" in stranger.get("/").text
    with Browser(base_url=stranger.base_url, cookies=old, timeout=30) as earlier:
        assert earlier.get("/").status_code == 303


@pytest.mark.parametrize("choice", ["administrator|" + WARD, "doctor|elsewhere", "system|", "", "x"])
def test_nobody_takes_a_role_that_is_not_theirs(stranger: Browser, web_dsn: str, choice: str) -> None:
    account = somebody(web_dsn, roles=(Role.DOCTOR, Role.AUDITOR))
    stranger.log_on(account.username)
    assert stranger.post("/role", data={"choice": choice}).status_code == 403
    assert "læge" in stranger.get("/").text


def invite(dsn: str, account: str | None = None) -> str:
    def make(connection: Any) -> Any:
        return invitations.invite(
            connection,
            roles=[Role.NURSE],
            organisations=[WARD],
            account=account,
            now_s=time.time(),
            rng=random.SystemRandom(),
        )

    secret: str = run(dsn, make)
    return secret


def test_an_invitation_makes_an_account_once(stranger: Browser, web_dsn: str) -> None:
    secret = invite(web_dsn)
    assert secret not in stranger.get("/join").text
    assert 'name="username"' in stranger.post("/join", data={"secret": f"http://x/join#{secret}"}).text
    fields = {
        "secret": secret,
        "username": f"n{secrets.token_hex(4)}",
        "name": "Nanna Ny",
        "new": NEW,
        "again": NEW,
    }
    assert stranger.post("/join/accept", data=fields).headers["location"] == "/"
    assert "Nanna Ny" in stranger.get("/").text
    again = stranger.post("/join", data={"secret": secret})
    assert (again.status_code, "for gammelt" in again.text) == (403, True)


def test_an_invitation_for_an_account_names_it(stranger: Browser, web_dsn: str) -> None:
    account = somebody(web_dsn)
    secret = invite(web_dsn, account.id)
    assert account.username in stranger.post("/join", data={"secret": secret}).text
    fields = {"secret": secret, "new": NEW, "again": NEW}
    assert stranger.post("/join/accept", data=fields).headers["location"] == "/"


@pytest.mark.parametrize("secret", ["", "x", "x" * 5_000, HOSTILE])
def test_what_is_no_invitation_is_refused_without_quoting_it(stranger: Browser, secret: str) -> None:
    answer = stranger.post("/join", data={"secret": secret})
    assert answer.status_code == 403
    assert "<img" not in answer.text


def test_a_ward_pc_lets_back_in_by_badge_and_pin(stranger: Browser, web_dsn: str, doctor: Account) -> None:
    administrator = somebody(web_dsn, roles=(Role.ADMINISTRATOR,))
    assert 'id="badge"' not in stranger.get("/logon").text
    stranger.log_on(administrator.username)
    stranger.post("/workplace", data={"name": "H1, pc 2", "place": WARD})
    assert "H1, pc 2" in stranger.get("/workplace").text
    stranger.post("/logoff", data={})
    assert 'id="badge"' in stranger.get("/logon").text
    stranger.log_on(doctor.username)
    badge, pin = secrets.token_hex(8), "483920"
    assert stranger.post("/quick", data={"badge": badge, "pin": pin}).status_code == 200
    stranger.post("/logoff", data={})
    assert stranger.post("/logon/badge", data={"badge": badge}).headers["location"] == "/"
    stranger.take_token()
    stranger.post("/logoff", data={})
    wrong = stranger.post("/logon/pin", data={"username": doctor.username, "pin": "999111"})
    assert (wrong.status_code, "PIN-koden er forkert" in wrong.text) == (401, True)
    assert stranger.post("/logon/pin", data={"username": doctor.username, "pin": pin}).status_code == 303


def test_without_a_workplace_a_badge_opens_nothing(stranger: Browser) -> None:
    assert stranger.post("/logon/badge", data={"badge": "0" * 16}).status_code == 401


def test_only_an_administrator_makes_a_workplace(browser: Browser) -> None:
    answer = browser.post("/workplace", data={"name": "x", "place": WARD})
    assert answer.status_code == 403
    assert "altid-workplace" not in browser.cookies


def test_a_passkey_is_made_and_lets_in(stranger: Browser, web_dsn: str) -> None:
    account = somebody(web_dsn)
    stranger.log_on(account.username)
    device = Authenticator(origin="http://localhost:8080")
    asked = stranger.get("/quick/passkey").json()
    answer = device.create(json.dumps(asked["options"]))
    kept = stranger.post("/quick/passkey", data={"answer": answer, "state": asked["state"], "name": "x"})
    assert "Adgangsnøglen er gemt" in kept.text
    stranger.post("/logoff", data={})
    asked = stranger.get("/logon/passkey").json()
    fields = {"answer": device.get(json.dumps(asked["options"])), "state": asked["state"]}
    assert stranger.post("/logon/passkey", data=fields).headers["location"] == "/"
    stranger.cookies.clear()
    assert stranger.post("/logon/passkey", data=fields).status_code == 401, "an answer is good once"


def test_many_at_once_are_told_a_place_and_a_time(web_server: str, doctor: Account) -> None:
    """More logons at once than the machine can hash in half a second: some are sent away, with what they
    need to come back."""

    async def storm() -> list[Any]:
        import httpx

        async with httpx.AsyncClient(base_url=web_server, timeout=60) as client:
            data = {"username": doctor.username, "password": PASSWORD}
            headers = {"origin": web_server}
            return await asyncio.gather(
                *(client.post("/logon", data=data, headers=headers) for _ in range(80))
            )

    answers = asyncio.run(storm())
    away = [answer for answer in answers if answer.status_code == 503]
    assert away
    assert {answer.status_code for answer in answers} <= {303, 503}
    told = [answer for answer in away if re.search(r'name="appointment" value="[^"]+"', answer.text)]
    assert told
    assert int(told[0].headers["retry-after"]) >= 1
    assert "Mange logger ind lige nu. Du er nummer" in told[0].text
    assert f'value="{doctor.username}"' in told[0].text
    assert PASSWORD not in told[0].text
