"""Backups of a real region, through a failover: what was written before and after it comes back as it was at
any moment, and as a region of its own. One story in the order of the tests; each needs those before."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest

from altid.access.keys import KeySet
from altid.access.secret import read_secret_file
from altid.access.settings import AccessSettings
from altid.record.backup.catalogue import Backup, good, read_backups
from altid.record.backup.check import check_log
from altid.record.backup.state import read_state
from altid.record.backup.wal import read_archive
from altid.record.digest import digests
from altid.record.postgres import PostgresSettings, embedded
from altid.record.postgres import account as accounts
from altid.region import faults, layout, passage
from altid.region.addresses import superuser_dsn
from altid.region.backup.ask import ask
from altid.region.backup.folder import backup_folder
from altid.region.backup.newregion import restore_database, restore_region
from altid.region.builtin import builtin_region
from altid.region.error import RegionError
from altid.region.guarding import access_secret
from altid.region.layout import Layout
from altid.region.regionfile import render_region
from altid.region.shutdown import down
from altid.region.startup import up
from altid.region.status import Status, gather
from altid.region.topology import Region
from tests.guards import bearer, token_of

pytestmark = pytest.mark.long

_BACK_S_MAX = 60.0
_ARCHIVED_S_MAX = 30.0
_SETTINGS = PostgresSettings(buffers_bytes=128 * 1024 * 1024)


class _Story:
    """The region, what its record held when, and the region that is made of its backups."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.where, self.again = Layout(base / "data"), Layout(base / "again")
        self.file = base / "region.toml"
        self.file.write_text(render_region(builtin_region(servers=1)))
        self.region: Region
        self.token = ""
        """Of the region that is backed up."""
        self.moments: dict[str, datetime] = {}
        self.digests: dict[str, dict[str, str]] = {}

    @property
    def folder(self) -> Path:
        return backup_folder(self.where, self.region)

    def status(self) -> Status:
        return asyncio.run(gather(self.where, self.region))

    def backups(self) -> list[Backup]:
        return good(read_backups(self.folder))

    def write(self, name: str) -> None:
        """Write a version, at whoever leads; remember the moment after it and what the record held."""

        async def write() -> None:
            async with _leader(self.where, self.region) as connection:
                await connection.execute(_WRITE, f',"status":"{name}"}}'.encode())
                self.digests[name] = await digests(connection)
                self.moments[name] = await connection.fetchval("SELECT clock_timestamp()")

        asyncio.run(write())

    def archived(self) -> bool:
        now = datetime.now(UTC)
        return _eventually(
            lambda: (read_state(self.folder).archived_until or now - timedelta(days=1)) > now, _ARCHIVED_S_MAX
        )

    def restored(self, name: str, moment: datetime | None) -> dict[str, str]:
        """The digests of the record as it is brought back to the moment."""

        async def restore() -> dict[str, str]:
            into = self.base / name
            await restore_database(self.folder, into, moment, lambda _line: None)
            async with embedded(into, _SETTINGS) as cluster:
                connection = await asyncpg.connect(cluster.dsn)
                found = await digests(connection)
                await connection.close()
            return found

        return asyncio.run(restore())


_WRITE = """
SELECT write_resources(ARRAY[ROW('Observation', '1', NULL, 'PUT', $1::bytea, '{}', '{}', '{}', NULL,
                                 '{}', '{}', '{}', '{}')::resource_write])
"""


@asynccontextmanager
async def _leader(where: Layout, region: Region) -> AsyncIterator[asyncpg.Connection]:
    async with passage.opened(where, region.sites) as at:
        dsn = superuser_dsn(layout.load_secrets(where), region.sites, at=at)
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)


def _eventually(holds: Callable[[], bool], s_max: float) -> bool:
    end = time.monotonic() + s_max
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def story() -> Iterator[_Story]:
    base = Path(tempfile.mkdtemp(prefix="altid-backup-"))
    base.chmod(0o755)
    told = _Story(base)
    try:
        yield told
    finally:
        for where in (told.where, told.again):
            if where.marker.is_file():
                asyncio.run(down(where))
        shutil.rmtree(base)


def test_a_new_region_takes_a_full_backup_by_itself(story: _Story) -> None:
    asyncio.run(up(story.where, story.file, lambda _line: None))
    story.region = layout.load_region(story.where)
    assert _eventually(lambda: bool(story.backups()), _BACK_S_MAX)
    assert story.backups()[0].kind == "full"


def test_the_leader_waits_for_the_other_site_and_never_for_the_archive(story: _Story) -> None:
    async def standbys() -> dict[str, str]:
        async with _leader(story.where, story.region) as connection:
            rows = await connection.fetch("SELECT application_name, sync_state FROM pg_stat_replication")
            return {row["application_name"]: row["sync_state"] for row in rows}

    found = asyncio.run(standbys())
    leader = story.status().leader
    assert found["altid_archive"] == "async"
    assert found["B" if leader == "A" else "A"] == "sync"


