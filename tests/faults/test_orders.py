"""Orders under faults: acknowledged and missing 0, made twice 0.

The checker knows only keys and the clients' history. Faults are real: processes are killed and frozen, lines
cut, disks filled; no part of the product knows of them.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.database import Limits
from altid.record.postgres import Cluster
from running import make_database, running_worker
from tests.access.auditing import sql
from tests.faults.test_kill import Server, children, wait_for
from tests.faults.test_lost_answers import CuttingProxy
from tests.orders.ordering import PATIENT, bundle, drug, medication, patient


def prepare(address: str, headers: dict[str, str] | None = None) -> None:
    """The patient and the drug that all orders name."""
    for one in (patient(), drug()):
        url = f"{address}/fhir/{one['resourceType']}/{one['id']}"
        httpx.put(url, json=one, headers=headers, timeout=30).raise_for_status()


class Ordering:
    """Doctors' browsers: each order is sent with its key until it is answered for good."""

    def __init__(self, address: str, headers: dict[str, str], seed: int, browsers: int = 6) -> None:
        self._address, self._headers = address, headers
        self._stop = threading.Event()
        self.sent: set[str] = set()
        self.acknowledged: dict[str, str] = {}
        """Key to order."""
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._sign, args=(random.Random(seed + n),)) for n in range(browsers)
        ]

    def __enter__(self) -> Ordering:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def until(self, more: int) -> None:
        goal = len(self.acknowledged) + more
        wait_for(lambda: len(self.acknowledged) >= goal)

    def _sign(self, dice: random.Random) -> None:
        while not self._stop.is_set():
            key, order = str(uuid.UUID(int=dice.getrandbits(128))), medication(dice.randrange(10**6))
            with self._lock:
                self.sent.add(key)
            times = 2 if dice.random() < 0.3 else 1  # a duplicate, as a nervous browser sends it
            for _ in range(times):
                self._send_until_answered(key, order)

    def _send_until_answered(self, key: str, order: dict[str, Any]) -> None:
        while not self._stop.is_set():
            try:
                answer = httpx.post(
                    f"{self._address}/orders",
                    json=order,
                    headers={**self._headers, "idempotency-key": key},
                    timeout=3,
                )
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code == 201:
                made = answer.json()["order"]
                with self._lock:
                    assert self.acknowledged.setdefault(key, made) == made
                return
            assert answer.headers["altid-receipt"] == "transient-error", answer.text
            time.sleep(0.05)


def registered(address: str, headers: dict[str, str]) -> Counter[str]:
    """How often each order's text is in the record, as a reader of FHIR sees it."""
    counts: Counter[str] = Counter()
    url: str | None = f"{address}/fhir/MedicationRequest?subject=Patient/{PATIENT}&_count=1000"
    with httpx.Client(headers=headers, timeout=30) as client:
        while url:
            page = client.get(url).json()
            counts.update(entry["resource"]["id"] for entry in page.get("entry", ()))
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    return counts


def wrong(address: str, headers: dict[str, str], ordering: Ordering) -> tuple[list[str], int]:
    """Acknowledged keys whose order is not there, and how many more orders there are than keys were sent."""
    found = registered(address, headers)
    missing = [key for key, order in ordering.acknowledged.items() if order.partition("/")[2] not in found]
    return missing, max(0, sum(found.values()) - len(ordering.sent))


@pytest.fixture
def served() -> Iterator[tuple[Server, str]]:
    data = Path(tempfile.mkdtemp(prefix="altid-orders-"))
    server = Server(data)
    server.start()
    address = server.address.removesuffix("/fhir")
    prepare(address, server.headers)
    try:
        yield server, address
    finally:
        server.stop()
        shutil.rmtree(data)


def test_a_server_killed_between_intent_and_commit_loses_no_order_and_makes_none_twice(
    served: tuple[Server, str],
) -> None:
    """PostgreSQL stands still, so what was taken waits behind its intent; then both servers are killed."""
    server, address = served
    with Ordering(address, server.headers, seed=1) as ordering:
        ordering.until(20)
        for _ in range(3):
            frozen = [server.postmaster(), *children(server.postmaster())]
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(0.3)
            victims = server.workers()
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
            wait_for(lambda victims=victims: len(set(server.workers()) - set(victims)) == 2)
            ordering.until(10)
    assert wrong(address, server.headers, ordering) == ([], 0)


