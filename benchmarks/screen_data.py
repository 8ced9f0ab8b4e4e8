"""What the pages are measured with: 10,000 patients, a doctor, and one patient with a very full chart."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from typing import NamedTuple

import asyncpg

from altid import sample
from altid.access import accounts
from altid.access.identity import Role
from altid.access.passwords import Passwords
from benchmarks import full_chart
from benchmarks.dataset import Dataset
from benchmarks.measure import import_bundles, load
from benchmarks.server import Server

_SEED = 7
_HOSPITAL = "999000001001"
"""SOR number of the first hospital of the synthetic region."""
FULL = f"r{_SEED}-p0"
"""The first patient of the region, who lies there."""


class Who(NamedTuple):
    """Whoever looks."""

    username: str
    password: str


def loaded(server: Server, patients: int, charts: int) -> Who:
    """Load the patients, `charts` of them with a whole record, and `FULL` with twenty stays; who looks at
    them. Then the record is counted through, as PostgreSQL does within minutes: it plans by that."""
    import_bundles(server, sample.bundles(patients=charts, seed=_SEED))
    load(server, Dataset(patients - charts, analyses=1, repeats=1), patients_per_bundle=20)
    mine = full_chart.of(FULL, sample.bundles(patients=1, seed=_SEED))
    import_bundles(server, full_chart.before(mine))
    asyncio.run(_analyze(server))
    return asyncio.run(_doctor(server))


async def _analyze(server: Server) -> None:
    connection = await asyncpg.connect(**server.database_arguments)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _doctor(server: Server) -> Who:
    """An account at the hospital whose wards are looked at."""
    who, rng = Who("bench-doctor", secrets.token_urlsafe(16)), random.SystemRandom()
    hashing = Passwords(1, rng)
    connection = await asyncpg.connect(**server.database_arguments)
    try:
        await accounts.add(
            connection,
            username=who.username,
            name="Bente Holm",
            roles=(Role.DOCTOR,),
            organisations=(_HOSPITAL,),
            password_hash=await hashing.hash(who.password),
            must_change=False,
            now_s=time.time(),
            rng=rng,
        )
    finally:
        hashing.close()
        await connection.close()
    return who
