"""The primary is lost, and the standby takes the lead: writes pause, and every one is done once.

Two real PostgreSQL that replicate; the lead is handed over here by the test itself, at once. What a region's
guardian makes of it is drilled (`altid drill`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest

from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.database import Database, Limits, open_database
from altid.record.grouping import GroupWriter
from altid.record.roles import APP_ROLE
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import Written, create, delete, update
from nodes import IN_STEP, WAITING, Node, a_pair, a_primary, both

PATIENT = {"resourceType": "Patient", "gender": "female"}
LIMITS = Limits(read_connections=1, write_connections=4, connect_s=1.0)
PAUSE_S_MAX = 7.0
"""Of which the machine's slowness is most: a promotion takes 0.1 s, and looking for it no more than that."""


@pytest.fixture
def pair() -> Iterator[tuple[Node, Node]]:
    with a_pair() as nodes:
        yield nodes


def run(pair: tuple[Node, Node], work: Callable[[Database], Awaitable[Any]], limits: Limits = LIMITS) -> Any:
    async def bounded() -> Any:
        # The standby is there to read from, as at the other site.
        async with (
            asyncio.timeout(60),
            open_database(
                both(pair[1]).partition("?")[0], both(*pair), limits=limits, is_replicated=True
            ) as database,
        ):
            return await work(database)

    return asyncio.run(bounded())


async def promote(node: Node) -> None:
    await node.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
    await node.ask("SELECT pg_reload_conf()")
    assert await node.ask("SELECT pg_promote()")


async def versions(node: Node, id_: str) -> int:
    return int(await node.ask("SELECT count(*) FROM change c JOIN resource USING (rid) WHERE id = $1", id_))