def test_what_a_dead_server_had_taken_is_registered_though_no_browser_sends_it_again(
    postgres: Cluster, tmp_path: Path
) -> None:
    """A lock keeps every version from being written, and nobody from reading: the intents stand in the
    journal, and the statements end with their sessions."""
    dsn, keys = make_database(postgres), [f"taken-{number}" for number in range(6)]
    others = set(children(os.getpid()))
    with running_worker(dsn, FhirSettings(), guard_folder=tmp_path) as address:
        prepare(address)
        with ThreadPoolExecutor(6) as threads, locked(postgres, dsn):
            sending = [threads.submit(send_once, address, key) for key in keys]
            wait_for(lambda: open_intents(address) == len(keys))
            for pid in set(children(os.getpid())) - others:
                os.kill(pid, signal.SIGKILL)
            for one in sending:
                one.result()
    assert sql(dsn, "SELECT count(*) FROM order_key")[0][0] == 0
    began = time.monotonic()
    with running_worker(dsn, FhirSettings(), guard_folder=tmp_path) as address:
        wait_for(lambda: sql(dsn, "SELECT count(*) FROM order_key")[0][0] == len(keys))
        assert time.monotonic() - began < 20
        wait_for(lambda: open_intents(address) == 0)
        words = [httpx.get(f"{address}/orders/receipts/{key}", timeout=30).json()["word"] for key in keys]
        assert words == ["ok"] * len(keys)
        again = send_once(address, keys[0])
        assert again is not None
        assert (again.status_code, again.json()["version"]) == (201, 1)
    assert sql(dsn, "SELECT count(*), max(version) FROM order_key")[0][0] == len(keys)


def test_a_server_that_is_told_twice_to_stop_finishes_what_it_has(postgres: Cluster, tmp_path: Path) -> None:
    """The kernel signals once for each thread of a parent that dies."""
    dsn = make_database(postgres)
    others = set(children(os.getpid()))
    with (
        running_worker(dsn, FhirSettings(), guard_folder=tmp_path) as address,
        ThreadPoolExecutor(1) as threads,
    ):
        prepare(address)
        with locked(postgres, dsn):
            sending = threads.submit(send_once, address, "stopped-twice")
            wait_for(lambda: open_intents(address) == 1)
            for pid in set(children(os.getpid())) - others:
                for _ in range(2):
                    os.kill(pid, signal.SIGINT)
                    time.sleep(0.1)  # two signals at once are one
        answer = sending.result()
    assert answer is not None
    assert answer.status_code == 201, answer.text


@contextmanager
def locked(postgres: Cluster, dsn: str) -> Iterator[None]:
    """Nothing is written meanwhile, and what waits for it is ended, not let through."""
    go, there = threading.Event(), threading.Event()

    async def hold() -> None:
        name = urlsplit(dsn).path.lstrip("/")
        connection = await asyncpg.connect(postgres.dsn_for(postgres.superuser, name))
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE resource IN SHARE MODE")
                there.set()
                await asyncio.to_thread(go.wait, 60)
                await connection.execute(_END_WAITING)
        finally:
            await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    assert there.wait(30)
    try:
        yield
    finally:
        go.set()
        thread.join(60)