def test_the_status_tells_how_far_the_archive_is(story: _Story) -> None:
    assert story.archived()
    told = story.status().backup
    assert (told["state"], told["age_s"] < 5, told["last_full"] is not None) == ("streaming", True, True)


def test_an_incremental_backup_is_taken_when_asked_for(story: _Story) -> None:
    story.write("before the failover")
    name = asyncio.run(ask(story.folder, "incremental", accounts.choose(story.folder), lambda _line: None))
    newest = story.backups()[-1]
    assert (newest.name, newest.kind, newest.parent) == (name, "incremental", story.backups()[0].name)


def test_after_a_failover_the_archive_follows_the_new_leader(story: _Story) -> None:
    leader = story.status().leader
    assert leader is not None
    asyncio.run(faults.inject(story.where, story.region, "site-kill", leader, None))
    other = story.region.other(story.region.site(leader)).name
    assert _eventually(lambda: story.status().leader == other, _BACK_S_MAX)
    story.write("after the failover")
    story.write("a bad overwriting")
    assert story.archived()
    assert read_archive(story.folder).histories
    assert check_log(story.folder).whole


def test_a_moment_after_the_failover_comes_back(story: _Story) -> None:
    found = story.restored("after", story.moments["after the failover"])
    assert found == story.digests["after the failover"]
    assert found != story.digests["a bad overwriting"]


def test_the_site_that_comes_back_disturbs_nothing(story: _Story) -> None:
    asyncio.run(faults.heal(story.where, story.region))
    assert _eventually(lambda: story.status().durability == "two-sites", _BACK_S_MAX)
    assert story.archived()
    assert check_log(story.folder).whole


def test_an_incremental_backup_can_stand_on_one_from_before_the_failover(story: _Story) -> None:
    asyncio.run(ask(story.folder, "incremental", accounts.choose(story.folder), lambda _line: None))
    newest = story.backups()[-1]
    assert (newest.kind, newest.timeline) == ("incremental", 2)
    assert story.restored("latest", None) == story.digests["a bad overwriting"]


def test_a_folder_that_is_not_empty_is_refused(story: _Story) -> None:
    with pytest.raises(RegionError, match="is not empty"):
        asyncio.run(restore_database(story.folder, story.base / "latest", None, lambda _line: None))


def test_with_the_secret_that_it_had_the_record_signs_with_the_keys_that_it_had(story: _Story) -> None:
    async def restored() -> set[str]:
        into, secret = story.base / "known", access_secret(layout.load_secrets(story.where), Path("secrets"))
        moment = story.moments["after the failover"]
        await restore_database(story.folder, into, moment, lambda _line: None, secret)
        assert read_secret_file(into / "access.key") == secret
        async with embedded(into, _SETTINGS) as cluster:
            connection = await asyncpg.connect(cluster.dsn)
            key_set = KeySet(AccessSettings(story.region.name), secret, time.time)
            await key_set.refresh(connection)
            await connection.close()
        return {key_set.signing().kid}

    story.token = token_of(story.where.data, "export")
    header = json.loads(base64.urlsafe_b64decode(story.token.partition(".")[0] + "=="))
    assert asyncio.run(restored()) == {header["kid"]}


def test_a_region_is_made_of_the_backups_and_both_sites_hold_it(story: _Story) -> None:
    assert story.archived()
    asyncio.run(down(story.where))
    moment = story.moments["after the failover"]
    asyncio.run(restore_region(story.folder, story.again.data, moment, None, lambda _line: None))
    status = asyncio.run(up(story.again, None, lambda _line: None))
    assert (status.durability, status.leader) == ("two-sites", "A")

    async def held() -> dict[str, str]:
        async with _leader(story.again, story.region) as connection:
            return await digests(connection)

    assert asyncio.run(held()) == story.digests["after the failover"]


def test_its_secrets_are_its_own(story: _Story) -> None:
    before, after = (json.loads(where.secrets_file.read_text()) for where in (story.where, story.again))
    assert not set(before.values()) & set(after.values())


def test_one_logs_on_anew_in_it(story: _Story) -> None:
    site = story.region.sites[0]
    address = f"http://{site.host}:{site.server}/fhir/Observation/1"
    fresh = token_of(story.again.data, "export")
    assert httpx.get(address, headers=bearer(fresh), timeout=10).status_code == 200
    assert httpx.get(address, headers=bearer(story.token), timeout=10).status_code == 401


def test_it_takes_its_own_backups_elsewhere(story: _Story) -> None:
    folder = backup_folder(story.again, story.region)
    assert folder != story.folder
    assert _eventually(lambda: bool(good(read_backups(folder))), _BACK_S_MAX)