class Load:
    """Registers that are counted up by unconditional updates, as fast as each is answered."""

    def __init__(self, database: Database) -> None:
        self._writer = GroupWriter(database)
        self.sent: dict[str, int] = {}
        self.pause_s = 0.0
        self._end = asyncio.Event()

    async def count_up(self, register: str) -> None:
        while not self._end.is_set():
            self.sent[register] = self.sent.get(register, 0) + 1
            began_s = time.monotonic()
            written = await self._writer.write(update({**PATIENT, "id": register}))
            assert written.version == self.sent[register]
            self.pause_s = max(self.pause_s, time.monotonic() - began_s)

    async def during(self, what: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(8):
                tasks.create_task(self.count_up(f"r{number}"))
            await asyncio.sleep(0.5)
            await what()
            await asyncio.sleep(0.5)
            self._end.set()


def test_writes_go_on_at_the_standby_when_the_primary_is_killed(pair: tuple[Node, Node]) -> None:
    a, b = pair

    async def work(database: Database) -> None:
        async def lose() -> None:
            a.kill()
            await promote(b)

        load = Load(database)
        await load.during(lose)
        for register, sent in load.sent.items():
            assert await versions(b, register) == sent
        assert load.pause_s < PAUSE_S_MAX

    run(pair, work)


def test_writes_go_on_at_the_standby_when_the_primary_falls_silent(pair: tuple[Node, Node]) -> None:
    a, b = pair

    async def work(database: Database) -> None:
        async def silence() -> None:
            a.freeze()
            await promote(b)

        load = Load(database)
        await load.during(silence)
        for register, sent in load.sent.items():
            assert await versions(b, register) == sent
        assert load.pause_s < PAUSE_S_MAX

    run(pair, work)


def test_a_write_whose_sessions_are_ended_is_done_once(pair: tuple[Node, Node]) -> None:
    a, _ = pair

    async def work(database: Database) -> None:
        async def end_sessions() -> None:
            for _ in range(5):
                await a.ask(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE application_name = 'altid write'"
                )
                await asyncio.sleep(0.1)

        load = Load(database)
        await load.during(end_sessions)
        for register, sent in load.sent.items():
            assert await versions(a, register) == sent

    run(pair, work)


def test_a_commit_that_waits_for_a_silent_standby_goes_on_when_it_is_given_up(
    pair: tuple[Node, Node],
) -> None:
    """The other site is lost, not the primary: the same session is answered, and no second one was needed."""
    a, b = pair

    async def work(database: Database) -> None:
        writer = GroupWriter(database)
        assert (await writer.write(create(PATIENT))).safety == "two-sites"
        b.freeze()
        task = asyncio.create_task(writer.write(create(PATIENT)))
        process = await a.waiting()
        await asyncio.sleep(3 * LIMITS.commit_s)
        assert await a.waiting() == process
        await a.require("")
        assert (await task).safety == "one-site"

    run(pair, work)


def test_writes_that_nobody_confirms_do_not_pile_up_at_the_primary(pair: tuple[Node, Node]) -> None:
    a, b = pair
    limits = Limits(read_connections=1, write_connections=4, write_deadline_s=0.5, connect_s=1.0)

    async def work(database: Database) -> None:
        writer = GroupWriter(database)
        b.freeze()
        for _ in range(6):
            with pytest.raises((OutcomeUnknownError, NotStoredError)):
                await writer.write(create(PATIENT))
        assert await a.ask(f"SELECT count(*) FROM ({WAITING})") <= limits.write_connections
        b.thaw()

    run(pair, work, limits)


def test_the_answer_tells_how_safe_its_commit_is(pair: tuple[Node, Node]) -> None:
    a, _ = pair

    async def look(database: Database) -> list[Any]:
        writer = GroupWriter(database)

        async def work(transaction: Transaction) -> list[Written]:
            return await transaction.write([create(PATIENT)])

        single = await writer.write(create(PATIENT, "single"))
        gone = await writer.write(delete("Patient", "single"))
        whole = await writer.write_together([create(PATIENT, "1"), create(PATIENT, "2")])
        return [single.safety, gone.safety, whole[-1].safety, (await run_transaction(database, work)).safety]

    async def work(database: Database) -> None:
        assert await look(database) == ["two-sites"] * 4
        await a.require("")
        for _ in range(3):
            assert (await GroupWriter(database).write(create(PATIENT))).safety == "one-site"
        await a.require("standby")
        await a.wait_for(IN_STEP)
        await GroupWriter(database).write(create(PATIENT))
        assert (await GroupWriter(database).write(create(PATIENT))).safety == "two-sites"

    run(pair, work)


def test_a_former_primary_that_comes_back_gets_no_writes(pair: tuple[Node, Node]) -> None:
    """Both call themselves primary for a moment: the one with the newer timeline is."""
    a, b = pair

    async def work(database: Database) -> None:
        writer = GroupWriter(database)
        await writer.write(create(PATIENT))
        a.freeze()
        await promote(b)
        await writer.write(create(PATIENT, "after"))
        a.thaw()
        database.suspect_primary()
        for number in range(5):
            assert (await writer.write(create(PATIENT, f"later-{number}"))).outcome == "created"
        assert await versions(b, "later-4") == 1

    run(pair, work)


def test_the_next_attempt_is_sent_when_the_one_before_has_ended_at_the_server() -> None:
    """Its line is cut while it waits for a lock; two at work could be done in either order, and both."""
    at_work = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = $1"

    async def work(node: Node) -> None:
        async with open_database(both(node), both(node), limits=LIMITS) as database:
            writer = GroupWriter(database)
            await writer.write(update({**PATIENT, "id": "held"}))
            holder = await asyncpg.connect(node.dsn())
            await holder.execute("BEGIN; SELECT 1 FROM resource WHERE id = 'held' FOR UPDATE")
            task = asyncio.create_task(writer.write(update({**PATIENT, "id": "held"})))
            await node.wait_for(at_work, APP_ROLE)
            for connection in database.primary._busy:
                connection.terminate()
            for _ in range(20):
                await asyncio.sleep(0.02)
                assert await node.ask(at_work, APP_ROLE) == 1
            await holder.execute("COMMIT")
            assert (await task).version == 2
            assert await versions(node, "held") == 2
            await holder.close()

    with a_primary() as node:
        asyncio.run(work(node))


def test_without_a_region_nothing_is_said_about_sites() -> None:
    with a_primary() as node:

        async def work() -> Any:
            async with open_database(both(node), both(node), limits=LIMITS) as database:
                return (await GroupWriter(database).write(create(PATIENT))).safety

        assert asyncio.run(work()) is None


def test_nothing_is_acknowledged_before_the_other_site_has_it_though_postgresql_does_not_wait(
    pair: tuple[Node, Node],
) -> None:
    """The checkpointer tells sessions that commits wait, and may be seconds behind with it. Frozen, it never
    does: the standby is named and in step, and PostgreSQL answers at once."""
    a, b = pair

    async def work(database: Database) -> None:
        await a.require("")
        checkpointer = await a.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        os.kill(checkpointer, signal.SIGSTOP)
        try:
            await a.ask("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            await a.ask("SELECT pg_reload_conf()")
            await a.wait_for(IN_STEP)
            assert (await GroupWriter(database).write(create(PATIENT, "before"))).safety == "two-sites"
            b.freeze()
            task = asyncio.create_task(GroupWriter(database).write(create(PATIENT, "held")))
            await a.wait_for("SELECT EXISTS (SELECT FROM resource WHERE id = 'held')")
            await asyncio.sleep(0.1)
            assert not task.done()
            b.thaw()
            assert (await task).safety == "two-sites"
            assert await versions(b, "held") == 1
        finally:
            os.kill(checkpointer, signal.SIGCONT)

    run(pair, work)
