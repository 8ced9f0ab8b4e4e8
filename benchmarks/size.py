"""How much memory the processes and how much disk the record takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncpg

from benchmarks import processes
from benchmarks.processes import Memory
from benchmarks.server import Server

_RELATIONS_MAX = 12


@dataclass(frozen=True, slots=True)
class Size:
    """The record at one moment. `relations` are the largest tables and indexes, in bytes."""

    resources: int
    database_bytes: int
    empty_database_bytes: int
    relations: dict[str, int]
    server_memory: Memory
    postgres_memory: Memory

    @property
    def bytes_per_resource(self) -> float:
        return (self.database_bytes - self.empty_database_bytes) / self.resources


def database_bytes(server: Server) -> int:
    return asyncio.run(_database_bytes(server))


def take(server: Server, resources: int, empty_database_bytes: int) -> Size:
    """The size now, of a record of `resources` resources; statistics are brought up to date first."""
    asyncio.run(_analyze(server))
    return Size(
        resources,
        asyncio.run(_database_bytes(server)),
        empty_database_bytes,
        asyncio.run(_relations(server)),
        processes.memory(server.own_processes()),
        processes.memory(server.postgres_processes()),
    )


async def _analyze(server: Server) -> None:
    """What autovacuum does within a minute or two, so that each run stands on the same ground."""
    connection = await asyncpg.connect(**server.database_arguments)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _database_bytes(server: Server) -> int:
    connection = await asyncpg.connect(**server.database_arguments)
    try:
        return int(await connection.fetchval("SELECT pg_database_size(current_database())"))
    finally:
        await connection.close()


_LARGEST_RELATIONS = """
SELECT c.relname AS name, pg_relation_size(c.oid) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0)
       AS bytes
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'i') AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
ORDER BY bytes DESC LIMIT $1
"""


async def _relations(server: Server) -> dict[str, int]:
    connection = await asyncpg.connect(**server.database_arguments)
    try:
        rows = await connection.fetch(_LARGEST_RELATIONS, _RELATIONS_MAX)
    finally:
        await connection.close()
    return {row["name"]: row["bytes"] for row in rows}
