"""Dead letters: listed without a patient, alarmed, sent again or given up by somebody with a reason."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from altid.access.identity import Role
from altid.api.settings import FhirSettings
from altid.orders.downstream import alarm, queue
from altid.orders.downstream.alarm import Bell, Health
from altid.orders.downstream.destinations import Downstream
from altid.orders.downstream.dispatcher import Dispatcher
from altid.orders.downstream.queue import Figures, NotPossibleError
from altid.record.database import Limits, open_database
from altid.record.postgres import Cluster
from altid.server.app import AppSettings
from altid.server.worker import WorkerSettings
from tests.guards import bearer, make_guard, token
from tests.orders.dispatching import destination, tell
from tests.orders.posts import (
    Post,
    a_post,
    ask,
    medication,
    patient,
    put,
    states,
    wait_for_dispatcher,
    wait_until,
)
from tests.ports import free_port
from tests.running import make_database, running_worker

PATIENTS_OWN = ("Sørensen", "Åse", "Patient/p1", "0000000161")


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    made = make_database(postgres)
    put(made, patient("p1"))
    return made


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with a_post(tmp_path / "post") as made:
        yield made


def dispatched(dsn: str, during: Callable[[], None], **changed: Any) -> None:
    """While a dispatcher runs in this process."""

    async def work() -> None:
        async with open_database(dsn, dsn, limits=Limits(2, 2)) as database:
            where = destination(**{"pause_s": 0.01, "pause_s_max": 0.05, **changed})
            running = asyncio.create_task(Dispatcher(database, [where], tell, poll_s=0.02).run())
            try:
                await asyncio.to_thread(during)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())


def on(dsn: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def connected() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            async with connection.transaction():
                return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


@pytest.fixture
def dead(dsn: str, post: Post) -> int:
    """The number of a delivery whose attempts are used up."""
    post.be("busy")

    def until_dead() -> None:
        wait_for_dispatcher(dsn)
        put(dsn, medication("m", "p1"))
        wait_until(lambda: states(dsn) == {"dead": 1})

    dispatched(dsn, until_dead, port=post.port, attempts_max=3)
    return int(ask(dsn, "SELECT number FROM delivery"))


def test_after_its_attempts_a_message_is_dead_with_the_receivers_code(
    dsn: str, post: Post, dead: int
) -> None:
    assert len(post.seen) == 3
    (found,) = on(dsn, lambda connection: queue.listed(connection, dead=True))
    assert (found.number, found.attempts, found.code) == (dead, 3, "AE")


def test_a_receiver_that_can_not_be_reached_uses_up_nothing(dsn: str, post: Post) -> None:
    post.kill()

    def while_away() -> None:
        wait_for_dispatcher(dsn)
        put(dsn, medication("m", "p1"))
        wait_until(lambda: states(dsn) == {"waiting": 1})
        post.start()
        wait_until(lambda: states(dsn) == {"acknowledged": 1})

    dispatched(dsn, while_away, port=post.port, attempts_max=1)


def test_a_dead_letter_is_sent_again_with_a_new_budget(dsn: str, post: Post, dead: int) -> None:
    on(dsn, lambda connection: queue.retry(connection, dead, "me", "the pharmacy is back"))
    post.be("well")
    dispatched(
        dsn, lambda: wait_until(lambda: states(dsn) == {"acknowledged": 1}), port=post.port, attempts_max=1
    )
    assert len({one["control_id"] for one in post.seen}) == 1
    assert ask(dsn, "SELECT by || ': ' || reason FROM delivery") == "me: the pharmacy is back"


def test_a_dead_letter_is_not_sent_after_what_has_replaced_it(dsn: str, post: Post, dead: int) -> None:
    post.be("well")
    put(dsn, medication("m", "p1", "stopped"))
    dispatched(dsn, lambda: wait_until(lambda: states(dsn) == {"acknowledged": 1, "dead": 1}), port=post.port)
    with pytest.raises(NotPossibleError, match="superseded"):
        on(dsn, lambda connection: queue.retry(connection, dead, "me", "once more"))


def test_what_was_given_up_is_given_up_once(dsn: str, dead: int) -> None:
    on(dsn, lambda connection: queue.discard(connection, dead, "me", "by telephone"))
    assert states(dsn) == {"discarded": 1}
    for act in (queue.retry, queue.discard):
        with pytest.raises(NotPossibleError, match="state"):
            on(dsn, lambda connection, act=act: act(connection, dead, "me", "again"))
    with pytest.raises(NotPossibleError, match="absent"):
        on(dsn, lambda connection: queue.retry(connection, dead + 1, "me", "which?"))


def test_a_dead_letter_is_alarmed(dsn: str, dead: int) -> None:
    found = on(dsn, lambda connection: alarm.health(connection, Downstream()))
    assert found.alarms == ("dead pharmacy",)
    assert found.destinations[0].dead == 1


def test_nobody_who_sends_is_alarmed_and_somebody_is_not(dsn: str, post: Post) -> None:
    settings = Downstream((destination(post.port),))
    assert on(dsn, lambda connection: alarm.health(connection, settings)).alarms == ("not-sending",)
    dispatched(
        dsn,
        lambda: wait_until(lambda: not on(dsn, lambda c: alarm.health(c, settings)).alarms),
        port=post.port,
    )


def test_an_order_that_waits_too_long_is_alarmed(dsn: str, post: Post, dead: int) -> None:
    on(
        dsn,
        lambda connection: connection.execute(
            "UPDATE delivery SET state = 'waiting', made = made - '1 h'::interval"
        ),
    )
    assert on(dsn, lambda connection: alarm.health(connection, Downstream())).alarms == ("late pharmacy",)


def test_the_bell_tells_a_beginning_a_change_and_an_end_once(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    bell = Bell(lambda: now[0])
    one = Health((Figures("pharmacy", 0, 1, 0.0),), 0, True, ("dead pharmacy",))
    two = Health((Figures("pharmacy", 0, 2, 0.0),), 0, True, ("dead pharmacy",))
    well = Health((), 0, True, ())
    with caplog.at_level(logging.WARNING):
        for found in (one, one, two, two, well, well):
            bell.ring(found, leads=True)
        assert len(caplog.records) == 3
        bell.ring(one, leads=True)
        now[0] += 3_600
        bell.ring(one, leads=True)
    assert len(caplog.records) == 5


def test_the_log_names_no_patient(dsn: str, post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.be("refuse")

    def until_refused() -> None:
        wait_for_dispatcher(dsn)
        put(dsn, medication("m", "p1"))
        wait_until(lambda: states(dsn) == {"refused": 1})

    with caplog.at_level(logging.DEBUG):
        dispatched(dsn, until_refused, port=post.port)
        Bell().ring(on(dsn, lambda connection: alarm.health(connection, Downstream())), leads=True)
    assert "orders alarm: dead pharmacy" in caplog.text
    assert not [word for word in PATIENTS_OWN if word in caplog.text]


def test_over_http_operations_sees_no_patient_and_decides_with_a_reason(dsn: str, dead: int) -> None:
    with running_worker(dsn, FhirSettings(), doorman=False) as address:
        operations = bearer(token(dsn, role=Role.OPERATIONS))
        seen = httpx.get(f"{address}/orders/outbox?dead=true", headers=operations, timeout=30)
        assert [one["number"] for one in seen.json()["deliveries"]] == [dead]
        assert not [word for word in PATIENTS_OWN if word in seen.text]
        where = f"{address}/orders/outbox/{dead}"
        without = httpx.post(f"{where}/discard", json={}, headers=operations, timeout=30)
        assert without.status_code == 422
        assert (
            "begrundelse"
            in httpx.post(
                f"{where}/discard", json={}, headers={**operations, "accept-language": "da"}, timeout=30
            ).text
        )
        nurse = bearer(token(dsn, role=Role.NURSE))
        assert (
            httpx.post(f"{where}/retry", json={"reason": "why not"}, headers=nurse, timeout=30).status_code
            == 403
        )
        assert httpx.get(f"{address}/orders/outbox", timeout=30).status_code == 401
        secretary = bearer(token(dsn, role=Role.SECRETARY))
        assert httpx.get(f"{address}/orders/outbox", headers=secretary, timeout=30).status_code == 403
        assert httpx.get(f"{address}/health/orders", timeout=30).json()["alarms"] == ["dead pharmacy"]
        done = httpx.post(f"{where}/discard", json={"reason": "by telephone"}, headers=operations, timeout=30)
        assert done.json() == {"number": dead, "state": "discarded"}
        again = httpx.post(
            f"{where}/discard", json={"reason": "by telephone"}, headers=operations, timeout=30
        )
        assert again.status_code == 409
        far = httpx.post(
            f"{address}/orders/outbox/{10**30}/retry", json={"reason": "why"}, headers=operations, timeout=30
        )
        assert far.status_code == 404
        assert httpx.get(f"{address}/health/orders", timeout=30).json()["status"] == "ok"


def test_a_server_process_sends_what_its_file_says(dsn: str, post: Post, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    guard = make_guard(folder)
    (folder / "orders.toml").write_text(
        '[[destination]]\nname = "pharmacy"\ntakes = ["MedicationRequest"]\n'
        f'address = "127.0.0.1:{post.port}"\n'
    )
    with worker(AppSettings(dsn, dsn, guard)) as address:
        wait_for_dispatcher(dsn)
        put(dsn, medication("m", "p1"))
        wait_until(lambda: states(dsn) == {"acknowledged": 1})
        assert httpx.get(f"{address}/health/orders", timeout=30).json()["sending"]
        wait_until(lambda: ask(dsn, "SELECT count(*) FROM audit WHERE 'p1' = ANY (patients)") == 1)


@contextmanager
def worker(app: AppSettings) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "altid.server.worker"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(WorkerSettings("127.0.0.1", port, app).dump() + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
        process.stdin.close()
        process.stdout.close()


def test_it_stops_when_it_is_told_to_whatever_it_is_doing(dsn: str, post: Post) -> None:
    put(dsn, *(medication(f"m{number}", "p1") for number in range(5)))

    async def work() -> None:
        async with open_database(dsn, dsn, limits=Limits(2, 2)) as database:
            for number in range(30):
                dispatcher = Dispatcher(database, [destination(post.port)], tell, poll_s=0.001)
                running = asyncio.create_task(dispatcher.run())
                await asyncio.sleep(0.01 * number)
                running.cancel()
                done, _ = await asyncio.wait({running}, timeout=30)
                assert done

    asyncio.run(work())
