"""The operator's way to the database that leads, also past one that is frozen or follows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from altid.access.settings import AccessSettings
from altid.record.roles import APP_ROLE
from altid.region.operating import AWAY, _at_the_leader
from nodes import Node, a_pair
from tests.access.auditing import SECRET


@pytest.fixture
def pair() -> Iterator[tuple[Node, Node]]:
    with a_pair() as nodes:
        yield nodes


async def asked(*nodes: Node) -> bool:
    dsns = [f"{node.dsn(APP_ROLE)}?target_session_attrs=primary" for node in nodes]
    settings = AccessSettings(region="test", site="terminal")
    async with _at_the_leader(dsns, SECRET, settings, "http://localhost") as operator:
        return bool(await operator.connection.fetchval("SELECT NOT pg_is_in_recovery()"))


def test_it_finds_the_leader_behind_one_that_follows_and_one_that_is_frozen(
    pair: tuple[Node, Node],
) -> None:
    a, b = pair
    assert asyncio.run(asked(b, a))
    b.freeze()
    assert asyncio.run(asked(b, a))


def test_where_none_leads_it_is_away(pair: tuple[Node, Node]) -> None:
    with pytest.raises(AWAY):
        asyncio.run(asked(pair[1]))
