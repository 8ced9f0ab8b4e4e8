"""A little region put straight into the record, and people who work in it.

The region has the hospitals north and south; north has the wards heart and lung, south has knee. The practice
stands alone, and adrift is part of an organisation that nobody knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from altid.access.grounds import SOR
from altid.access.identity import Identity, Level, Role
from altid.record.connection import SETTINGS
from altid.record.postgres import Cluster
from altid.record.write import update, write

Resource = dict[str, Any]
Result = TypeVar("Result")

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
"""The moment of all these tests, unless their clock goes on."""

REGION, NORTH, HEART, LUNG = "9990001", "9990010", "9990011", "9990012"
SOUTH, KNEE, PRACTICE, ADRIFT = "9990020", "9990021", "9990030", "9990040"
UNKNOWN = "9990099"
"""A SOR number that the record doesn't know."""

PARTS = {NORTH: REGION, HEART: NORTH, LUNG: NORTH, SOUTH: REGION, KNEE: SOUTH, ADRIFT: UNKNOWN}

ACCOUNT = "a0000000-0000-4000-8000-000000000001"

_EMPTY = "TRUNCATE resource, resource_history, change, index_date, override, personal_list, patient_block"


def empty(postgres: Cluster, dsn: str) -> None:
    """Nothing in the record any more."""

    async def work() -> None:
        owner = postgres.dsn_for(postgres.superuser, urlsplit(dsn).path.removeprefix("/"))
        connection = await asyncpg.connect(owner)
        try:
            await connection.execute(_EMPTY)
        finally:
            await connection.close()

    asyncio.run(work())


def told(dsn: str, story: Callable[[Any], Awaitable[Result]]) -> Result:
    """A story on a session that may write."""

    async def work() -> Result:
        connection = await asyncpg.connect(dsn, server_settings=dict(SETTINGS))
        try:
            return await story(connection)
        finally:
            await connection.close()

    return asyncio.run(work())


async def put(connection: Any, *resources: Resource) -> None:
    """These as they are now."""
    prepared = sorted((update(one) for one in resources), key=lambda one: (one.type, one.id))
    await write(connection, prepared)


def organisations() -> Iterator[Resource]:
    """All of the region."""
    for sor in (REGION, *PARTS, PRACTICE):
        yield organisation(sor, PARTS.get(sor))
        yield {
            "resourceType": "Location",
            "id": f"l{sor}",
            "managingOrganization": {"reference": f"Organization/o{sor}"},
        }


def organisation(sor: str, above: str | None = None, *, id_: str = "", system: str = SOR) -> Resource:
    part = {"partOf": {"reference": f"Organization/o{above}"}} if above else {}
    identifier = {"system": system, "value": sor}
    return {"resourceType": "Organization", "id": id_ or f"o{sor}", "identifier": [identifier], **part}


def patient(id_: str) -> Resource:
    return {"resourceType": "Patient", "id": id_, "birthDate": "1950-01-01"}


def someone(organisation: str = HEART, role: Role = Role.DOCTOR, account: str = ACCOUNT) -> Identity:
    """A person's own session."""
    return Identity(account, "Some One", role, organisation, (), Level.HIGH, "s", "A", 0)


async def block(
    connection: Any,
    patient: str,
    *,
    account: str | None = None,
    organisation: str | None = None,
    period: tuple[datetime, datetime] | None = None,
    since: datetime = NOW - timedelta(hours=1),
    until: datetime | None = None,
) -> None:
    """*MinSpærring*."""
    low, high = period or (None, None)
    await connection.execute(_BLOCK, patient, account, organisation, low, high, since, until)


_BLOCK = "INSERT INTO patient_block VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7)"


async def enlist(connection: Any, who: Identity, patient: str, until: datetime) -> None:
    """Put a patient on somebody's list."""
    await connection.execute(
        "INSERT INTO personal_list (account, role, organisation, patient, added, until) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, role, organisation, patient) "
        "DO UPDATE SET until = greatest(personal_list.until, excluded.until)",
        *(who.subject, who.role, who.organisation, patient, NOW - timedelta(days=1), until),
    )
