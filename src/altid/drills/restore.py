"""The drill `restore`: delete and overwrite badly, kill everything, and bring the record back from backups.

What was there at a moment T is written down as digests. Then half of the drill's registers are deleted with
all their history and the others overwritten, by the superuser's hand; more is written; and every place is
killed. With the whole region dead, the record is restored twice from the backup folder alone: to T, where the
digests must be the same, and to the latest, which shows how much of what was acknowledged the archive had not
got yet. Only registers that the drill made are touched.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from altid.access.programs import Credentials
from altid.drills import checker, evidence, figures
from altid.drills.clients import Client, Endpoint, kept
from altid.drills.history import Kept, Operation
from altid.drills.picture import Moments, latency_picture
from altid.drills.stage import drill_tokens
from altid.record.backup.catalogue import good, read_backups
from altid.record.backup.state import read_state
from altid.record.digest import digests
from altid.record.postgres import PostgresSettings, embedded
from altid.record.postgres import account as accounts
from altid.region import events, faults, layout, passage
from altid.region.addresses import superuser_dsn
from altid.region.backup.ask import ask
from altid.region.backup.folder import backup_folder
from altid.region.backup.newregion import Restored, restore_database
from altid.region.error import RegionError
from altid.region.http import HttpError
from altid.region.layout import Layout
from altid.region.status import Status, gather
from altid.region.topology import Region

ABOUT = "registers are deleted and overwritten, everything is killed, and the record comes back from backups"

_LOAD_S = 4.0
_APART_S = 1.5
"""Between the moment and the bad deletion: more than the clocks' tolerance."""

_RPO_S_MAX = 5.0
"""More than this may not be missing from the archive when everything is lost at once."""

_ARCHIVED_S_MAX = 60.0
_WHOLE_S_MAX = 120.0
_DRAIN_S_MAX = 40.0
_CONNECT_S_MAX = 5.0
_POLL_S = 0.2
_BUFFERS_BYTES = 256 * 1024 * 1024
_VALUE = re.compile(rb'"valueInteger":(\d+)')


@dataclass(frozen=True, slots=True)
class _Moment:
    """What the record held, and when."""

    at: datetime
    below: int
    """The changes of transactions below this count."""

    digests: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Back:
    """A record that was brought back, and how long that took until it answered."""

    restored: Restored
    took_s: float
    digests: dict[str, str]
    held: list[Kept]


async def drill(
    where: Layout, region: Region, seed: int, clients: int, pause_s: float, folder: Path
) -> dict[str, Any]:
    """Run it on the running region; gives the contract's result. Raises `RegionError` if it can't begin."""
    began, start_s = datetime.now(UTC), time.monotonic()
    status = await gather(where, region)
    if status.leader is None or status.durability != "two-sites":
        raise RegionError(f"The region isn't whole, so a drill would prove nothing: {status.summary()}.")
    source = backup_folder(where, region)
    await _have_backup(source)
    tokens = await drill_tokens(where, region)
    early = _clients(region, tokens, seed, clients, f"{folder.name}-a")
    await _load(early, pause_s, _LOAD_S)
    moment = await _note(where, region)
    await asyncio.sleep(_APART_S)
    await _spoil(where, region, [client.register for client in early])
    await _until_archived(source, datetime.now(UTC))
    late = _clients(region, tokens, seed + 1, clients, f"{folder.name}-b")
    killed_s = await _load_and_kill(where, region, late, pause_s)
    try:
        at_moment = await _bring_back(source, where.data / "drill-restored", moment.at, moment.below, early)
        latest = await _bring_back(source, where.data / "drill-latest", None, None, late)
    finally:
        await faults.heal(where, region)
    healed_s = time.monotonic()
    after = await _whole(where, region)
    whole_s = time.monotonic()
    for client in late:
        client.close()
    held = [await _patiently(region, client.register, tokens) for client in late]
    result = _result(seed, moment, at_moment, latest, early, late, held, killed_s, after)
    result |= {"back_s": round(whole_s - healed_s, 2), "began": began.isoformat(timespec="seconds")}
    result |= {"evidence": str(folder)}
    operations = [one for client in (*early, *late) for one in client.operations]
    moments = Moments(start_s, killed_s, healed_s, whole_s, time.monotonic())
    image = latency_picture(f"restore: {ABOUT}", operations, moments)
    timeline = [event for event in events.read(where.events) if event["time"] >= began.isoformat()[:23]]
    evidence.write(folder, result, timeline, operations, held, image)
    found = {"expected": moment.digests, "restored": at_moment.digests}
    (folder / "digests.json").write_text(json.dumps(found, indent=1) + "\n")
    evidence.append(where.data / "drills.jsonl", result)
    passed = result["passed"]
    events.record(
        where.events, status.leader, "drill ended", drill="restore", passed=passed, evidence=str(folder)
    )
    return result


