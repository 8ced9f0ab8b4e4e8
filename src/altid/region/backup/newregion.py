"""A region made of a backup: a new one, with an etcd, passwords and certificates of its own.

The database comes to the first site and is the only one that the region may begin with; the other site copies
it when it starts. The region that was backed up is never touched, and the new one's backups go elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from altid.access.folder import prepare
from altid.access.keys import withdraw_all
from altid.access.secret import AccessSecret
from altid.record.backup.catalogue import check_folder
from altid.record.backup.choice import Choice, choose
from altid.record.backup.recover import Recovered, recover
from altid.record.postgres import Cluster
from altid.record.postgres import account as accounts
from altid.record.postgres import programs as postgres_programs
from altid.record.postgres.account import Account
from altid.record.postgres.folder import OWN_CONFIGURATION, RESTORING, cluster_folder, write_owned
from altid.region import layout, patroni, schema
from altid.region.backup.service import REGION_FILE
from altid.region.error import RegionError
from altid.region.layout import Layout, Secrets
from altid.region.regionfile import read_region
from altid.region.topology import Region

_LEFT_BY_RECOVERY = (OWN_CONFIGURATION, "pg_hba.conf", "pg_ident.conf", "postgresql.conf")

_CONNECT_S_MAX = 20.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was made, for people and programs."""

    into: Path
    choice: Choice
    recovered: Recovered
    moved_backups: bool = False
    """Whether the region's own backups go to another folder than the region file says."""


async def restore_database(
    folder: Path, into: Path, moment: datetime | None, tell: Tell, access: AccessSecret | None = None
) -> Restored:
    """Make a data folder for `altid serve`. Raises `RegionError` or `PostgresError`; then nothing is left.

    `access`: the access secret that the record had; without it a new one is made (see `_renew_access`).
    """
    choice, account = await asyncio.to_thread(_begin, folder, into, moment)
    try:
        programs = await asyncio.to_thread(postgres_programs.find, account)

        async def complete(cluster: Cluster) -> None:
            if access is None:
                await _renew_access(cluster.dsn)

        done = await recover(folder, choice, moment, into / RESTORING, account, programs, tell, complete)
        await asyncio.to_thread(prepare, into, account, access)
        await asyncio.to_thread(cluster_folder(into / RESTORING).rename, cluster_folder(into))
    except BaseException:
        await asyncio.to_thread(_clear, into)
        raise
    await asyncio.to_thread(shutil.rmtree, into / RESTORING)
    return Restored(into, choice, done)


async def restore_region(
    folder: Path,
    into: Path,
    moment: datetime | None,
    region_file: Path | None,
    tell: Tell,
    access: AccessSecret | None = None,
) -> Restored:
    """Make a data folder for `altid up`. Raises `RegionError` or `PostgresError`; then nothing is left.

    `access`: the access secret that the record had; without it a new one is made (see `_renew_access`).
    """
    region, own_folder = await asyncio.to_thread(_region, folder, region_file)
    choice, account = await asyncio.to_thread(_begin, folder, into, moment)
    where, secrets = Layout(into), layout.new_secrets()
    if access is not None:
        secrets = replace(secrets, access=access.value.hex())
    try:
        programs = await asyncio.to_thread(postgres_programs.find, account)

        async def complete(cluster: Cluster) -> None:
            await schema.set_passwords(cluster.dsn, secrets)
            if access is None:
                await _renew_access(cluster.dsn)

        done = await recover(folder, choice, moment, into / RESTORING, account, programs, tell, complete)
        await asyncio.to_thread(_hand_over, where, region, secrets, account)
    except BaseException:
        await asyncio.to_thread(_clear, into)
        raise
    return Restored(into, choice, done, own_folder)


async def _renew_access(dsn: str) -> None:
    """The record gets another access secret than it had: its signing keys can't be opened any more, so what
    they have signed is refused. Servers make new ones at their start. Everybody logs on anew, badges are
    given anew, and the audit until now can be verified only with the secret that it was written under."""
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_S_MAX)
    try:
        if await connection.fetchval("SELECT to_regclass('signing_key') IS NOT NULL"):
            await withdraw_all(connection, time.time())
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)


def _region(folder: Path, region_file: Path | None) -> tuple[Region, bool]:
    """The new region; and whether its own backups had to be sent elsewhere than where these are."""
    check_folder(folder)
    region = read_region(region_file or folder / REGION_FILE)
    if not region.backup.folder or Path(region.backup.folder).resolve() != folder.resolve():
        return region, False
    return replace(region, backup=replace(region.backup, folder="")), True


def _begin(folder: Path, into: Path, moment: datetime | None) -> tuple[Choice, Account]:
    """Check what can be checked before anything is made; then make the folder."""
    check_folder(folder)
    choice = choose(folder, moment, datetime.now(UTC))
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise RegionError(f"{into} is not empty: a restore goes into a new folder.")
    if into.resolve().is_relative_to(folder.resolve()):
        raise RegionError(f"{into} lies in the backup folder: a restore goes elsewhere.")
    account = accounts.choose(folder)
    layout.make_folder(into, account)
    layout.make_folder(into / RESTORING, account)
    return choice, account


def _hand_over(where: Layout, region: Region, secrets: Secrets, account: Account) -> None:
    """Give the database to Patroni: at the first site, with this Altid's settings and none of the old."""
    first, work = region.sites[0].name, where.data / RESTORING
    told = {"site": first, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    # Before the marker, which makes it a region: none may be started that begins with an empty database.
    write_owned(where.restored, json.dumps(told) + "\n", account)
    write_owned(where.secrets_file, json.dumps(asdict(secrets)), account)
    for name in _LEFT_BY_RECOVERY:
        (cluster_folder(work) / name).unlink(missing_ok=True)
    cached = json.dumps(patroni.dynamic_configuration())
    write_owned(cluster_folder(work) / "patroni.dynamic.json", cached, account)
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        write_owned(cluster_folder(work) / name, "", account)
    layout.make(where, region, account)
    cluster_folder(work).rename(where.place(first).postgres)
    shutil.rmtree(work)


def _clear(into: Path) -> None:
    """Remove what was made in a folder that was empty before."""
    for path in into.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
