"""One's own settings: the ward at which one begins, and where one is logged on."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import Callable

from altid.access.identity import Role
from tests.web.test_rights_on_pages import wait_for
from tests.web.test_wards import PHYSICAL, browser_of
from tests.web.visiting import Browser, make_account


def test_the_chosen_ward_stands_first(web_server: str, web_dsn: str, store: Callable[..., None]) -> None:
    place = f"77{secrets.randbelow(10**9):09d}016"
    owner = {"reference": "Organization/first-o"}
    sor = [{"system": "urn:oid:1.2.208.176.1.1", "value": place}]
    store("Organization", "first-o", name="Hospital", identifier=sor)
    for name in ("a", "b"):
        kind = {"coding": [{"system": PHYSICAL, "code": "wa"}]}
        store(
            "Location", f"first-{name}", name=f"Afsnit {name}", managingOrganization=owner, physicalType=kind
        )
    with browser_of(web_server, web_dsn, Role.NURSE, place) as browser:
        assert browser.post("/settings", data={"ward": "first-b"}).status_code == 303
        shown = browser.get("/").text
        assert shown.index("/ward/first-b") < shown.index("/ward/first-a")
        browser.post("/settings", data={"ward": "of-another-place"})
        shown = browser.get("/").text
        assert shown.index("/ward/first-a") < shown.index("/ward/first-b")


def test_logging_on_leads_to_the_chosen_ward(
    web_server: str, web_dsn: str, store: Callable[..., None]
) -> None:
    """At any browser; and to the page that was wanted, where one was."""
    place = ward_at(store, "begin")
    account = make_account(web_dsn, f"b{secrets.token_hex(6)}", roles=(Role.NURSE,), organisations=(place,))
    with Browser(base_url=web_server, timeout=30) as first:
        assert first.log_on(account.username).headers["location"] == "/"
        assert first.get("/start").headers["location"] == "/"
        assert first.post("/settings", data={"ward": "begin-w"}).status_code == 303
        assert '<option value="begin-w" selected>' in first.get("/settings").text
    with Browser(base_url=web_server, timeout=30) as later:
        assert later.log_on(account.username).headers["location"] == "/start"
        assert later.get("/start").headers["location"] == "/ward/begin-w"
    with Browser(base_url=web_server, timeout=30) as elsewhere:
        answer = elsewhere.log_on(account.username, next="/list")
        assert answer.headers["location"] == "/list"
        assert elsewhere.post("/settings", data={"ward": ""}).status_code == 303
        assert elsewhere.get("/start").headers["location"] == "/"


def test_one_sees_where_one_is_logged_on_and_ends_it(web_server: str, web_dsn: str) -> None:
    account = make_account(web_dsn, f"b{secrets.token_hex(6)}", roles=(Role.NURSE,))
    stranger = make_account(web_dsn, f"b{secrets.token_hex(6)}", roles=(Role.NURSE,))
    with (
        Browser(base_url=web_server, timeout=30) as here,
        Browser(base_url=web_server, timeout=30) as there,
        Browser(base_url=web_server, timeout=30) as other,
    ):
        for browser, who in ((here, account), (there, account), (other, stranger)):
            assert browser.log_on(who.username).status_code == 303
        html = wait_for(lambda: seen if (seen := here.get("/settings").text).count("127.0.0.1") > 1 else "")
        assert html.count("sidst brugt") == 2
        [sid] = re.findall(r'name="session" value="([^"]+)"', html)
        other.post("/settings/session", data={"session": sid})
        assert there.get("/settings").status_code == 200
        assert here.post("/settings/session", data={"session": sid}).status_code == 303
        assert here.get("/settings").text.count("sidst brugt") == 1
        wait_for(lambda: there.get("/settings").status_code == 303)
        for wrong in ("", "x", "\x00", str(uuid.uuid4()), sid):
            assert here.post("/settings/session", data={"session": wrong}).status_code == 303


def test_measures_tell_the_ward_that_was_opened_and_no_other_word(
    web_server: str, web_dsn: str, store: Callable[..., None]
) -> None:
    place = ward_at(store, "told")
    measure = {"route": "GET /ward/{id}", "total": 4321, "ward": "0101011234"}
    batch = json.dumps({"measures": [measure], "ward": "0101011234"})
    with browser_of(web_server, web_dsn, Role.NURSE, place) as nurse:
        wait_for(lambda: "/ward/told-w" in nurse.get("/").text)
        assert nurse.get("/ward/told-w").status_code == 200
        assert nurse.post("/telemetry", content=batch).status_code == 200
        nurse.cookies.set("altid-ward", "0101011234", domain="127.0.0.1", path="/")
        assert nurse.post("/telemetry", content=batch).status_code == 200
    with browser_of(web_server, web_dsn, Role.OPERATIONS, place) as operations:
        html = operations.get("/clients").text
        assert "Afsnit told" in html
        assert "0101011234" not in html


def ward_at(store: Callable[..., None], name: str) -> str:
    """The SOR number of a place of work with one ward, `name`-w."""
    place = f"77{secrets.randbelow(10**9):09d}016"
    sor = [{"system": "urn:oid:1.2.208.176.1.1", "value": place}]
    store("Organization", f"{name}-o", name="Hospital", identifier=sor)
    kind = {"coding": [{"system": PHYSICAL, "code": "wa"}]}
    owner = {"reference": f"Organization/{name}-o"}
    store("Location", f"{name}-w", name=f"Afsnit {name}", managingOrganization=owner, physicalType=kind)
    return place
