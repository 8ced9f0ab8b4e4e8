"""Random admissions, referrals, lists, broken glass, blocks and time: the record says what the model says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altid.access.identity import Identity, Role
from altid.access.overrides import break_glass
from altid.access.permit import Permit
from altid.access.reaching import Reaches
from altid.fhir.search.query import parse
from altid.record import search_sql
from altid.record.connection import SETTINGS
from altid.record.database import Connection, Database, open_database
from altid.record.postgres import Cluster
from altid.record.read import read_found
from altid.record.search import search, total
from tests.access.little_region import (
    ACCOUNT,
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
    Resource,
    block,
    empty,
    enlist,
    organisations,
    patient,
    put,
    someone,
)
from tests.access.reach_model import BREAKS, Blocked, Broken, Fact, Listed, Treated, World

PATIENTS = ("anna", "bo")
FEBRUARY = (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
DONE = {
    "january": datetime(2026, 1, 10, tzinfo=UTC),
    "february": datetime(2026, 2, 10, tzinfo=UTC),
    "undated": None,
}
"""When what was observed of each patient was done."""

# Mostly of the same ward and people, or nothing would have to do with whoever asks.
_PLACES = st.sampled_from(
    (HEART, HEART, HEART, HEART, NORTH, NORTH, LUNG, REGION, SOUTH, KNEE, PRACTICE, ADRIFT, UNKNOWN)
)
_KNOWN = _PLACES.filter(lambda place: place != UNKNOWN)
_ACCOUNTS = st.sampled_from((ACCOUNT, ACCOUNT, ACCOUNT, "another"))
_MOMENTS = st.integers(-50, 50).map(lambda hours: NOW + timedelta(hours=hours))
_WHOM = st.sampled_from(PATIENTS)
_PEOPLE = st.builds(
    someone,
    _PLACES,
    st.sampled_from((Role.DOCTOR, Role.DOCTOR, Role.DOCTOR, Role.NURSE, Role.SECRETARY, Role.AUDITOR)),
    _ACCOUNTS,
)
_DAYS = st.none() | (st.integers(-32, -28) | st.integers(-45, 45)).map(
    lambda days: NOW + timedelta(days=days, minutes=30)
)
_FACTS = st.one_of(
    st.builds(Treated, st.sampled_from(("provider", "location", "referral")), _WHOM, _KNOWN, st.booleans()),
    st.builds(Treated, st.just("appointment"), _WHOM, _KNOWN, st.booleans(), _DAYS),
    st.builds(Listed, _PEOPLE, _WHOM, _MOMENTS),
    st.builds(Broken, _PEOPLE.filter(lambda who: who.role in BREAKS), _WHOM, _MOMENTS),
    st.builds(
        Blocked,
        _WHOM,
        st.none() | _ACCOUNTS,
        st.none() | _PLACES,
        st.sampled_from((None, FEBRUARY, FEBRUARY)),
        _MOMENTS,
        st.none() | _MOMENTS,
    ),
)


@dataclass(frozen=True)
class Bench:
    """A record that is filled anew for each example, by its owner, and read as servers read it."""

    runner: asyncio.Runner
    owner: Any
    database: Database


@pytest.fixture(scope="module")
def bench(postgres: Cluster, shared: str) -> Iterator[Bench]:
    empty(postgres, shared)
    owner_dsn = postgres.dsn_for(postgres.superuser, urlsplit(shared).path.removeprefix("/"))

    async def opened() -> tuple[Any, Any, Database]:
        owner = await asyncpg.connect(owner_dsn, server_settings=dict(SETTINGS))
        opening = open_database(shared, shared)
        database = await opening.__aenter__()
        await put(owner, *organisations())
        for whom in PATIENTS:
            await put(owner, patient(whom), *(_observed(whom, when, at) for when, at in DONE.items()))
        return owner, opening, database

    async def closed(owner: Any, opening: Any) -> None:
        await opening.__aexit__(None, None, None)
        await owner.close()

    with asyncio.Runner() as runner:
        owner, opening, database = runner.run(opened())
        yield Bench(runner, owner, database)
        runner.run(closed(owner, opening))


@pytest.mark.parametrize("terms_max", [0, 50_000], ids=["by references", "by terms"])
@settings(max_examples=150, deadline=None)
@given(facts=st.lists(_FACTS, min_size=2, max_size=10), who=_PEOPLE, now=_MOMENTS)
def test_the_record_says_what_the_model_says(
    bench: Bench, terms_max: int, facts: list[Fact], who: Identity, now: datetime
) -> None:
    """A search that names nobody has two ways to look for patients; both find the same."""
    with patch.object(search_sql, "_TERMS_MAX", terms_max):
        bench.runner.run(_compare(bench, World(tuple(facts)), who, now))


async def _compare(bench: Bench, world: World, who: Identity, now: datetime) -> None:
    await bench.owner.execute(_CLEAR)
    for number, fact in enumerate(world.facts):
        await _happen(bench.owner, number, fact)
    reaches = Reaches(bench.database, now=lambda: now)
    reach = await reaches.of(who)
    wanted = {whom: world.grounds(who, whom, now) for whom in PATIENTS}
    assert {whom: reach.of(whom) for whom in PATIENTS} == wanted
    assert set(reach.patients) == {whom for whom, grounds in wanted.items() if grounds}
    if who.role is not Role.AUDITOR and who.role is not Role.SECRETARY:
        async with bench.database.reading() as connection:
            for whom in PATIENTS:
                await _compare_shown(connection, world, Permit(who, reaches), whom, now)


async def _compare_shown(
    connection: Connection, world: World, permit: Permit, whom: str, now: datetime
) -> None:
    """By reading, by a search that names the patient, and by one that names nobody."""
    wanted = {f"{whom}-{when}" for when, at in DONE.items() if world.shows(permit.identity, whom, at, now)}
    read = set()
    for when in DONE:
        found = await read_found(connection, "Observation", f"{whom}-{when}")
        assert found is not None
        read |= {found.stored.id} if await permit.shows(found) else set()
    assert read == wanted
    # Whoever has no grounds is refused before the search.
    if await permit.has_grounds([whom]):
        assert await _found(connection, permit, (("patient", f"Patient/{whom}"),)) == wanted
    among_all = {id_ for id_ in await _found(connection, permit, ()) if id_.startswith(whom)}
    assert among_all == (set() if world.hidden(permit.identity, whom, now) else wanted)


async def _found(connection: Connection, permit: Permit, criteria: tuple[tuple[str, str], ...]) -> set[str]:
    query, visible = parse("Observation", criteria), await permit.visible("s")
    page = await search(connection, query, visible, count=20)
    found = {one.stored.id for one in page.found}
    assert await total(connection, query, visible) == len(found)
    return found


async def _happen(connection: Any, number: int, fact: Fact) -> None:
    match fact:
        case Treated():
            await put(connection, _treated(number, fact))
        case Listed(who, whom, until):
            await enlist(connection, who, whom, until)
        case Broken(who, whom, began):
            await break_glass(connection, who, whom, "acute", "Bevidstløs i modtagelsen", began)
        case Blocked(whom, account, place, period, since, until):
            await block(
                connection,
                whom,
                account=account,
                organisation=place,
                period=period,
                since=since,
                until=until,
            )


def _treated(number: int, fact: Treated) -> Resource:
    whom = {"reference": f"Patient/{fact.patient}"}
    organisation, location = {"reference": f"Organization/o{fact.place}"}, f"Location/l{fact.place}"
    if fact.kind == "referral":
        status = "active" if fact.is_open else "completed"
        return {
            "resourceType": "ServiceRequest",
            "id": f"s{number}",
            "status": status,
            "subject": whom,
            "performer": [organisation],
        }
    if fact.kind == "appointment":
        actors = [{"actor": each} for each in (whom, {"reference": location})]
        return {
            "resourceType": "Appointment",
            "id": f"a{number}",
            "status": "booked" if fact.is_open else "fulfilled",
            "participant": actors,
            **({"start": fact.day.isoformat()} if fact.day else {}),
        }
    where: Resource = {"location": [{"location": {"reference": location}}]}
    status = "in-progress" if fact.is_open else "finished"
    return {
        "resourceType": "Encounter",
        "id": f"e{number}",
        "status": status,
        "subject": whom,
        **(where if fact.kind == "location" else {"serviceProvider": organisation}),
    }


def _observed(whom: str, when: str, at: datetime | None) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"{whom}-{when}",
        "status": "final",
        "subject": {"reference": f"Patient/{whom}"},
        **({"effectiveDateTime": at.isoformat()} if at else {}),
    }


_CLEAR = """
DELETE FROM index_date WHERE rid IN (
    SELECT rid FROM resource WHERE type IN ('Encounter', 'ServiceRequest', 'Appointment'));
DELETE FROM change WHERE type IN ('Encounter', 'ServiceRequest', 'Appointment');
DELETE FROM resource WHERE type IN ('Encounter', 'ServiceRequest', 'Appointment');
DELETE FROM override;
DELETE FROM personal_list;
DELETE FROM patient_block;
"""
