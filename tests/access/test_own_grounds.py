"""Broken glass and lists are a role's at a place of work; the same person elsewhere has none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from altid.access.glass import OVERRIDE_S, OverrideError
from altid.access.grounds import NOWHERE, Grounds, Own
from altid.access.identity import Identity, Role
from altid.access.overrides import break_glass, follow_up, still_open
from altid.access.reaching import Reaches
from altid.access.relations import own_of
from altid.record.database import open_database
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


def test_what_is_remembered_ends_when_it_ends(record: str) -> None:
    clock = [NOW]

    async def story() -> list[Grounds | None]:
        async with open_database(record, record) as database:
            reaches = Reaches(database, clock=lambda: 0.0, now=lambda: clock[0])
            seen = []
            for hours in (0, 7.9, 8.1, 9):
                clock[0] = NOW + timedelta(hours=hours)
                seen.append((await reaches.of(DOCTOR)).of("anna"))
            reaches.forget(DOCTOR)
            assert (await reaches.of(DOCTOR)).own == Own()
            return seen

    async def make(connection: Any) -> None:
        await enlist(connection, DOCTOR, "anna", NOW + timedelta(hours=9))
        await _break(connection)

    told(record, make)
    assert asyncio.run(story()) == [Grounds.OVERRIDE, Grounds.OVERRIDE, Grounds.LISTED, None]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_only_whose_task_it_is_follows_up(record: str, role: Role) -> None:
    async def story(connection: Any) -> None:
        await _break(connection)
        (opened,) = await still_open(connection)
        with pytest.raises(OverrideError, match="follows nothing up"):
            await follow_up(connection, someone(HEART, role, "x"), opened.id, "justified", "", NOW)
        acting = replace(AUDITOR, scopes=("user/*.rs",), application="app")
        with pytest.raises(OverrideError, match="follows nothing up"):
            await follow_up(connection, acting, opened.id, "justified", "", NOW)
        assert await still_open(connection) == [opened]

    told(record, story)


def test_nobody_judges_their_own_by_whatever_account(record: str) -> None:
    mine, twin, other = (
        replace(DOCTOR, subject=str(uuid4())),
        replace(AUDITOR, subject=str(uuid4())),
        replace(AUDITOR, subject=str(uuid4())),
    )

    async def story(connection: Any) -> None:
        for number, (who, practitioner) in enumerate(((mine, "P/1"), (twin, "P/1"), (other, None))):
            await connection.execute(_ACCOUNT, who.subject, f"{uuid4()}{number}", who.role, practitioner)
        made = await break_glass(connection, mine, "anna", "acute", REASON, NOW)
        for judge in (replace(mine, role=Role.AUDITOR), twin):
            with pytest.raises(OverrideError, match="it is your own"):
                await follow_up(connection, judge, made, "justified", "", NOW)
        await follow_up(connection, other, made, "justified", "", NOW)
        assert await still_open(connection) == []

    told(record, story)


AUDITOR = someone(HEART, Role.AUDITOR, "auditor")
_ACCOUNT = """
INSERT INTO account (id, username, name, roles, organisations, practitioner, created)
     VALUES ($1, $2, 'Some One', ARRAY[$3::text], ARRAY['1'], $4, now())
"""
_ROLES = (Role.DOCTOR, Role.NURSE, Role.SECRETARY)
