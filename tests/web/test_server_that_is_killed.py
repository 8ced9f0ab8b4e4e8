"""`altid serve` is killed in the moment of signing; the page is loaded again, the server comes back, and the
record has one order, whose receipt is in sight."""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from altid.cli.operating import dsn_of
from tests.faults.test_kill import Server
from tests.orders.posts import wait_until
from tests.running import free_port
from tests.web.at_the_screen import (
    acknowledged,
    chromium,
    fill_in,
    log_on,
    needs_chromium,
    playwright,
    sign,
    sitting,
    treats,
)
from tests.web.visiting import give_grounds, make_account

pytestmark = needs_chromium

_PATIENT = "killed-anna"


_DRUG = "Killodil"


class Own(Server):
    """At an address that it keeps when it comes back; with a patient, a drug, and a doctor of both."""

    def __init__(self, data: Path) -> None:
        super().__init__(data, free_port())
        self.doctor = ""

    @property
    def pages(self) -> str:
        return self.address.removesuffix("/fhir")

    def is_gone(self) -> bool:
        """Nobody listens any more: its processes end some moments after the one that started them."""
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", urlsplit(self.address).port or 0)) != 0

    def fill(self) -> None:
        account = make_account(dsn_of(self.data), f"k{secrets.token_hex(5)}")
        self.doctor = account.username
        give_grounds(dsn_of(self.data), account.id, _PATIENT)
        self.store(
            "Patient", _PATIENT, name=[{"family": "Testesen", "given": ["Anna"]}], birthDate="1950-01-01"
        )
        self.store("Medication", "killed-drug", status="active", code={"text": f"{_DRUG} salve"})

    def store(self, kind: str, identity: str, **elements: Any) -> None:
        resource = {"resourceType": kind, "id": identity, **elements}
        url = f"{self.address}/{kind}/{identity}"
        httpx.put(url, json=resource, headers=self.headers, timeout=30).raise_for_status()

    def orders(self, indication: str) -> int:
        """How many the record has."""
        asked = {"patient": f"Patient/{_PATIENT}", "_count": "200"}
        url = f"{self.address}/MedicationRequest"
        bundle = httpx.get(url, params=asked, headers=self.headers, timeout=30).raise_for_status().json()
        found = [entry["resource"] for entry in bundle.get("entry", ())]
        return sum(one.get("reasonCode") == [{"text": indication}] for one in found)


@pytest.fixture(scope="module")
def server() -> Iterator[Own]:
    data = Path(tempfile.mkdtemp(prefix="altid-killed-"))
    made = Own(data)
    made.start()
    made.fill()
    yield made
    made.stop()
    shutil.rmtree(data)


@pytest.fixture(scope="module")
def page(server: Own) -> Iterator[Any]:
    """A doctor's, logged on. Its browser knows Altid's page for when no server answers."""
    with chromium() as browser, sitting(browser, server.pages) as opened:
        log_on(opened, server.doctor)
        treats(opened, _PATIENT)
        opened.evaluate("navigator.serviceWorker.ready.then(() => null)")
        yield opened


def unsent(server: Own, route: Any) -> None:
    server.kill()
    route.continue_()


def unheard(server: Own, route: Any) -> None:
    assert route.fetch().status == 201
    server.kill()
    route.abort()


def heard(server: Own, route: Any) -> None:
    answer = route.fetch()
    server.kill()
    route.fulfill(response=answer)


_LONG = pytest.mark.long
_MOMENTS = [pytest.param(unsent, marks=_LONG), unheard, pytest.param(heard, marks=_LONG)]


@pytest.mark.parametrize("moment", _MOMENTS)
def test_an_order_is_one_whenever_its_server_is_killed(
    server: Own, page: Any, moment: Callable[[Own, Any], None]
) -> None:
    indication = f"Dræbt {moment.__name__}"
    page.goto(f"/patient/{_PATIENT}/order")
    fill_in(page, _DRUG, indication=indication)
    page.route("**/orders", lambda route: moment(server, route), times=1)
    sign(page)
    state = "known" if moment is heard else "waiting"
    playwright.expect(page.locator(f"#outbox .{state}")).to_have_count(1)
    playwright.expect(page.locator("#site-sign")).to_have_class(re.compile("gone"))
    wait_until(server.is_gone)
    page.reload()
    playwright.expect(page.locator("[data-gone]").first).to_be_visible()
    playwright.expect(page.locator("[data-held]").first).to_be_visible(visible=moment is not heard)
    server.start()
    playwright.expect(page.locator("#ordering")).to_be_visible()
    acknowledged(page)
    assert server.orders(indication) == 1
    page.click("#outbox .clear")
