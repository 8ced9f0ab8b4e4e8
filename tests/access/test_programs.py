"""Tokens of programs: renewed before they end, kept when they can't be, given in files, and in the audit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest

from altid.access import clients
from altid.access.audit import direct, store
from altid.access.audit.event import Action
from altid.access.audit.store import Query
from altid.access.audit.verify import Kind, Report, verify
from altid.access.clients import Client, ClientError
from altid.access.identity import NOBODY, Role
from altid.access.operator import Issued, Operator, at_terminal
from altid.access.programs import (
    RENEWED_BEFORE_S,
    SCOPES,
    GivenToken,
    TokenFileError,
    Tokens,
    program_token,
    read_token_file,
)
from altid.access.scopes import is_scope
from altid.access.settings import AccessSettings
from tests.access.auditing import sql
from tests.access.desks import NOON, Hands
from tests.guards import SECRET

_Result = TypeVar("_Result")
_LIFE_S = 600


class Mint:
    """Makes tokens with numbers; fails when it is told to."""

    def __init__(self, clock: Hands) -> None:
        self.clock, self.made, self.broken = clock, 0, False

    async def __call__(self) -> Issued:
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionRefusedError
        self.made += 1
        return Issued(f"token-{self.made}", replace(NOBODY, expires_s=int(self.clock()) + _LIFE_S))


def test_a_token_is_used_until_it_is_about_to_end() -> None:
    async def work() -> list[str]:
        clock = Hands()
        tokens, used = Tokens(Mint(clock), clock), []
        for _ in range(3):
            used.append(await tokens.token())
            clock.forward((_LIFE_S - RENEWED_BEFORE_S) / 2 + 1)
        return used

    assert asyncio.run(work()) == ["token-1", "token-1", "token-2"]


def test_many_that_ask_at_once_are_given_the_same() -> None:
    async def work() -> tuple[set[str], int]:
        clock = Hands()
        mint = Mint(clock)
        tokens = Tokens(mint, clock)
        return set(await asyncio.gather(*(tokens.token() for _ in range(20)))), mint.made

    assert asyncio.run(work()) == ({"token-1"}, 1)


def test_one_that_cannot_be_renewed_goes_on_until_it_ends() -> None:
    async def work() -> None:
        clock = Hands()
        mint = Mint(clock)
        tokens = Tokens(mint, clock)
        await tokens.token()
        mint.broken = True
        clock.forward(_LIFE_S - 10)
        assert await tokens.token() == "token-1"
        clock.forward(11)
        with pytest.raises(ConnectionRefusedError):
            await tokens.token()
        mint.broken = False
        assert await tokens.token() == "token-2"

    asyncio.run(work())


def test_a_token_in_a_file_is_read_again(tmp_path: Path) -> None:
    clock, file = Hands(), tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text("one\n")

    async def work() -> list[str]:
        given, used = GivenToken(file=file, clock=clock), []
        for text in ("two", "three"):
            used.append(await given.token())
            file.write_text(text)
            clock.forward(60)
        return [*used, await given.token()]

    assert asyncio.run(work()) == ["one", "two", "three"]


@pytest.mark.parametrize("text", ["", "\n", "two words", "å", "x" * 10_000, "one\ntwo"])
def test_a_file_that_holds_no_token_is_refused_without_saying_what_it_holds(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(text)
    with pytest.raises(TokenFileError) as caught:
        read_token_file(file)
    assert "\n" not in str(caught.value)
    assert not text.strip() or text.strip() not in str(caught.value)


def test_every_program_has_scopes_that_there_are() -> None:
    assert all(is_scope(scope) for scopes in SCOPES.values() for scope in scopes)


def test_nobody_registers_as_the_built_in_system() -> None:
    async def add() -> None:
        await clients.add(None, Client("altid", "x", "1", ("system/*.rs",)), NOON)  # type: ignore[arg-type]

    with pytest.raises(ClientError, match="built-in"):
        asyncio.run(add())


def operating(dsn: str, work: Callable[[Operator], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        settings = AccessSettings(region="nordby")
        async with at_terminal(dsn, SECRET, settings, "http://localhost") as operator:
            return await work(operator)

    return asyncio.run(run())


def verified(dsn: str) -> Report:
    async def run() -> Report:
        connection = await asyncpg.connect(dsn)
        try:
            async with connection.transaction(isolation="repeatable_read"):
                return await verify(connection, SECRET)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_a_programs_token_is_in_the_audit_before_it_is_used(dsn: str) -> None:
    async def work(operator: Operator) -> None:
        issued = await program_token(operator, "load")
        assert issued.identity.role is Role.SYSTEM
        [entry] = await store.search(operator.connection, Query(action=Action.LOGON))
        assert (entry.event.who.subject, entry.event.operation) == ("altid", "load")
        assert entry.event.who.session == issued.identity.session
        assert operator.user in entry.event.who.name
        assert issued.token not in repr(entry) + repr(issued) + repr(operator)

    operating(dsn, work)


def test_commands_at_once_make_one_chain_that_is_whole(dsn: str) -> None:
    async def work() -> None:
        async def one() -> None:
            settings = AccessSettings(region="nordby")
            async with at_terminal(dsn, SECRET, settings, "http://localhost") as operator:
                for _ in range(3):
                    await program_token(operator, "export")

        await asyncio.gather(*(one() for _ in range(4)))

    asyncio.run(work())
    report = verified(dsn)
    assert (report.sound, report.events, report.writers) == (True, 12, 1)


def test_one_that_is_taken_away_or_altered_is_found(dsn: str) -> None:
    async def work(operator: Operator) -> None:
        for _ in range(4):
            await program_token(operator, "export")

    operating(dsn, work)
    as_owner = dsn.replace("altid_app@", "altid@")
    sql(as_owner, "DELETE FROM audit WHERE seq = 2")
    sql(as_owner, "UPDATE audit SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE seq = 4")
    assert {finding.kind for finding in verified(dsn).findings} == {Kind.MISSING, Kind.ALTERED}


def test_what_was_not_done_is_not_in_the_audit(dsn: str) -> None:
    async def work(operator: Operator) -> None:
        undone = operator.connection.transaction()
        await undone.start()
        await operator.record(operator.event(Action.ADMINISTER, "add", type_="client"))
        await undone.rollback()
        assert await store.head(operator.connection, direct.WRITER) == store.START

    operating(dsn, work)
