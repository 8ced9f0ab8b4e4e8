"""What was told at the deadline stays true: "nothing was stored, nor will be", or "it is not known"."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest

from altid.record import grouping, primary, transaction
from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.connection import connect as really_connect
from altid.record.database import Database, Limits, open_database
from altid.record.grouping import GroupWriter
from altid.record.roles import APP_ROLE
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import create, update
from altid.record.write_key import new_key
from nodes import WAITING, Node, a_primary

PATIENT = {"resourceType": "Patient", "gender": "female"}
BOUND_S = 20.0
FULL = asyncpg.DiskFullError("no space left")
READ_ONLY = asyncpg.ReadOnlySQLTransactionError("it is a standby")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with a_primary() as primary_node:
        yield primary_node


def run(node: Node, work: Callable[[Database], Awaitable[Any]], limits: Limits) -> None:
    async def bounded() -> None:
        dsn = node.dsn(APP_ROLE)
        async with asyncio.timeout(BOUND_S), open_database(dsn, dsn, limits=limits) as database:
            await work(database)

    asyncio.run(bounded())


async def versions(node: Node) -> int:
    return int(await node.ask("SELECT count(*) FROM change"))


class SlowLine:
    """Who connects waits until it is open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.open = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(primary, "connect", self._connect)

    async def _connect(self, host: str, dsn: str, settings: Any, _connect_s: float) -> Any:
        self.asked.set()
        await self.open.wait()
        return await really_connect(host, dsn, settings, 5.0)


async def write_single(database: Database) -> Any:
    return await GroupWriter(database).write(create(PATIENT))


async def write_together(database: Database) -> Any:
    return await GroupWriter(database).write_together([create(PATIENT)])


async def one_write(open_transaction: Transaction) -> Any:
    return await open_transaction.write([create(PATIENT)])


async def write_in_transaction(database: Database) -> Any:
    return await run_transaction(database, one_write)


async def all_others_end() -> None:
    """Until nothing is underway but the pool's own watch."""
    underway = [task for task in asyncio.all_tasks() if "_write_" in str(task) or "to_the_end" in str(task)]
    await asyncio.wait(underway)


@pytest.mark.parametrize("way", [write_single, write_together, write_in_transaction])
def test_what_was_told_as_not_stored_is_not_stored_when_a_session_comes_late(
    node: Node, monkeypatch: pytest.MonkeyPatch, way: Any
) -> None:
    async def work(database: Database) -> None:
        before = await versions(node)
        async with database.writing():
            line = SlowLine(monkeypatch)
            with pytest.raises(NotStoredError):
                await way(database)
            assert line.asked.is_set()
            line.open.set()
            await all_others_end()
        assert await versions(node) == before

    run(node, work, Limits(write_deadline_s=0.2, transaction_deadline_s=0.2))


def test_a_write_that_was_given_up_does_not_go_along_with_its_group(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(database: Database) -> None:
        loop = asyncio.get_running_loop()
        items = [
            grouping._Item(update({**PATIENT, "id": id_}), new_key(), loop.create_future())
            for id_ in ("given-up", "in-time")
        ]
        async with database.writing():
            line = SlowLine(monkeypatch)
            task = asyncio.create_task(grouping._Group(database, items, BOUND_S).write())
            await line.asked.wait()
            grouping._give_up(items[0])
            line.open.set()
            await task
        assert isinstance(items[0].future.exception(), NotStoredError)
        assert items[1].future.result().outcome == "created"
        assert await node.ask("SELECT count(*) FROM resource WHERE id = 'given-up'") == 0

    run(node, work, Limits())


def test_a_transaction_that_was_given_up_is_not_begun(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(database: Database) -> None:
        before = await versions(node)
        underway = transaction._Run(database, one_write, BOUND_S)
        async with database.writing():
            line = SlowLine(monkeypatch)
            task = asyncio.create_task(underway.to_the_end())
            await line.asked.wait()
            assert isinstance(underway.give_up(), NotStoredError)
            line.open.set()
            with pytest.raises(NotStoredError):
                await task
        assert await versions(node) == before

    run(node, work, Limits())


class AfterALoss:
    """Calls of `name` fail after the answer to a commit was lost: once, with `error`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, error: Exception) -> None:
        self._really, self._error = getattr(module, name), error
        self.is_lost = self.has_failed = False
        monkeypatch.setattr(module, name, self._call)

    async def _call(self, *arguments: Any, **named: Any) -> Any:
        if self.is_lost and not self.has_failed:
            self.has_failed = True
            raise self._error
        return await self._really(*arguments, **named)


async def lose_answer(node: Node, failing: AfterALoss) -> None:
    process = await node.waiting()
    failing.is_lost = True
    await node.ask("SELECT pg_terminate_backend($1)", process)


@pytest.mark.parametrize(
    ("way", "module", "name"),
    [
        (write_single, grouping, "write"),
        (write_together, grouping, "write"),
        (write_in_transaction, transaction, "wait_for_end"),
    ],
)
def test_an_error_after_a_lost_commit_is_told_as_unknown(
    node: Node, monkeypatch: pytest.MonkeyPatch, way: Any, module: Any, name: str
) -> None:
    async def work(database: Database) -> None:
        await node.require("nobody")
        try:
            failing = AfterALoss(monkeypatch, module, name, FULL)
            task = asyncio.create_task(way(database))
            await lose_answer(node, failing)
            with pytest.raises(OutcomeUnknownError):
                await task
            assert failing.has_failed
        finally:
            await node.require("")

    run(node, work, Limits(commit_s=0.1))


def test_a_transaction_is_not_done_twice_when_an_unfit_server_is_asked_about_its_commit(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(database: Database) -> None:
        before = await versions(node)
        await node.require("nobody")
        try:
            failing = AfterALoss(monkeypatch, transaction, "wait_for_end", READ_ONLY)
            task = asyncio.create_task(write_in_transaction(database))
            await lose_answer(node, failing)
            await node.wait_for(WAITING)
        finally:
            await node.require("")
        await task
        assert failing.has_failed
        assert await versions(node) == before + 1

    run(node, work, Limits(commit_s=0.1))