_END_WAITING = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'
"""


def send_once(address: str, key: str) -> httpx.Response | None:
    with suppress(httpx.HTTPError):
        return httpx.post(
            f"{address}/orders", json=medication(), headers={"idempotency-key": key}, timeout=60
        )
    return None


def open_intents(address: str, headers: dict[str, str] | None = None) -> int:
    when = {"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    told = httpx.get(f"{address}/orders/intents", params=when, headers=headers, timeout=30).json()
    return int(told["open"])


def test_everything_killed_at_once_loses_no_order(served: tuple[Server, str]) -> None:
    server, address = served
    with Ordering(address, server.headers, seed=2) as ordering:
        ordering.until(40)
        pids = [*server.workers(), server.postmaster()]
        server.kill()
    for pid in pids:
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists())
    server.start()
    address = server.address.removesuffix("/fhir")
    wait_for(lambda: open_intents(address, server.headers) == 0)
    assert wrong(address, server.headers, ordering) == ([], 0)


def test_the_checker_sees_an_order_that_is_missing_and_one_that_is_there_twice(
    served: tuple[Server, str],
) -> None:
    server, address = served
    with Ordering(address, server.headers, seed=3) as ordering:
        ordering.until(5)
    ordering.acknowledged["never"] = "MedicationRequest/never"
    httpx.post(f"{address}/fhir/MedicationRequest", json=medication(), headers=server.headers, timeout=30)
    spare = len(ordering.sent) - len(ordering.acknowledged) + 1
    for _ in range(spare):
        httpx.post(f"{address}/fhir/MedicationRequest", json=medication(), headers=server.headers, timeout=30)
    assert wrong(address, server.headers, ordering) == (["never"], 1)


def test_the_answer_is_lost_after_the_commit(postgres: Cluster) -> None:
    dsn = make_database(postgres)
    place = parse_qs(urlsplit(dsn).query)
    with tempfile.TemporaryDirectory(prefix="altid-cut-") as folder:
        name = f".s.PGSQL.{place['port'][0]}"
        proxy = CuttingProxy(str(Path(place["host"][0]) / name), str(Path(folder) / name))
        proxy.start()
        proxy.wait()
        os.chmod(folder, 0o755)
        through = dsn.replace(quote(place["host"][0], safe=""), quote(folder, safe=""))
        try:
            with running_worker(through, FhirSettings(), Limits(write_deadline_s=2.0)) as address:
                prepare(address)
                _lose_answers(proxy, address, dsn)
        finally:
            proxy.stop()


def _lose_answers(proxy: CuttingProxy, address: str, dsn: str) -> None:
    def sign(key: str, body: Any) -> httpx.Response:
        return httpx.post(f"{address}/orders", json=body, headers={"idempotency-key": key}, timeout=20)

    assert sign("first", medication()).status_code == 201
    proxy.cut_after = b"Salve nummer 1"
    one = sign("cut-1", medication(note=[{"text": "Salve nummer 1"}]))
    assert (one.status_code, proxy.cut_after, one.json()["word"]) == (201, None, "ok")
    proxy.cut_after = b"COMMIT;"
    several = sign("cut-2", bundle(medication(1), medication(2)))
    assert (several.status_code, proxy.cut_after) == (201, None)
    proxy.cut_after, proxy.refuses_then = b"Salve nummer 3", True
    unknown = sign("cut-3", medication(note=[{"text": "Salve nummer 3"}]))
    assert (unknown.status_code, unknown.headers["altid-receipt"]) == (504, "transient-error")
    proxy.refuses = proxy.refuses_then = False
    again = sign("cut-3", medication(note=[{"text": "Salve nummer 3"}]))
    assert (again.status_code, again.json()["version"]) == (201, 1)
    rows = sql(dsn, "SELECT count(*), max(version) FROM order_key WHERE type = 'MedicationRequest'")
    assert tuple(rows[0]) == (5, 1)


def test_orders_that_come_twice_and_in_any_order_are_made_once(postgres: Cluster) -> None:
    """To two servers at once, as a browser that changes over."""
    dsn, dice = make_database(postgres), random.Random(4)
    with running_worker(dsn, FhirSettings()) as a, running_worker(dsn, FhirSettings()) as b:
        prepare(a)
        orders = {f"twice-{n}": medication(n) for n in range(40)}
        sends = [(address, key) for key in orders for address in (a, b, a)]
        dice.shuffle(sends)

        def sign(send: tuple[str, str]) -> tuple[str, httpx.Response]:
            address, key = send
            headers = {"idempotency-key": key}
            return key, httpx.post(f"{address}/orders", json=orders[key], headers=headers, timeout=30)

        with ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(sign, sends))
        assert {answer.status_code for _, answer in answers} == {201}
        assert len({(key, answer.text) for key, answer in answers}) == 40
        assert sql(dsn, "SELECT count(*), max(version) FROM order_key")[0][0] == 40


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_no_order_is_taken_when_the_disk_under_its_journal_is_full(postgres: Cluster, tmp_path: Path) -> None:
    dsn, disk = make_database(postgres), tmp_path / "intents"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets root mount nothing")
    try:
        with running_worker(dsn, FhirSettings(), guard_folder=tmp_path) as address:
            prepare(address)
            acknowledged, refused = _until_refused(address)
            assert acknowledged
            assert refused.headers["altid-receipt"] == "transient-error"
            assert refused.headers["altid-nothing-done"] == "true"
            # What is only read goes on.
            assert httpx.get(f"{address}/fhir/Patient/{PATIENT}", timeout=30).status_code == 200
            assert httpx.get(f"{address}/orders/receipts/full-0", timeout=30).json()["word"] == "ok"
            stored = sql(dsn, "SELECT count(*) FROM order_key")[0][0]
            assert stored == acknowledged
            subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
            wait_for(lambda: _sign(address, f"full-{acknowledged}").status_code == 201, 20)
            assert sql(dsn, "SELECT count(*) FROM order_key")[0][0] == acknowledged + 1
    finally:
        subprocess.run(["umount", disk], check=True)


def _until_refused(address: str) -> tuple[int, httpx.Response]:
    for number in range(1000):
        answer = _sign(address, f"full-{number}")
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            return number, answer
    raise AssertionError("the disk did not get full")


def _sign(address: str, key: str) -> httpx.Response:
    body = medication(note=[{"text": os.urandom(1500).hex()}])
    if key in _BODIES:
        body = _BODIES[key]
    _BODIES[key] = body
    return httpx.post(f"{address}/orders", json=body, headers={"idempotency-key": key}, timeout=30)


_BODIES: dict[str, Any] = {}
