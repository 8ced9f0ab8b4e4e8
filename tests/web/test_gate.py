"""Every page asks for a session; what a browser keeps of one; and what other sites cannot make it do."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from altid.access.accounts import Account
from altid.access.door import Granted
from altid.access.identity import Identity, Level, Role
from altid.web import cookies
from altid.web.addresses import local
from altid.web.pages import OF_PROGRAMS, pages
from tests.access.desks import PASSWORD
from tests.guards import token
from tests.web.visiting import Browser, make_account, token_in

OPEN = {
    *("/logon", "/logon/password", "/logon/passkey", "/logon/badge", "/logon/pin", "/join", "/join/accept"),
    *("/offline", "/service-worker.js"),
    *("/telemetry", "/moved"),
}
"""The ways in, from the other site, too; what a browser keeps of nobody; and where it tells how fast it was,
of fixed forms and nothing of a patient. All other pages ask for a session."""


def routes() -> list[tuple[str, str]]:
    """Method and path of every page, but for the files that pages are dressed with."""
    found = [(method, route.path) for route in pages(None) for method in route.methods]  # type: ignore[arg-type,attr-defined]
    return sorted((m, p.replace("{id}", "anna").replace("{path:path}", "nowhere")) for m, p in found)


OPEN_BELOW = ("/static/", "/logon/with/", "/logon/oidc/", "/logon/saml/", *OF_PROGRAMS)
GATED = [(m, p) for m, p in routes() if p not in OPEN and not p.startswith(OPEN_BELOW) and m != "HEAD"]


@pytest.mark.parametrize(("method", "path"), GATED)
def test_without_a_session_every_page_leads_to_the_logon(stranger: Browser, method: str, path: str) -> None:
    answer = stranger.request(method, path, headers={"origin": str(stranger.base_url)})
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == "/logon"
    assert answer.content == b""


@pytest.mark.parametrize("role", [Role.SYSTEM, Role.DOCTOR])
def test_a_token_of_a_system_or_of_an_application_opens_no_page(
    stranger: Browser, web_dsn: str, doctor: Account, role: Role
) -> None:
    made = token(web_dsn, role=role, scopes=("system/*.cruds", "user/*.rs"), subject=doctor.id)
    stranger.cookies.set("altid", made)
    assert stranger.get("/").status_code == 303


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "x" * 5_000, "eyJhbGciOiJub25lIn0.e30."])
def test_a_cookie_that_is_no_token_opens_nothing(stranger: Browser, value: str) -> None:
    stranger.cookies.set("altid", value)
    stranger.cookies.set("altid-refresh", value)
    assert stranger.get("/").headers["location"] == "/logon"


def test_a_cookie_opens_no_fhir(web_dsn: str, postgres: object, stranger: Browser, doctor: Account) -> None:
    """The tests' server has a doorman who lets a system in; a header that is no token shows who is asked."""
    stranger.log_on(doctor.username)
    assert stranger.get("/fhir/Patient", headers={"authorization": "Bearer x"}).status_code == 401


def test_a_form_without_the_sessions_token_is_refused(browser: Browser) -> None:
    browser.form_token = None
    answer = browser.post("/", data={"search": "jensen"})
    assert (answer.status_code, "Formularen blev ikke godtaget" in answer.text) == (403, True)


