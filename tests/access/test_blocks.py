"""*MinSpærring* by place: a block covers a place and all that is part of it, and never less than it means."""

from __future__ import annotations

from typing import Any

import pytest

from altid.access.identity import Identity, Role
from altid.access.places import above
from altid.access.relations import own_of
from altid.record.postgres import Cluster
from tests.access.little_region import (
    ADRIFT,
    HEART,
    KNEE,
    LUNG,
    NORTH,
    NOW,
    PRACTICE,
    REGION,
    SOUTH,
    UNKNOWN,
    block,
    empty,
    organisation,
    organisations,
    put,
    someone,
    told,
)

ALL = {REGION, NORTH, HEART, LUNG, SOUTH, KNEE, PRACTICE, ADRIFT, UNKNOWN}
"""Places where somebody may work."""
TOLD = ALL - {ADRIFT, UNKNOWN}
"""Of these it is known what they are part of."""


@pytest.fixture
def region(postgres: Cluster, shared: str) -> str:
    empty(postgres, shared)

    async def fill(connection: Any) -> None:
        await put(connection, *organisations())

    told(shared, fill)
    return shared


async def _is_blocked(connection: Any, identity: Identity) -> bool:
    stands = await above(connection, identity.organisation)
    own = await own_of(connection, identity, stands, NOW)
    return "anna" in own.blocked


def _blocked(dsn: str, organisation: str) -> set[str]:
    """The places whose people see nothing of Anna, after she has blocked one place."""

    async def story(connection: Any) -> set[str]:
        await block(connection, "anna", organisation=organisation)
        return {place for place in ALL if await _is_blocked(connection, someone(place))}

    return told(dsn, story)


@pytest.mark.parametrize(
    ("organisation", "covers"),
    [
        (HEART, {HEART}),
        (NORTH, {NORTH, HEART, LUNG}),
        (REGION, {REGION, NORTH, HEART, LUNG, SOUTH, KNEE}),
        (PRACTICE, {PRACTICE}),
    ],
)
def test_a_block_covers_the_place_of_this_sor_number_and_all_beneath(
    region: str, organisation: str, covers: set[str]
) -> None:
    assert _blocked(region, organisation) & TOLD == covers


@pytest.mark.parametrize("organisation", [HEART, NORTH, REGION])
def test_whoever_works_at_a_place_that_may_be_part_of_the_blocked_one_is_blocked(
    region: str, organisation: str
) -> None:
    assert _blocked(region, organisation) >= {ADRIFT, UNKNOWN}


@pytest.mark.parametrize("organisation", [UNKNOWN, "o" + HEART, "", "Organization/o" + HEART])
def test_a_block_of_a_place_that_nobody_knows_covers_everybody(region: str, organisation: str) -> None:
    assert _blocked(region, organisation) == ALL


def test_a_block_of_a_place_that_was_deleted_covers_everybody(region: str) -> None:
    async def story(connection: Any) -> None:
        await connection.execute("UPDATE resource SET body = NULL, terms = '{}' WHERE id = $1", "o" + HEART)

    told(region, story)
    assert _blocked(region, HEART) == ALL


def test_a_number_of_another_system_is_no_sor_number(region: str) -> None:
    """Else whoever names a laboratory by such a number would have made it a ward."""

    async def story(connection: Any) -> None:
        await put(connection, organisation(UNKNOWN, KNEE, id_="forged", system="urn:test:other"))
        stands = await above(connection, UNKNOWN)
        assert (stands.organisations, stands.is_whole) == (frozenset(), False)

    told(region, story)
    assert _blocked(region, UNKNOWN) == ALL


def test_where_a_place_belongs_is_not_known_when_only_its_name_is_given(region: str) -> None:
    """`partOf` by an identifier, which leads to no resource."""

    async def story(connection: Any) -> None:
        named = {**organisation(KNEE), "partOf": {"identifier": {"value": SOUTH}}}
        await put(connection, named)

    told(region, story)
    assert KNEE in _blocked(region, NORTH)


def test_organisations_in_a_circle_end(region: str) -> None:
    async def story(connection: Any) -> None:
        await put(connection, organisation(NORTH, HEART))

    told(region, story)
    assert {HEART, NORTH} <= _blocked(region, NORTH)


def test_a_block_of_a_person_at_a_place_holds_for_that_person_there(region: str) -> None:
    async def story(connection: Any) -> tuple[bool, bool, bool]:
        await block(connection, "anna", account="other", organisation=NORTH)
        other = someone(HEART, account="other")
        return (
            await _is_blocked(connection, someone(HEART)),
            await _is_blocked(connection, other),
            await _is_blocked(connection, someone(KNEE, Role.NURSE, "other")),
        )

    assert told(region, story) == (False, True, False)
