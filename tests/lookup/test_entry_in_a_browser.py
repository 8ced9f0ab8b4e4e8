"""The whole way in a real browser, with no record anywhere: in by password, a patient, the glass, out."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from altid.lookup.app import lookup_app
from altid.lookup.copy import Copy
from altid.lookup.entry import people
from altid.lookup.entry.entry import EntrySettings, open_entry
from altid.lookup.entry.relations import number_of
from altid.lookup.entry.routes import entry_routes
from altid.lookup.settings import Kind, Settings
from tests.lookup.places import KEY, PASSWORD, account, told
from tests.lookup.sampled import sampled_copy

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")
_WAIT_S = 20.0


@contextmanager
def serving(copy: Copy, folder: Path, ward: str) -> Iterator[str]:
    """The pages of a place that nobody feeds, in a thread of their own; gives the address."""
    ready, ends = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    async def serve() -> None:
        settings = Settings(folder, "Afsnit B12", Kind.WARD, "B12", wards=(ward,))
        async with open_entry(copy, KEY, EntrySettings(folder, "Afsnit B12", (ward,))) as entry:
            app = lookup_app(copy, entry, settings, ways=entry_routes(entry))
            server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
            running = asyncio.create_task(server.serve([listener]))
            ready.set()
            await asyncio.to_thread(ends.wait)
            server.should_exit = True
            await running

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(_WAIT_S)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ends.set()
        thread.join(_WAIT_S)


def patients_of(copy: Copy) -> tuple[str, str, str]:
    """A ward's SOR number, somebody who lies there, and somebody who lies elsewhere."""
    ward = next(row for row in copy.wards() if row.taken > 0)
    with copy.reading() as connection:
        number = number_of(connection, ward.id)
    assert number is not None
    inside = {bed.identity.id for bed in copy.ward(ward.id)}
    outside = {bed.identity.id for row in copy.wards() if row.id != ward.id for bed in copy.ward(row.id)}
    return number, min(inside), min(outside - inside)


def test_a_nurse_gets_in_sees_her_patient_and_breaks_the_glass(tmp_path: Path) -> None:
    copy = sampled_copy(tmp_path / "copy.db")
    number, hers, theirs = patients_of(copy)
    with copy.writing() as connection:
        people.replace(connection, told(accounts=[account(organisations=[number])], reentries=[]))
    complaints: list[str] = []
    with serving(copy, tmp_path, number) as address, playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        page: Any = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900}).new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"/patient/{hers}")
        assert page.url.endswith(f"/logon?next=%2Fpatient%2F{hers}")
        page.screenshot(path=tmp_path / "logon.png", full_page=True)
        page.keyboard.type("nina")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/patient/{hers}")
        assert "Nina Nør" in page.inner_text("body")
        assert page.locator("section", has_text="Aktuel medicin").count() > 0
        page.screenshot(path=tmp_path / "patient.png", full_page=True)

        page.goto(f"/patient/{theirs}")
        assert page.locator("section", has_text="Aktuel medicin").count() == 0
        page.check("input[name=kind][value=acute]")
        page.fill("#reason", "Bevidstløs på gangen, ukendt medicin")
        page.click("form.glass button")
        page.wait_for_url(f"**/patient/{theirs}")
        assert page.locator("section", has_text="Aktuel medicin").count() > 0

        page.click("form[action='/logoff'] button")
        page.wait_for_url("**/logon")
        page.goto(f"/patient/{theirs}")
        assert "/logon" in page.url
        chromium.close()
    copy.close()
    assert [one for one in complaints if "the server responded with a status of 403" not in one] == []