def test_a_form_with_another_sessions_token_is_refused(
    browser: Browser, stranger: Browser, web_dsn: str
) -> None:
    make_account(web_dsn, "other-session")
    stranger.log_on("other-session")
    assert stranger.form_token != browser.form_token
    assert browser.post("/", data={"search": "x", "form_token": stranger.form_token}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/logoff", "/role", "/patient/anna/override"])
def test_a_form_of_another_site_is_refused(browser: Browser, path: str, headers: dict[str, str]) -> None:
    assert browser.post(path, data={"search": "x"}, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/logon", "/logon/password", "/logon/passkey", "/logon/pin", "/join"])
def test_nobody_is_logged_on_by_another_site(stranger: Browser, doctor: Account, path: str) -> None:
    data = {"username": doctor.username, "password": PASSWORD}
    answer = stranger.post(path, data=data, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


HOSTILE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "/%2f/evil.example",
    "/%5cevil.example",
    "///evil.example",
    "/./..//evil.example",
    "/\tevil",
    "/\r\nSet-Cookie: a=b",
    " //evil.example",
    "/patient/a?b=//evil.example",
    "/logon",
    "/logoff",
    "evil.example",
    "",
    "/" + "a" * 500,
]


@pytest.mark.parametrize("path", HOSTILE)
def test_only_our_own_pages_are_led_to(path: str) -> None:
    assert local(path) == "/"


@pytest.mark.parametrize("path", ["/", "/patient/anna", "/patient/4-7.a", "/follow-up", "/looks"])
def test_our_own_pages_are(path: str) -> None:
    assert local(path) == path


@pytest.mark.parametrize("path", HOSTILE)
def test_the_logon_leads_nowhere_else(stranger: Browser, doctor: Account, path: str) -> None:
    answer = stranger.log_on(doctor.username, next=path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_logon_leads_to_where_one_wanted(stranger: Browser, doctor: Account, anna_is_there: None) -> None:
    sent = stranger.get("/patient/anna")
    assert sent.headers["location"] == "/logon?next=%2Fpatient%2Fanna"
    assert 'name="next" value="/patient/anna"' in stranger.get(sent.headers["location"]).text
    answer = stranger.log_on(doctor.username, next="/patient/anna")
    assert answer.headers["location"] == "/patient/anna"


def test_the_language_leads_nowhere_else(browser: Browser) -> None:
    answer = browser.get("http://" + browser.base_url.netloc.decode() + "//evil.example?lang=en")
    assert answer.headers["location"] == "/"


def test_the_session_is_a_new_one_whatever_the_browser_had(stranger: Browser, doctor: Account) -> None:
    """Session fixation: what was planted before is worth nothing after."""
    stranger.cookies.set("altid", "planted")
    stranger.cookies.set("altid-refresh", "planted")
    answer = stranger.log_on(doctor.username)
    made = {name: answer.cookies[name] for name in ("altid", "altid-refresh")}
    assert "planted" not in made.values()
    with Browser(base_url=stranger.base_url, timeout=30) as other:
        again = other.log_on(doctor.username)
        assert made["altid-refresh"].partition(".")[0] != again.cookies["altid-refresh"].partition(".")[0]


def test_an_access_token_that_has_run_out_is_renewed_unseen(stranger: Browser, doctor: Account) -> None:
    stranger.log_on(doctor.username)
    before = stranger.cookies["altid-refresh"]
    del stranger.cookies["altid"]
    assert stranger.post("/", data={"search": "findes ikke"}).status_code == 200
    assert stranger.cookies["altid"]
    assert stranger.cookies["altid-refresh"] != before


def test_after_log_off_the_old_cookies_open_nothing(stranger: Browser, doctor: Account) -> None:
    stranger.log_on(doctor.username)
    kept = dict(stranger.cookies)
    assert stranger.post("/logoff", data={}).headers["location"] == "/logon"
    assert "altid" not in stranger.cookies
    stranger.cookies.update(kept)
    assert stranger.get("/").headers["location"] == "/logon"


def test_who_logs_on_in_anothers_browser_ends_that_session(
    stranger: Browser, doctor: Account, web_dsn: str
) -> None:
    make_account(web_dsn, "next-one")
    stranger.log_on(doctor.username)
    first = dict(stranger.cookies)
    stranger.log_on("next-one")
    with Browser(base_url=stranger.base_url, cookies=first, timeout=30) as old:
        assert old.get("/").status_code == 303


@pytest.mark.parametrize("path", ["with/x", "oidc/x?state=a&code=b", "saml/x/metadata", "with/%2e%2e"])
def test_a_provider_that_nobody_has_registered_is_not_there(stranger: Browser, path: str) -> None:
    answer = stranger.get(f"/logon/{path}")
    assert answer.status_code in (303, 404)
    assert answer.headers.get("location", "/logon").startswith("/logon")
    assert stranger.post("/logon/saml/x", data={"SAMLResponse": "a"}).status_code == 404


@pytest.mark.parametrize("path", ["/access/nothing", "/.well-known/nothing", "/fhir/.well-known/nothing"])
def test_programs_are_told_what_is_not_there(stranger: Browser, path: str) -> None:
    assert stranger.get(path).status_code == 404


# What a cookie is like

IDENTITY = Identity("a", "A", Role.DOCTOR, "1", (), Level.LOW, "s", "A", int(time.time()) + 600)


def begun(*, secure: bool) -> list[str]:
    response = Response()
    cookies.begin(response, Granted(IDENTITY, "access", 600, "refresh"), secure=secure)
    return response.headers.getlist("set-cookie")


def asked(scheme: str, sent: str) -> Request:
    headers = [(b"cookie", sent.encode()), (b"host", b"epj.example")]
    return Request({"type": "http", "scheme": scheme, "headers": headers, "path": "/", "query_string": b""})


def test_over_https_cookies_are_bound_to_the_very_host() -> None:
    access, refresh, moved = begun(secure=True)
    assert access.startswith("__Host-altid=access;")
    assert refresh.startswith("__Host-altid-refresh=refresh;")
    assert moved.startswith('__Host-altid-moved="";')
    assert "Max-Age=0" in moved
    for cookie in (access, refresh):
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "secure", "path=/", "samesite=lax"} == parts


def test_over_https_a_cookie_that_anybody_could_plant_is_not_read() -> None:
    assert cookies.access_of(asked("https", "altid=planted")) is None
    assert cookies.access_of(asked("https", "altid=planted; __Host-altid=ours")) == "ours"


def test_no_script_reads_the_cookies_of_plain_http_either() -> None:
    assert all("HttpOnly" in cookie and "Secure" not in cookie for cookie in begun(secure=False))


def test_a_page_tells_no_token_of_the_session(browser: Browser) -> None:
    html = browser.get("/").text
    assert token_in(html)
    assert all(value not in html for value in browser.cookies.values())


@pytest.fixture
def anna_is_there(store: Callable[..., None]) -> None:
    store("Patient", "anna")


def test_files_need_no_session(stranger: httpx.Client) -> None:
    assert stranger.get("/static/screen.css").status_code == 200
