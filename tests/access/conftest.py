"""Databases of this room's tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from altid.record.postgres import Cluster
from running import make_database
from tests.access.others_providers import install

_EMPTY = """
TRUNCATE
    account, federated_account, passkey, workplace, reentry, session, signing_key, client, spent, invitation
CASCADE
"""


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    """A database of its own, as the application's role sees it."""
    return make_database(postgres)


@pytest.fixture(scope="module")
def shared(postgres: Cluster) -> str:
    """One for the tests of a file."""
    return make_database(postgres)


@pytest.fixture
def fresh(postgres: Cluster, shared: str) -> str:
    """The file's database with nobody in it: much quicker than a new one."""
    name = urlsplit(shared).path.removeprefix("/")

    async def empty() -> None:
        connection = await asyncpg.connect(postgres.dsn_for(postgres.superuser, name))
        try:
            await connection.execute(_EMPTY)
        finally:
            await connection.close()

    asyncio.run(empty())
    return shared


@pytest.fixture(scope="session")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with identity providers that others wrote; skips where it can't be made."""
    folder = tmp_path_factory.mktemp("peers")
    fault = install(folder)
    if fault is not None:
        pytest.skip(f"providers that others wrote: {fault}")
    return folder
