"""A browser that comes over from the other site: with a ticket of the same session and from a page of the
region, or not at all."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from altid.access.accounts import Account
from altid.api.settings import FhirSettings
from altid.web.moving import HANDOVER, MOVED
from altid.web.tokens import PAGE_HEADER, PATH
from tests.orders.posts import wait_until
from tests.running import running_worker
from tests.web.lines import Line
from tests.web.visiting import Browser, give_grounds, make_account, run

REGION = "http://localhost:8080"
"""An origin of the region (`GuardSettings.public_url`), as that of the other site is."""
HOSTILE = "https://epj.evil.example"
ASKS = {PAGE_HEADER: "used"}
ITSELF = {"origin": REGION, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
EVENTS = "SELECT count(*) FROM audit WHERE at > $1 AND convert_from(body, 'UTF8') LIKE '%handover%'"


@pytest.fixture(scope="module")
def person(web_dsn: str) -> Account:
    made = make_account(web_dsn, "moving")
    give_grounds(web_dsn, made.id, "anna")
    return made


@pytest.fixture
def screen(plain_server: str, person: Account) -> Iterator[Browser]:
    with Browser(base_url=plain_server, timeout=30) as client:
        assert client.log_on(person.username).status_code == 303
        yield client


@pytest.fixture
def ticket(screen: Browser) -> Callable[[], str]:
    def ask() -> str:
        token = screen.get(PATH, headers=ASKS).json()["token"]
        answer = httpx.post(
            f"{screen.base_url}{HANDOVER}".replace("//session", "/session"),
            headers={**ASKS, "authorization": f"Bearer {token}", "origin": REGION},
            timeout=30,
        )
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, REGION)
        return str(answer.json()["ticket"])

    return ask


@pytest.fixture
def there(plain_server: str) -> Iterator[httpx.Client]:
    """The same browser at the other site: it has no cookie of it."""
    with httpx.Client(base_url=plain_server, timeout=30) as client:
        yield client


def row(**changed: Any) -> dict[str, Any]:
    sealed = base64.b64encode(bytes(60)).decode()
    known = {"id": str(uuid.uuid4()), "account": str(uuid.uuid4()), "state": "waiting"}
    return {**known, "nonce": base64.b64encode(bytes(12)).decode(), "sealed": sealed, **changed}


def test_it_comes_to_the_page_that_was_wanted_in_the_same_session(
    there: httpx.Client, ticket: Callable[[], str], put: Callable[..., None], person: Account
) -> None:
    put("Patient", "anna", name=[{"family": "Testesen", "given": ["Anna"]}], birthDate="1950-01-01")
    form = {"ticket": ticket(), "next": "/patient/anna", "language": "en"}
    answer = there.post(MOVED, data=form, headers=ITSELF)
    assert (answer.status_code, answer.headers["location"]) == (303, "/patient/anna")
    page = there.get("/patient/anna")
    assert (page.status_code, 'lang="en"' in page.text, person.name in page.text) == (200, True, True)
    told = there.get(PATH, headers=ASKS).json()
    assert told["account"] == person.id


def test_its_session_goes_on_when_the_access_token_has_run_out(
    there: httpx.Client, ticket: Callable[[], str]
) -> None:
    there.post(MOVED, data={"ticket": ticket()}, headers=ITSELF)
    del there.cookies["altid"]
    assert there.get("/").status_code == 200
    assert there.cookies["altid"]


def test_it_comes_also_while_nothing_can_be_written(
    screen: Browser, web_dsn: str, put: Callable[..., None]
) -> None:
    """As while the lead changes hands: the other site shows the record."""
    put("Patient", "anna", name=[{"family": "Testesen", "given": ["Anna"]}], birthDate="1950-01-01")
    token = screen.get(PATH, headers=ASKS).json()["token"]
    url = urlsplit(web_dsn)
    asked = parse_qs(url.query)
    with (
        closing(Line(f"{asked['host'][0]}/.s.PGSQL.{asked['port'][0]}")) as primary,
        running_worker(
            web_dsn,
            FhirSettings(),
            doorman=False,
            write_dsn=f"postgresql://{url.netloc.rstrip('@')}@127.0.0.1:{primary.port}{url.path}",
        ) as address,
        httpx.Client(base_url=address, timeout=30) as there,
    ):
        primary.cut()
        health = [there.get(f"/health/{each}").status_code for each in ("readable", "ready")]
        assert health == [200, 503]
        given = there.post(HANDOVER, headers={**ASKS, "authorization": f"Bearer {token}"})
        form = {"ticket": given.json()["ticket"], "next": "/patient/anna"}
        answer = there.post(MOVED, data=form, headers=ITSELF)
        assert (answer.status_code, answer.headers["location"]) == (303, "/patient/anna")
        assert there.get("/patient/anna").status_code == 200


@pytest.mark.parametrize("path", ["/role", "/quick", "/quick/passkey", "/workplace", "/application"])
def test_ways_in_ask_for_a_logon_here(there: httpx.Client, ticket: Callable[[], str], path: str) -> None:
    there.post(MOVED, data={"ticket": ticket()}, headers=ITSELF)
    answer = there.get(path)
    assert (answer.status_code, answer.headers["location"].startswith("/logon")) == (303, True)
    assert there.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": HOSTILE},
        {"origin": "null"},
        {"origin": f"{REGION}.evil.example"},
        {**ITSELF, "sec-fetch-mode": "cors"},
        {**ITSELF, "sec-fetch-mode": "no-cors"},
        {**ITSELF, "sec-fetch-dest": "iframe"},
    ],
)
def test_nobody_elses_page_logs_a_browser_on(
    there: httpx.Client, ticket: Callable[[], str], headers: dict[str, str]
) -> None:
    answer = there.post(MOVED, data={"ticket": ticket()}, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_a_ticket_that_was_used_leads_to_the_logon_and_is_in_the_audit(
    there: httpx.Client, ticket: Callable[[], str], web_dsn: str
) -> None:
    def events() -> int:
        found: int = run(web_dsn, lambda connection: connection.fetchval(EVENTS, began))
        return found

    form = {"ticket": ticket(), "next": "/patient/anna"}
    began = datetime.now(UTC)  # those before may still be on their way to the table
    there.post(MOVED, data=form, headers=ITSELF)
    there.cookies.clear()
    again = there.post(MOVED, data=form, headers=ITSELF)
    assert again.headers["location"] == "/logon?next=%2Fpatient%2Fanna"
    assert not there.cookies
    wait_until(lambda: events() == 2)


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/logoff", "/a%0d%0ab"])
def test_it_leads_to_pages_of_ours_alone(there: httpx.Client, ticket: Callable[[], str], wanted: str) -> None:
    answer = there.post(MOVED, data={"ticket": ticket(), "next": wanted}, headers=ITSELF)
    assert answer.headers["location"] == "/"


def test_whom_another_had_left_logged_on_there_is_off(
    plain_server: str, ticket: Callable[[], str], web_dsn: str
) -> None:
    make_account(web_dsn, "left")
    with Browser(base_url=plain_server, timeout=30) as left:
        left.log_on("left")
        token = left.get(PATH, headers=ASKS).json()["token"]
        left.post(MOVED, data={"ticket": ticket()}, headers=ITSELF)
    renewed = httpx.post(
        f"{plain_server}{PATH}", headers={**ASKS, "authorization": f"Bearer {token}"}, timeout=30
    )
    assert renewed.status_code == 401


def test_sealed_orders_are_shown_to_the_page_as_they_came(there: httpx.Client) -> None:
    rows = [row(), row()]
    answer = there.post(MOVED, data={"rows": json.dumps(rows), "next": "/patient/anna"}, headers=ITSELF)
    assert answer.status_code == 200
    assert rows[1]["id"] in answer.text
    assert 'href="/logon?next=%2Fpatient%2Fanna"' in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "rows",
    [
        "{",
        "{}",
        "[1]",
        json.dumps([row(state="staged")]),
        json.dumps([row(id='"><script>')]),
        json.dumps([row(sealed="<b>")]),
        json.dumps([{**row(), "more": 1}]),
        json.dumps([row()] * 101),
    ],
)
def test_nothing_else_comes_along(there: httpx.Client, rows: str) -> None:
    answer = there.post(MOVED, data={"rows": rows}, headers=ITSELF)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_without_a_pages_token_there_is_no_ticket(plain_server: str, screen: Browser) -> None:
    token = screen.get(PATH, headers=ASKS).json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    for headers, status in (
        ({}, 400),
        (ASKS, 401),
        ({**ASKS, "authorization": f"Bearer {screen.cookies['altid']}"}, 403),
        ({**ASKS, **bearer, "origin": HOSTILE}, 401),
        (bearer, 400),
    ):
        answer = httpx.post(f"{plain_server}{HANDOVER}", headers=headers, timeout=30)
        assert (answer.status_code, "ticket" in answer.text) == (status, False), headers


def test_a_page_logs_off_by_its_token_at_any_site(plain_server: str, screen: Browser) -> None:
    token = screen.get(PATH, headers=ASKS).json()["token"]
    bearer = {**ASKS, "authorization": f"Bearer {token}", "origin": REGION}
    assert (
        httpx.delete(f"{plain_server}{PATH}", headers={**bearer, "origin": HOSTILE}, timeout=30).status_code
        == 401
    )
    assert httpx.delete(f"{plain_server}{PATH}", headers=bearer, timeout=30).status_code == 200
    assert httpx.delete(f"{plain_server}{PATH}", headers=bearer, timeout=30).status_code == 401
    assert screen.get("/").status_code == 303
