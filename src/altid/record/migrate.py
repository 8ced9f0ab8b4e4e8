"""Bring a database to the newest schema, by numbered SQL files, each once, each in a transaction of its own.

Migrations run online: they add; what would lock a big table for long says `-- no transaction` in its first
line and uses CONCURRENTLY. Two servers that start together take turns by an advisory lock.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

import asyncpg

_LOCK = 0x416C746964  # "Altid"
_NO_TRANSACTION = "-- no transaction"


class MigrationError(Exception):
    """The database's schema is not one that this version of Altid can serve."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step. The digest tells when a step that was already run has been changed since."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All steps that this version knows, in order."""
    folder = resources.files("altid.record") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    steps = [Migration(int(f.name[:4]), f.name[5:-4], f.read_text("utf-8")) for f in files]
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    return steps


async def migrate(dsn: str, *, upto: int | None = None) -> list[Migration]:
    """Run the missing steps and return them. Raises `MigrationError` for a newer or altered schema."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await connection.fetchval("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(_CREATE_TABLE)
        done = {row["number"]: row["digest"] for row in await connection.fetch(_DONE)}
        known = migrations()
        _check(done, known)
        missing = [
            step for step in known if step.number not in done and (upto is None or step.number <= upto)
        ]
        for step in missing:
            await _run(connection, step)
        return missing
    finally:
        await connection.close()


_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    run_at timestamptz NOT NULL DEFAULT now()
)
"""
_DONE = "SELECT number, digest FROM schema_migration"
_RECORD = "INSERT INTO schema_migration (number, name, digest) VALUES ($1, $2, $3)"


def _check(done: dict[int, str], known: list[Migration]) -> None:
    if done and max(done) > known[-1].number:
        raise MigrationError(
            f"The database has schema {max(done)}, this Altid knows {known[-1].number}: "
            "start the newer Altid."
        )
    for step in known:
        if step.number in done and done[step.number] != step.digest:
            raise MigrationError(f"Migration {step.number:04} ({step.name}) was changed after it was run.")


async def _run(connection: asyncpg.Connection, step: Migration) -> None:
    if step.sql.startswith(_NO_TRANSACTION):
        for statement in step.sql.split(";\n"):
            if statement.strip():
                await connection.execute(statement)
        await connection.execute(_RECORD, step.number, step.name, step.digest)
        return
    async with connection.transaction():
        await connection.execute(step.sql)
        await connection.execute(_RECORD, step.number, step.name, step.digest)
