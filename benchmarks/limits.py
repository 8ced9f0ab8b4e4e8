"""What the same PostgreSQL does without Altid: `pgbench`, reading and inserting rows of 1 kB one by one.

No record on this database can be faster than that, so the ratio tells what Altid itself costs.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from altid.record.postgres import programs
from altid.record.postgres.account import current
from benchmarks.server import Server

DATABASE = "altid_limits"
ROWS = 50_000

_SETUP = f"""
CREATE TABLE stored (id int PRIMARY KEY, body text NOT NULL);
CREATE TABLE written (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);
INSERT INTO stored SELECT n, repeat(md5(n::text), 31) FROM generate_series(1, {ROWS}) AS n;
"""
_READ = f"\\set id random(1, {ROWS})\nSELECT body FROM stored WHERE id = :id;\n"
_INSERT = "INSERT INTO written (body) VALUES (repeat(md5(random()::text), 31));\n"

_PGBENCH_EXTRA_S_MAX = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """Transactions of one row each."""

    kind: str
    connections: int
    per_second: float
    mean_ms: float
    command: str


def measure(server: Server, connections: list[int], seconds: float) -> list[Limit]:
    """Point reads and inserts at each number of connections, in a database of their own."""
    asyncio.run(_make_database(server))
    try:
        return [
            _pgbench(server, kind, script, count, seconds)
            for kind, script in (("read", _READ), ("insert", _INSERT))
            for count in connections
        ]
    finally:
        asyncio.run(_drop_database(server))


async def _make_database(server: Server) -> None:
    await _drop_database(server)
    await _execute(server.database_arguments, f"CREATE DATABASE {DATABASE}")
    own = server.database_arguments | {"database": DATABASE}
    await _execute(own, _SETUP)
    await _execute(own, "VACUUM ANALYZE stored")


async def _drop_database(server: Server) -> None:
    await _execute(server.database_arguments, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


async def _execute(arguments: dict[str, str], statements: str) -> None:
    connection = await asyncpg.connect(**arguments)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


def _pgbench(server: Server, kind: str, script: str, connections: int, seconds: float) -> Limit:
    whole_seconds = max(1, round(seconds))
    options = ["-n", "-M", "prepared", "-c", str(connections), "-j", str(min(connections, 2))]
    options += ["-T", str(whole_seconds)]
    arguments = server.database_arguments
    place = ["-h", arguments["host"], "-p", arguments["port"], "-U", arguments["user"], DATABASE]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{kind}.sql"
        file.write_text(script)
        result = subprocess.run(
            [str(programs.find(current()).bin / "pgbench"), *options, "-f", str(file), *place],
            capture_output=True,
            text=True,
            check=True,
            timeout=whole_seconds + _PGBENCH_EXTRA_S_MAX,
        )
    per_second, mean_ms = parse(result.stdout)
    return Limit(kind, connections, per_second, mean_ms, f"pgbench {' '.join(options)} -f {kind}.sql")


def parse(output: str) -> tuple[float, float]:
    """Transactions per second and mean latency in ms from what pgbench prints. Raises `ValueError`."""
    per_second = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
    mean_ms = re.search(r"^latency average = ([0-9.]+) ms", output, re.MULTILINE)
    if per_second is None or mean_ms is None:
        raise ValueError("pgbench printed no result.")
    return round(float(per_second[1]), 1), round(float(mean_ms[1]), 3)
