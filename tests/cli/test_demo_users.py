"""The demo's people work where the synthetic patients lie, and are made only in a record that has nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from altid import sample
from altid.access.accounts import find
from altid.access.administration import listed_accounts
from altid.access.grounds import SOR, Grounds
from altid.access.identity import Role
from altid.access.operator import at_terminal
from altid.access.passwords import Passwords, strength
from altid.access.relations import place_of
from altid.access.settings import AccessSettings
from altid.cli.demoing.filling import SEED
from altid.cli.demoing.users import Cast, cast, make_users
from altid.record.connection import SETTINGS
from altid.record.postgres import Cluster
from altid.record.write import update, write
from altid.sample.moments import REFERENCE
from tests.guards import SECRET
from tests.running import make_database


@pytest.fixture(scope="module")
def region() -> dict[str, dict[str, Any]]:
    """The smallest synthetic region, by reference."""
    entries = [entry for bundle in sample.bundles(patients=1, seed=SEED) for entry in bundle["entry"]]
    resources = [entry["resource"] for entry in entries]
    return {f"{one['resourceType']}/{one['id']}": one for one in resources}


def test_there_is_one_of_each_role() -> None:
    assert {user.role for user in cast()} == set(Role) - {Role.SYSTEM}


def test_they_work_at_places_that_there_are(region: dict[str, dict[str, Any]]) -> None:
    places = {
        one["identifier"][0]["value"]: one["name"]
        for one in region.values()
        if one["resourceType"] == "Organization" and one["identifier"][0]["system"] == SOR
    }
    assert {user.organisation: user.place for user in cast()}.items() <= places.items()


def test_clinicians_are_those_of_the_region(region: dict[str, dict[str, Any]]) -> None:
    for user in cast():
        if user.practitioner:
            assert user.name.endswith(region[user.practitioner]["name"][0]["text"])


def test_the_first_patient_lies_where_the_doctor_works(region: dict[str, dict[str, Any]]) -> None:
    admission = next(
        one
        for one in region.values()
        if one["resourceType"] == "Encounter" and one["status"] == "in-progress"
    )
    bed = region[admission["location"][-1]["location"]["reference"]]
    ward = region[bed["managingOrganization"]["reference"]]
    assert ward["identifier"][0]["value"] == cast()[0].organisation
    assert ward["partOf"]["reference"] == admission["serviceProvider"]["reference"]


def test_they_are_made_once_with_a_password_of_their_own(postgres: Cluster) -> None:
    dsn = make_database(postgres)

    async def work() -> tuple[Cast, Cast, bool]:
        settings = AccessSettings(region="altid")
        async with at_terminal(dsn, SECRET, settings, "http://localhost") as operator:
            first, again = await make_users(operator), await make_users(operator)
            assert len(await listed_accounts(operator)) == len(cast())
            doctor = await find(operator.connection, "doctor")
            assert doctor is not None
            pool = Passwords(1, operator.rng)
            try:
                return first, again, await pool.verify(doctor.password, first.password or "")
            finally:
                pool.close()

    first, again, is_right = asyncio.run(work())
    assert is_right
    assert (again.users, again.password) == ((), None)
    assert all(strength(first.password or "", user.username) is None for user in cast())
    assert (first.password or "") not in repr(first)


def test_a_ward_has_its_patients_and_the_hospital_has_those_of_all_its_wards(
    postgres: Cluster,
) -> None:
    dsn, ward, hospital = make_database(postgres), cast()[0].organisation, cast()[2].organisation

    async def work() -> tuple[set[str], set[str]]:
        connection = await asyncpg.connect(dsn, server_settings=dict(SETTINGS))
        try:
            for bundle in sample.bundles(patients=40, seed=SEED):
                writes = [update(entry["resource"]) for entry in bundle["entry"]]
                await write(connection, sorted(writes, key=lambda one: (one.type, one.id)))
            places = [await place_of(connection, each, REFERENCE) for each in (ward, hospital)]
        finally:
            await connection.close()
        at_ward, at_hospital = (place.patients for place in places)
        assert Grounds.ADMITTED in at_ward.values()
        return set(at_ward), set(at_hospital)

    at_ward, at_hospital = asyncio.run(work())
    assert at_ward < at_hospital
    assert len(at_hospital) < 40