async def _have_backup(source: Path) -> None:
    """An incremental on what there is; the archive makes it a full one if there is nothing."""
    account = await asyncio.to_thread(accounts.choose, source)
    await ask(source, "incremental", account, lambda _line: None)
    newest = good(await asyncio.to_thread(read_backups, source))
    if not newest:
        raise RegionError(f"{source} holds no good backup: `altid backup verify` tells why.")


def _clients(region: Region, tokens: Credentials, seed: int, count: int, run: str) -> list[Client]:
    """Writers of registers of their own, half of them at home at each site."""
    made = []
    for number in range(count):
        home = region.sites[number % 2]
        endpoints = [
            Endpoint(site.name, site.host, port)
            for site in (home, region.other(home))
            for port in site.server_ports
        ]
        register = f"{run}-{number}".replace("Z", "")[-60:]
        made.append(Client(number, register, endpoints, random.Random(f"{seed} {number}"), tokens))
    return made


async def _load(clients: Sequence[Client], pause_s: float, for_s: float) -> None:
    """Let them work for a while, and finish what they are at."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(client.work(stop, pause_s))
        await asyncio.sleep(for_s)
        stop.set()
    for client in clients:
        client.close()


async def _load_and_kill(where: Layout, region: Region, clients: Sequence[Client], pause_s: float) -> float:
    """Let them work, and kill every place in the midst of it; gives when, on the monotonic clock."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(client.work(stop, pause_s)) for client in clients]
    await asyncio.sleep(_LOAD_S)
    killed_s = time.monotonic()
    for place in (region.witness, *region.sites):  # the archive first: it gets no chance to catch up
        await faults.inject(where, region, "site-kill", place.name, None)
    stop.set()
    await asyncio.wait(tasks, timeout=_DRAIN_S_MAX)
    for task in tasks:
        task.cancel()
    return killed_s


