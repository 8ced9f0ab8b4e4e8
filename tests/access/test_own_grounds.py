"""Broken glass and lists are a role's at a place of work; the same person elsewhere has none of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from altid.access.grounds import Own
from altid.access.identity import Identity, Role
from altid.access.overrides import OVERRIDE_S, break_glass
from altid.access.places import NOWHERE
from altid.access.relations import own_of
from altid.record.postgres import Cluster
from tests.access.little_region import HEART, LUNG, NOW, empty, enlist, patient, put, someone, told

REASON = "Bevidstløs i modtagelsen"
DOCTOR = someone(HEART, Role.DOCTOR)
OTHERS = (someone(LUNG, Role.DOCTOR), someone(HEART, Role.NURSE), someone(HEART, Role.DOCTOR, "another"))
"""Another place, another role, another person."""

Make = Callable[[Any], Awaitable[None]]


@pytest.fixture
def record(postgres: Cluster, shared: str) -> str:
    empty(postgres, shared)
    told(shared, lambda connection: put(connection, patient("anna")))
    return shared


async def _break(connection: Any) -> None:
    await break_glass(connection, DOCTOR, "anna", "acute", REASON, NOW)


async def _list(connection: Any) -> None:
    await enlist(connection, DOCTOR, "anna", NOW + timedelta(hours=1))


async def _own(connection: Any, who: Identity, hours: float = 0) -> Own:
    return await own_of(connection, who, NOWHERE, NOW + timedelta(hours=hours))


@pytest.mark.parametrize("make", [_break, _list])
def test_it_holds_for_the_role_and_the_place_in_which_it_was_made(record: str, make: Make) -> None:
    async def story(connection: Any) -> list[set[str]]:
        await make(connection)
        owns = [await _own(connection, who) for who in (DOCTOR, *OTHERS)]
        return [{*own.listed, *own.overrides} for own in owns]

    assert told(record, story) == [{"anna"}, set(), set(), set()]


def test_glass_that_was_broken_twice_is_open_until_the_later_end(record: str) -> None:
    async def story(connection: Any) -> None:
        again = NOW + timedelta(hours=2)
        await break_glass(connection, DOCTOR, "anna", "consent", REASON, again)
        await _break(connection)
        own = await _own(connection, DOCTOR, 3)
        assert own.overrides == {"anna": again + timedelta(seconds=OVERRIDE_S)}
        assert (await _own(connection, DOCTOR, 10)).overrides == {}

    told(record, story)


def test_glass_from_before_roles_were_kept_opens_for_those_who_may_break_it(record: str) -> None:
    async def story(connection: Any) -> list[bool]:
        await _break(connection)
        await connection.execute("UPDATE override SET role = NULL")
        return [bool((await _own(connection, someone(HEART, role))).overrides) for role in _ROLES]

    assert told(record, story) == [True, True, False]


_ROLES = (Role.DOCTOR, Role.NURSE, Role.SECRETARY)
