"""Receipts where there are two sites: which of them are named, and how one becomes two by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from altid.hl7.word import Word
from altid.orders.gathering import Site, gather
from altid.orders.looking import look_up
from altid.orders.receipt import Receipt, receipt_of
from altid.orders.reconcile import reconcile
from altid.orders.recovery import planned_again
from altid.orders.registering import NotRegisteredError, Registrar
from altid.orders.todo import Why
from altid.orders.verdict import Reconciliation
from altid.record.database import Database, Limits, open_database
from altid.record.grouping import GroupWriter
from altid.record.roles import APP_ROLE
from nodes import Node, a_pair, both
from tests.access.auditing import SECRET

from .test_recovery import dose, intent, opened

SITES = ("A", "B")
LIMITS = Limits(read_connections=1, write_connections=2, connect_s=1.0)


@pytest.fixture
def pair() -> Iterator[tuple[Node, Node]]:
    with a_pair() as nodes:
        yield nodes


def run(pair: tuple[Node, Node], folder: Path, work: Callable[[Database, Registrar], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        a, b = pair
        await a.ask("ALTER SYSTEM SET altid.site = 'A'")
        await a.ask("SELECT pg_reload_conf()")
        async with (
            asyncio.timeout(60),
            open_database(
                both(b).partition("?")[0], both(a, b), limits=LIMITS, is_replicated=True
            ) as database,
        ):
            notebook = opened(folder)
            notebook.start()
            try:
                return await work(database, Registrar(database, GroupWriter(database), notebook))
            finally:
                await notebook.close()

    return asyncio.run(bounded())


async def signed(registrar: Registrar, key: str) -> Receipt:
    planned = planned_again(intent(key))
    (written,) = await registrar.register([planned])
    return receipt_of(key, planned.intent.reference, written, SITES)


def test_a_receipt_names_both_sites(pair: tuple[Node, Node], tmp_path: Path) -> None:
    async def work(database: Database, registrar: Registrar) -> None:
        receipt = await signed(registrar, "both")
        assert (receipt.durability, receipt.sites) == ("two-sites", SITES)
        (found,) = await look_up(database, SITES, ["both"])
        assert (found.sites, found.position, found.time) == (SITES, receipt.position, receipt.time)

    run(pair, tmp_path, work)


def test_of_many_at_both_sites_who_saw_the_same_one_gives(pair: tuple[Node, Node], tmp_path: Path) -> None:
    """Each server reads at its own site and writes at the one that leads."""

    async def work(database: Database, registrar: Registrar) -> None:
        a, b = pair
        await signed(registrar, "dosed")
        async with open_database(
            both(a).partition("?")[0], both(a, b), limits=LIMITS, is_replicated=True
        ) as at_a:
            there = replace(registrar, database=at_a, writer=GroupWriter(at_a))
            order = intent("dosed")
            tries = [
                (registrar, there)[number % 2].register([planned_again(dose(f"dose-{number}", order))])
                for number in range(12)
            ]
            given = await asyncio.gather(*tries, return_exceptions=True)
        refused = [one.why for one in given if isinstance(one, NotRegisteredError)]
        assert refused == ["dose-since"] * 11
        (written,) = next(one for one in given if isinstance(one, list))
        assert written.safety == "two-sites"

    run(pair, tmp_path, work)


def test_in_one_site_operation_the_receipt_says_so_and_is_upgraded_by_itself(
    pair: tuple[Node, Node], tmp_path: Path
) -> None:
    a, b = pair

    async def work(database: Database, registrar: Registrar) -> None:
        b.freeze()
        await a.require("")
        receipt = await signed(registrar, "one")
        assert (receipt.word, receipt.durability, receipt.sites) == (Word.OK, "one-site", ("A",))
        (found,) = await look_up(database, SITES, ["one"])
        assert (found.durability, found.sites) == ("one-site", ("A",))
        b.thaw()
        await a.require("standby")
        until_s = time.monotonic() + 60
        while found.durability != "two-sites":
            assert time.monotonic() < until_s
            (found,) = await look_up(database, SITES, ["one"])
        assert (found.sites, found.position, found.version) == (SITES, receipt.position, receipt.version)

    run(pair, tmp_path, work)


def test_never_seen_is_told_of_both_sites(pair: tuple[Node, Node], tmp_path: Path) -> None:
    async def work(database: Database, _registrar: Registrar) -> None:
        (found,) = await look_up(database, SITES, ["never"])
        assert (found.word, found.sites) == (Word.NEVER_SEEN, ())

    run(pair, tmp_path, work)


def reconciled(
    pair: tuple[Node, Node],
    folder: Path,
    befalls: Callable[[], None] = lambda: None,
    patience_s: float = 30.0,
) -> Reconciliation:
    """Of both sites' own words, each of which is waited for so long; the journals are all at A."""

    async def look() -> Reconciliation:
        (folder / "b").mkdir(exist_ok=True)
        a, b = [await asyncpg.connect(node.dsn(APP_ROLE), command_timeout=patience_s) for node in pair]
        befalls()
        try:
            now = datetime.now(UTC)
            sites = [Site("A", folder, a), Site("B", folder / "b", b)]
            hour = timedelta(hours=1)
            return reconcile(await gather(sites, SECRET, now - hour, now + hour))
        finally:
            a.terminate()
            b.terminate()

    return asyncio.run(look())


def test_reconciliation_compares_what_each_site_says_itself(pair: tuple[Node, Node], tmp_path: Path) -> None:
    async def both_have(_database: Database, registrar: Registrar) -> None:
        await signed(registrar, "both")

    async def only_a_has(_database: Database, registrar: Registrar) -> None:
        await pair[1].ask("SELECT pg_wal_replay_pause()")
        await pair[0].require("")
        await signed(registrar, "one")

    run(pair, tmp_path, both_have)
    found = reconciled(pair, tmp_path)
    assert (found.is_certain, [one.count for one in found.digests]) == (True, [1, 1])
    run(pair, tmp_path, only_a_has)
    found = reconciled(pair, tmp_path)
    assert [(one.key, one.why, one.sites) for one in found.uncertain] == [("one", Why.ONE_SITE, ("A",))]
    assert not found.sites_agree
    asyncio.run(pair[1].ask("SELECT pg_wal_replay_resume()"))
    found = reconciled(pair, tmp_path)
    assert (found.is_certain, [one.count for one in found.digests]) == (True, [2, 2])


def test_a_site_that_freezes_while_it_is_read_is_named_and_the_rest_is_read(
    pair: tuple[Node, Node], tmp_path: Path
) -> None:
    async def sign(_database: Database, registrar: Registrar) -> None:
        await signed(registrar, "one")

    run(pair, tmp_path, sign)
    found = reconciled(pair, tmp_path, pair[1].freeze, patience_s=4.0)
    assert (found.uncertain, found.unread, found.is_certain) == ((), ("B (database)",), False)
    assert [(one.site, one.count) for one in found.digests] == [("A", 1)]