async def _note(where: Layout, region: Region) -> _Moment:
    """What the record holds now. The moment comes after all that counts."""
    async with _superuser(where, region) as connection:
        below = int(await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
        found = await digests(connection, below)
        return _Moment(await connection.fetchval("SELECT clock_timestamp()"), below, found)


async def _spoil(where: Layout, region: Region, registers: Sequence[str]) -> None:
    """What a bad script does: half is gone with all its history, the other half says something else."""
    half = len(registers) // 2
    async with _superuser(where, region) as connection, connection.transaction():
        for statement in _DELETE:
            await connection.execute(statement, registers[:half])
        await connection.execute(_OVERWRITE, registers[half:])


_RIDS = "(SELECT rid FROM resource WHERE type = 'Observation' AND id = ANY($1))"
_DELETE = [
    f"DELETE FROM {table} WHERE rid IN {_RIDS}"  # noqa: S608  constants only
    for table in (
        "index_date",
        "index_number",
        "index_quantity",
        "index_string",
        "resource_history",
        "change",
        "resource",
    )
]
_OVERWRITE = """
UPDATE resource SET body = convert_to('},"status":"unknown","code":{"text":"spoilt"}}', 'UTF8')
WHERE type = 'Observation' AND id = ANY($1)
"""


@asynccontextmanager
async def _superuser(where: Layout, region: Region) -> AsyncIterator[asyncpg.Connection]:
    """A session at the leader."""
    secrets = layout.load_secrets(where)
    async with passage.opened(where, region.sites) as at:
        connection = await asyncpg.connect(
            superuser_dsn(secrets, region.sites, at=at), timeout=_CONNECT_S_MAX
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=_CONNECT_S_MAX)


async def _until_archived(source: Path, moment: datetime) -> None:
    end_s = time.monotonic() + _ARCHIVED_S_MAX
    while (until := (await asyncio.to_thread(read_state, source)).archived_until) is None or until < moment:
        if time.monotonic() > end_s:
            raise RegionError(f"The archive does not follow ({until}): see `altid status`.")
        await asyncio.sleep(_POLL_S)


async def _bring_back(
    source: Path, into: Path, moment: datetime | None, below: int | None, clients: Sequence[Client]
) -> _Back:
    """Restore into a folder that is removed again: it holds patients' data, the evidence must not."""
    began_s = time.monotonic()
    try:
        restored = await restore_database(source, into, moment, lambda _line: None)
        async with embedded(into, PostgresSettings(buffers_bytes=_BUFFERS_BYTES)) as cluster:
            connection = await asyncpg.connect(cluster.dsn, timeout=_CONNECT_S_MAX)
            took_s = time.monotonic() - began_s
            try:
                found = await digests(connection, below)
                held = [await _held(connection, client.register) for client in clients]
            finally:
                await connection.close(timeout=_CONNECT_S_MAX)
        return _Back(restored, round(took_s, 1), found, held)
    finally:
        await asyncio.to_thread(shutil.rmtree, into, ignore_errors=True)


async def _held(connection: asyncpg.Connection, register: str) -> Kept:
    """The values of a register's versions, oldest first."""
    rows = await connection.fetch(_VERSIONS, register)
    matches = (_VALUE.search(row["body"] or b"") for row in rows)
    return Kept(register, tuple(int(match[1]) for match in matches if match))


_VERSIONS = """
SELECT v.version, v.body
FROM resource r
JOIN (SELECT rid, version, body FROM resource UNION ALL SELECT rid, version, body FROM resource_history) v
    ON v.rid = r.rid
WHERE r.type = 'Observation' AND r.id = $1
ORDER BY v.version
"""


async def _whole(where: Layout, region: Region) -> Status:
    """Wait until both sites hold every write again, by themselves."""
    end_s = time.monotonic() + _WHOLE_S_MAX
    while True:
        status = await gather(where, region)
        if status.durability == "two-sites" or time.monotonic() > end_s:
            return status
        await asyncio.sleep(_POLL_S)


async def _patiently(region: Region, register: str, tokens: Credentials) -> Kept:
    """What the region itself holds of a register after it has come back."""
    end_s = time.monotonic() + _DRAIN_S_MAX
    while True:
        for site in region.sites:
            for port in site.server_ports:
                try:
                    return await kept(Endpoint(site.name, site.host, port), register, tokens)
                except HttpError:
                    continue
        if time.monotonic() > end_s:
            raise RegionError("No server answers after the drill, so it can't be judged.")
        await asyncio.sleep(_POLL_S)


def _result(
    seed: int,
    moment: _Moment,
    at_moment: _Back,
    latest: _Back,
    early: Sequence[Client],
    late: Sequence[Client],
    held: Sequence[Kept],
    killed_s: float,
    after: Status,
) -> dict[str, Any]:
    """The verdict: T as it was, nothing lost by the region itself, little by the archive."""
    before = [one for client in early for one in client.operations]
    since = [one for client in late for one in client.operations]
    then, now = checker.check(before, at_moment.held), checker.check(since, held)
    lost, rpo_s = _lost(since, latest.held, killed_s)
    same = at_moment.digests == moment.digests
    findings = [*then.examples, *now.examples]
    if not same:
        findings.append("the record that was brought back is not the one that was written down")
    if rpo_s > _RPO_S_MAX:
        findings.append(f"the archive was {rpo_s} s behind, and {_RPO_S_MAX:g} s are allowed")
    if after.durability != "two-sites":
        findings.append(f"after {_WHOLE_S_MAX:.0f} s the region was not whole: {after.summary()}")
    return {
        "drill": "restore",
        "about": ABOUT,
        "seed": seed,
        "passed": then.passed and now.passed and not findings,
        "acknowledged": then.acknowledged + now.acknowledged,
        "missing": then.missing + now.missing,
        "duplicated": then.duplicated + now.duplicated,
        "stale_reads": then.stale_reads + now.stale_reads,
        "two_leaders": then.two_leaders + now.two_leaders,
        "unknown": then.unknown + now.unknown,
        "reads": then.reads + now.reads,
        "rto_s": {"write": at_moment.took_s, "read": at_moment.took_s},
        "rpo_s": rpo_s,
        "measured": {
            "restored to": moment.at.isoformat(timespec="milliseconds"),
            "the same as then": f"{'yes' if same else 'NO'}, {len(moment.digests)} resource types",
            "seconds to unpack, to replay": (
                f"{at_moment.restored.recovered.unpack_s}, {at_moment.restored.recovered.replay_s}"
            ),
            "seconds for the latest": latest.took_s,
            "seconds and writes that the archive lacked when everything was killed": f"{rpo_s}, {lost}",
        },
        "latency_ms": {"write": figures.latency_ms([one for one in since if one.kind == "write"])},
        "clients": len(late),
        "durability_after": after.durability,
        "findings": findings,
    }


def _lost(operations: Sequence[Operation], held: Sequence[Kept], killed_s: float) -> tuple[int, float]:
    """How many writes were acknowledged before the end and are not in the archive; and its last seconds."""
    values = {one.register: set(one.values) for one in held}
    writes = [
        one for one in operations if one.kind == "write" and one.acknowledged and one.ended_s <= killed_s
    ]
    gone = [one for one in writes if one.value not in values.get(one.register, ())]
    first = min((one.ended_s for one in gone), default=killed_s)
    return len(gone), round(killed_s - first, 3)
