"""A page of one site that goes on at the other, in a real browser; and pages of others that would like to."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from altid.access.accounts import Account
from altid.api.settings import FhirSettings
from tests.access.desks import PASSWORD
from tests.orders.ordering import drug, medication, unsigned
from tests.ports import free_port
from tests.running import running_worker
from tests.web.visiting import give_grounds, make_account, run

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_WAIT_MS = 20_000

_TOKEN = """
async () => (await fetch("/session/token", {headers: {"altid-page": "open"}})).json()
"""
_SIGN = """
async ({url, token, key, order, patient}) => {
  const headers = {
    "authorization": `Bearer ${token}`, "content-type": "application/json",
    "idempotency-key": key, "altid-patient": `Patient/${patient}`,
  };
  const answer = await fetch(`${url}/orders`, {method: "POST", headers, body: JSON.stringify(order)});
  return {status: answer.status, word: answer.headers.get("altid-receipt"), receipt: await answer.json()};
}
"""
_RENEW = """
async ({url, token}) => {
  const headers = {"authorization": `Bearer ${token}`, "altid-page": "open"};
  return (await fetch(`${url}/session/token`, {method: "POST", headers})).status;
}
"""
_STEAL = """
async ({url, headers}) => {
  try {
    return await (await fetch(`${url}/session/token`, {headers, credentials: "include"})).text();
  } catch (error) {
    return error.name;
  }
}
"""
_ASK = """
async (url) => {
  try {
    return (await fetch(url)).status;
  } catch (error) {
    return error.name;
  }
}
"""
_FORGE = """
async ({url, body}) => {
  const sent = {method: "POST", mode: "no-cors", credentials: "include", body};
  await fetch(`${url}/orders`, {...sent, headers: {"content-type": "text/plain"}});
  const form = Object.assign(document.createElement("form"), {
    method: "POST", action: `${url}/orders`, enctype: "text/plain", target: "there",
  });
  form.append(Object.assign(document.createElement("input"), {name: body, value: ""}));
  document.body.append(Object.assign(document.createElement("iframe"), {name: "there"}), form);
  form.submit();
  await new Promise((done) => document.querySelector("iframe").addEventListener("load", done, {once: true}));
}
"""


@pytest.fixture(scope="module")
def sites(web_dsn: str) -> Iterator[tuple[str, str]]:
    """Addresses of two servers; to a browser they are two hosts, so no cookie goes from one to the other."""
    first, second = f"http://127.0.0.1:{free_port()}", f"http://localhost:{free_port()}"
    with (
        running_worker(web_dsn, FhirSettings(), doorman=False, urls=(first, second)),
        running_worker(web_dsn, FhirSettings(), doorman=False, urls=(second, first)),
    ):
        yield first, second


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("access-control-allow-origin", "*")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>x</title>")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    """A page at the same host as the first site, at another port: cookies know no ports."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def person(web_dsn: str) -> Account:
    made = make_account(web_dsn, "two-sites")
    give_grounds(web_dsn, made.id, "anna")
    return made


@pytest.fixture
def screen(chromium: Any, sites: tuple[str, str], person: Account) -> Iterator[Any]:
    """Logged on at the first site."""
    context = chromium.new_context(base_url=sites[0])
    context.set_default_timeout(_WAIT_MS)
    page = context.new_page()
    page.goto("/logon")
    page.fill("#username", person.username)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{sites[0]}/")
    yield page
    context.close()


@pytest.fixture
def order(store: Callable[..., None]) -> dict[str, Any]:
    store("Patient", "anna", name=[{"family": "Testesen", "given": ["Anna"]}], birthDate="1950-01-01")
    prescribed = drug()
    store(prescribed.pop("resourceType"), prescribed.pop("id"), **prescribed)
    return unsigned(medication(patient_="anna"))


def test_a_page_signs_at_the_other_site_without_another_logon(
    screen: Any, sites: tuple[str, str], order: dict[str, Any]
) -> None:
    told = screen.evaluate(_TOKEN)
    assert {site["url"] for site in told["sites"]} == set(sites)
    key = str(uuid.uuid4())
    asked = {"token": told["token"], "key": key, "order": order, "patient": "anna"}
    there = screen.evaluate(_SIGN, {**asked, "url": sites[1]})
    assert (there["status"], there["word"]) == (201, "ok"), there
    here = screen.evaluate(_SIGN, {**asked, "url": sites[0]})
    for receipt in (here["receipt"], there["receipt"]):
        receipt.pop("sites")  # each names itself: these servers know of no replication
    assert here["receipt"] == there["receipt"], "the same key is the same order, at either site"
    assert screen.evaluate(_RENEW, {"token": told["token"], "url": sites[1]}) == 200


def test_a_page_of_another_origin_gets_no_token_and_signs_nothing(
    screen: Any, sites: tuple[str, str], hostile: str, order: dict[str, Any], web_dsn: str
) -> None:
    def count() -> int:
        found: int = run(web_dsn, lambda connection: connection.fetchval("SELECT count(*) FROM order_key"))
        return found

    before = count()
    page = screen.context.new_page()
    page.goto(hostile)
    for headers in ({}, {"altid-page": "open"}):
        assert page.evaluate(_STEAL, {"url": sites[0], "headers": headers}) == "TypeError"
    page.evaluate(_FORGE, {"url": sites[0], "body": httpx.Request("POST", "/", json=order).content.decode()})
    assert count() == before


def test_a_pages_script_asks_nobody_but_the_regions_sites(screen: Any, hostile: str) -> None:
    """The other one would be glad to be asked."""
    assert screen.evaluate(_ASK, hostile) == "TypeError"
    page = screen.context.new_page()
    page.goto(hostile.replace("127.0.0.1", "localhost"))
    assert page.evaluate(_ASK, hostile) == 200
