"""A PostgreSQL that others run: the least that the record needs of it, checked before it is used."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import asyncpg

from altid.record.postgres.error import PostgresError

MAJOR_MIN = 16
"""The oldest version that the record's SQL runs on."""

_CONNECT_SECONDS_MAX = 20
_SCHEMES = ("postgresql", "postgres")


class Outside(NamedTuple):
    """A server that may be used. `dsn` may hold a password; `address` is for people and holds none."""

    dsn: str
    address: str
    version: str
    findings: tuple[str, ...]
    """What is allowed but weakens a promise, a sentence each."""


async def outside(url: str) -> Outside:
    """Check the server at `url`. Raises `PostgresError`, which never quotes the URL's password."""
    address = _address(url)
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS_MAX)
    except (ValueError, asyncpg.InterfaceError):
        raise _unreadable() from None
    except TimeoutError:
        raise PostgresError(
            f"PostgreSQL at {address} gave no answer within {_CONNECT_SECONDS_MAX} s."
        ) from None
    except (OSError, asyncpg.PostgresError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise PostgresError(f"PostgreSQL at {address} cannot be used: {reason}.") from None
    try:
        number = int(await connection.fetchval("SHOW server_version_num"))
        shown = {name: str(await connection.fetchval(f"SHOW {name}")) for name in _SETTINGS}
    finally:
        await connection.close(timeout=_CONNECT_SECONDS_MAX)
    return Outside(url, address, _checked_version(number, address), _checked_settings(shown, address))


_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "server_encoding", "data_checksums")


def _checked_version(number: int, address: str) -> str:
    major, minor = divmod(number, 10_000)
    if major < MAJOR_MIN:
        raise PostgresError(f"PostgreSQL at {address} is version {major}; Altid needs {MAJOR_MIN} or newer.")
    return f"{major}.{minor}"


def _checked_settings(shown: dict[str, str], address: str) -> tuple[str, ...]:
    for name, needed in (("fsync", "on"), ("full_page_writes", "on"), ("server_encoding", "UTF8")):
        if shown[name] != needed:
            raise PostgresError(f"PostgreSQL at {address} has {name} = {shown[name]}: Altid needs {needed}.")
    findings = []
    if shown["synchronous_commit"] == "off":
        findings.append("synchronous_commit is off: a crash may lose the last acknowledged writes.")
    if shown["data_checksums"] != "on":
        findings.append("data_checksums is off: a disk that alters data would go unseen.")
    return tuple(findings)


def _address(url: str) -> str:
    """Host, port and database of the URL, without user and password."""
    try:
        parts: SplitResult = urlsplit(url)
        host, port = parts.hostname or "the local socket", parts.port
    except ValueError:
        raise _unreadable() from None
    if parts.scheme not in _SCHEMES:
        raise _unreadable()
    return f"{host}:{port or 5432}{parts.path}"


def _unreadable() -> PostgresError:
    return PostgresError(
        "The URL of PostgreSQL cannot be read: write it as postgresql://USER@HOST:PORT/DATABASE."
    )
