"""`python -m benchmarks.feed`: what a copy's first load and its comparison cost the record.

The resources are rows as the record has them (a measurement of a patient each, some 900 bytes), put in by
SQL: what is measured reads them only.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from altid.record import copying, holding
from altid.record.migrate import migrate
from altid.record.postgres import PostgresSettings, embedded

Result = TypeVar("Result")
_PAGE = 1_000
_WITHOUT = "altid-canary-"
_FILL = """
WITH made AS (
    SELECT n, 'p' || n % $1 AS patient FROM generate_series(1, $2::bigint) n)
INSERT INTO resource (rid, type, id, version, last_updated, body, terms, present, refs)
SELECT n, CASE WHEN n <= $1 THEN 'Patient' ELSE 'Observation' END,
       CASE WHEN n <= $1 THEN patient ELSE 'o' || n END, 1,
       timestamptz '2026-01-01' + n * interval '1 s',
       convert_to(',"text":"' || repeat(md5(n::text), 25) || '"}', 'UTF8'), '{}', '{}',
       CASE WHEN n <= $1 THEN '{}' ELSE ARRAY[
           'subject=Patient/' || patient, 'patient=Patient/' || patient, 'encounter=Encounter/e' || n % $1,
           'performer=PractitionerRole/r' || n % 100] END
  FROM made
"""


async def measure(resources: int, patients: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="altid-feed-"))
    try:
        async with embedded(folder, PostgresSettings(buffers_bytes=1024**3)) as cluster:
            dsn = cluster.dsn_for(cluster.superuser, "postgres")
            await migrate(dsn)
            connection = await asyncpg.connect(dsn, server_settings={"jit": "off"})
            try:
                await connection.execute("DROP INDEX resource_terms")
                await connection.execute(_FILL, patients, resources)
                await connection.execute("VACUUM ANALYZE resource")
                await _measure(connection)
            finally:
                await connection.close()
    finally:
        shutil.rmtree(folder)


async def _measure(connection: asyncpg.Connection[Any]) -> None:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        told = await _timed("digests of everything", holding.digests(connection, _WITHOUT))
        print(f"  {sum(group.members for group in told.groups.values())} in {len(told.groups)} groups")
        found = await _timed("one group, whole", holding.members(connection, [7], _WITHOUT))
        print(f"  {len(found)} resources")
        await _timed("sixteen groups", holding.members(connection, list(range(16)), _WITHOUT))
    count = await _timed("all pages of a first load", _load(connection))
    print(f"  {count} resources in pages of {_PAGE}")


async def _load(connection: asyncpg.Connection[Any]) -> int:
    after = count = 0
    while rows := await copying.page(connection, after, _PAGE):
        after, count = rows[-1].number, count + len(rows)
    return count


async def _timed(what: str, work: Awaitable[Result]) -> Result:
    began_s = time.perf_counter()
    result = await work
    print(f"{what}: {time.perf_counter() - began_s:.2f} s")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=1_000_000)
    parser.add_argument("--patients", type=int, default=10_000)
    options = parser.parse_args()
    asyncio.run(measure(options.resources, options.patients))


if __name__ == "__main__":
    main()
