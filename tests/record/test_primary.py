"""The servers of an address, and the sessions at the one that leads."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from altid.record import primary
from altid.record.primary import NoPrimaryError, Primary, hosts_of


@pytest.mark.parametrize(
    ("dsn", "each"),
    [
        ("postgresql://u@a:1/d", ["postgresql://u@a:1/d"]),
        (
            "postgresql://u:p%40ss@a:1,b:2/d?target_session_attrs=primary",
            ["postgresql://u:p%40ss@a:1/d", "postgresql://u:p%40ss@b:2/d"],
        ),
        ("postgresql://u@[::1]:1,[::2]:1/d", ["postgresql://u@[::1]:1/d", "postgresql://u@[::2]:1/d"]),
        ("postgresql://u@/d?host=%2Ftmp%2Fx&port=1", ["postgresql://u@/d?host=%2Ftmp%2Fx&port=1"]),
        (
            "postgresql://a,b/d?sslmode=require",
            ["postgresql://a/d?sslmode=require", "postgresql://b/d?sslmode=require"],
        ),
    ],
)
def test_an_address_names_one_server_or_several(dsn: str, each: list[str]) -> None:
    assert [host.dsn for host in hosts_of(dsn)] == each


def test_a_server_is_named_without_its_password() -> None:
    assert [host.name for host in hosts_of("postgresql://u:secret@a:1,b:2/d")] == ["a:1", "b:2"]


class _Session:
    """As much of a `WriteConnection` as the pool looks at."""

    is_primary, timeline, doubtful, busy_since_s = True, 1, False, None

    def __init__(self, host: str) -> None:
        self.host, self._closed = host, False

    def is_closed(self) -> bool:
        return self._closed

    def is_in_transaction(self) -> bool:
        return False

    def terminate(self) -> None:
        self._closed = True


def _two_servers(monkeypatch: pytest.MonkeyPatch) -> tuple[Primary, list[tuple[str, float]]]:
    """The leader that is known, a, is silent; b leads. Also who was asked, and for how long."""
    asked: list[tuple[str, float]] = []

    async def connect(host: str, _dsn: str, _settings: Any, connect_s: float) -> Any:
        asked.append((host, connect_s))
        if host == "a:1":
            async with asyncio.timeout(connect_s):
                await asyncio.Event().wait()
        return _Session(host)

    monkeypatch.setattr(primary, "connect", connect)
    pool = Primary("postgresql://u@a:1,b:2/d", {}, size=2, connect_s=60.0, commit_s=0.4)
    pool._leader = pool._hosts[0]
    return pool, asked


def test_a_leader_that_is_silent_keeps_nobody_from_asking_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, asked = _two_servers(monkeypatch)

    async def work() -> None:
        async with asyncio.timeout(30), pool.session(asyncio.get_running_loop().time() + 30) as session:
            assert session.host == "b:2"
        await pool.close()

    asyncio.run(work())
    assert asked[0] == ("a:1", 0.3)


def test_a_free_session_is_not_lent_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, asked = _two_servers(monkeypatch)
    session: Any = _Session("b:2")
    pool._keep(session)

    async def work() -> None:
        with pytest.raises(NoPrimaryError):
            async with pool.session(asyncio.get_running_loop().time()):
                pass
        async with pool.session(asyncio.get_running_loop().time() + 30) as lent:
            assert lent is session

    asyncio.run(work())
    assert asked == []
