"""Bring a record back: unpack the chain, put it together, and let PostgreSQL replay the log up to the moment.

The result is the data folder of `altid serve`: a primary on a timeline of its own. PostgreSQL runs for it
once, reachable by nobody, and is stopped again.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from altid.record.backup.catalogue import MANIFEST
from altid.record.backup.choice import Choice
from altid.record.backup.moment import show
from altid.record.backup.verify import BASE, LOG, DamageError, read_manifest
from altid.record.backup.wal import Segment
from altid.record.postgres import Cluster, PostgresError, PostgresSettings, embedded, launch
from altid.record.postgres.account import Account, reaches
from altid.record.postgres.folder import OWN_CONFIGURATION, cluster_folder, environment, write_owned
from altid.record.postgres.programs import Programs

_STEP_S_MAX = 24 * 3600.0
"""Unpacking or putting together 5 TB; what takes longer hangs."""

_REPLAY_S_MAX = 7 * 24 * 3600.0
"""Replaying the log of a whole backup interval, on a slow disk."""

_TOLD_EVERY_S = 2.0
_CONNECT_S_MAX = 20
_BUFFERS_BYTES = 256 * 1024 * 1024
_FREE_SHARE = 1.1
"""What the base backups unpack to, and a tenth for the log that is replayed."""

_TOO_EARLY = "recovery ended before configured recovery target was reached"
"""PostgreSQL's word when the log has no commit after the moment asked for. If all that was committed
before it is known to be there, then all there is, is right; if not, the log may end before the moment."""

_LEFT_BY_OTHERS = (
    "standby.signal",
    "recovery.signal",
    "postgresql.base.conf",
    "patroni.dynamic.json",
    "postmaster.opts",
    "local.conf",
)
"""Files of whoever ran the cluster that was backed up: how it was reached and whom it followed."""

Tell = Callable[[str], None]
Complete = Callable[[Cluster], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came of it."""

    newest: datetime | None
    """When the newest change of the record was made; None for a record without any."""

    timeline: int
    unpack_s: float
    replay_s: float


async def recover(
    folder: Path,
    choice: Choice,
    moment: datetime | None,
    data: Path,
    account: Account,
    programs: Programs,
    tell: Tell,
    complete: Complete | None = None,
) -> Recovered:
    """Make the data folder `data` (which must be empty) from the backup folder. Raises `PostgresError`.

    `complete` is run on the recovered cluster, before it is stopped.
    """
    await asyncio.to_thread(_check, folder, choice, data, account)
    began_s = time.monotonic()
    await asyncio.to_thread(_unpack, folder, choice, data, account, programs, tell)
    unpacked_s = time.monotonic()
    await asyncio.to_thread(_configure, folder, moment, data, account)
    tell(f"replaying up to {len(choice.segments)} segments of the log")
    settings = PostgresSettings(buffers_bytes=_BUFFERS_BYTES, start_seconds_max=_REPLAY_S_MAX)
    try:
        newest, timeline = await _replay(data, settings, choice, moment, tell, complete)
    except PostgresError as error:
        if moment is None or _TOO_EARLY not in str(error):
            raise
        _check_end(data, choice)
        if not choice.proven or moment > choice.end:
            raise PostgresError(f"The log does not reach {show(moment)}: ask for an earlier one.") from None
        await asyncio.to_thread(_configure, folder, None, data, account)
        newest, timeline = await _replay(data, settings, choice, None, tell, complete)
    return Recovered(
        newest, timeline, round(unpacked_s - began_s, 1), round(time.monotonic() - unpacked_s, 1)
    )


def _check(folder: Path, choice: Choice, data: Path, account: Account) -> None:
    needed = 0
    for backup in choice.chain:
        try:
            needed += int(read_manifest(folder / "base" / backup.name).bytes * _FREE_SHARE)
        except DamageError as error:
            raise PostgresError(f"The backup {backup.name} is damaged: {error}.") from None
    free = shutil.disk_usage(data).free
    if free < needed:
        raise PostgresError(
            f"{data} has {free // 1_000_000} MB free, and {needed // 1_000_000} MB are needed: make room."
        )
    for place in (folder, Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parent):
        if not reaches(account, place):
            raise PostgresError(
                f"The user {account.name}, whom PostgreSQL runs as, cannot reach {place}: move it."
            )


def _unpack(
    folder: Path, choice: Choice, data: Path, account: Account, programs: Programs, tell: Tell
) -> None:
    """Make the cluster's folder from the chain."""
    parts = []
    for number, backup in enumerate(choice.chain, 1):
        tell(f"unpacking {backup.name} ({number} of {len(choice.chain)}, {backup.bytes // 1_000_000} MB)")
        part = data / f"part-{number}"
        _make(part, account)
        _unpack_one(folder / "base" / backup.name, part, account, last=number == len(choice.chain))
        parts.append(part)
    cluster = cluster_folder(data)
    if len(parts) == 1:
        parts[0].rename(cluster)
    else:
        tell("putting full and incremental backups together")
        names = [part.name for part in parts]
        program = [
            str(programs.bin / "pg_combinebackup"),
            "--link",
            "--no-manifest",
            "-o",
            cluster.name,
            *names,
        ]
        _run(account, data, program)
        for part in parts:
            shutil.rmtree(part)
    for name in _LEFT_BY_OTHERS:
        (cluster / name).unlink(missing_ok=True)


def _unpack_one(backup: Path, part: Path, account: Account, *, last: bool) -> None:
    tar = shutil.which("tar", path="/usr/bin:/bin")
    if tar is None:
        raise PostgresError("The program `tar` is missing: install it.")
    _run(account, part, [tar, "-xzf", str(backup / BASE)])
    if last:
        _run(account, part / "pg_wal", [tar, "-xzf", str(backup / LOG)])
    write_owned(part / MANIFEST, (backup / MANIFEST).read_text(), account)


def _configure(folder: Path, moment: datetime | None, data: Path, account: Account) -> None:
    """What PostgreSQL needs to replay the log up to the moment, and then to be a primary."""
    cluster = cluster_folder(data)
    fetch = [sys.executable, "-I", "-m", "altid.record.backup.fetch", str(folder)]
    quoted = shlex.join(fetch).replace("%", "%%") + ' "%f" "%p" ' + shlex.quote(str(_progress(data)))
    settings = {
        "restore_command": quoted,
        "recovery_target_timeline": "latest",
        "recovery_target_action": "promote",
        "hot_standby": "off",  # so that the settings of the machine that was backed up need not fit here
        "archive_mode": "off",
    }
    if moment is not None:
        settings["recovery_target_time"] = moment.isoformat(sep=" ")
    lines = (
        "{} = '{}'\n".format(name, text.replace("\\", "\\\\").replace("'", "''"))
        for name, text in settings.items()
    )
    write_owned(cluster / "postgresql.auto.conf", "".join(lines), account)
    write_owned(cluster / "postgresql.conf", f"include '{OWN_CONFIGURATION}'\n", account)
    write_owned(cluster / OWN_CONFIGURATION, "", account)
    write_owned(cluster / "recovery.signal", "", account)


async def _replay(
    data: Path,
    settings: PostgresSettings,
    choice: Choice,
    moment: datetime | None,
    tell: Tell,
    complete: Complete | None,
) -> tuple[datetime | None, int]:
    _progress(data).unlink(missing_ok=True)
    telling = asyncio.create_task(_tell_progress(data, len(choice.segments), tell))
    try:
        async with embedded(data, settings) as cluster:
            telling.cancel()
            if moment is None:  # with one, PostgreSQL itself refuses to end before it
                _check_end(data, choice)
            newest, timeline = await _look(cluster)
            if complete is not None:
                await complete(cluster)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
    _progress(data).unlink(missing_ok=True)
    (cluster.folder / "postgresql.auto.conf").write_text("")
    return newest, timeline


def _check_end(data: Path, choice: Choice) -> None:
    """Raise `PostgresError` unless recovery was given the log to its end, and not to a missing piece."""
    last, path = choice.segments[-1], _progress(data)
    names = path.read_text().splitlines() if path.exists() else []
    fetched = [segment for segment in map(Segment.of, names) if segment]
    if not fetched or max(fetched) < last:
        raise PostgresError(
            f"The log ended before its last segment, {last.name}: run `altid backup verify`, or try again."
        )


async def _look(cluster: Cluster) -> tuple[datetime | None, int]:
    """The newest change and the timeline of what was recovered."""
    connection = await asyncpg.connect(cluster.dsn, timeout=_CONNECT_S_MAX)
    try:
        timeline = int(await connection.fetchval("SELECT timeline_id FROM pg_control_checkpoint()"))
        try:
            return await connection.fetchval("SELECT max(at) FROM change"), timeline
        except asyncpg.UndefinedTableError:
            return None, timeline
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)


async def _tell_progress(data: Path, segments: int, tell: Tell) -> None:
    """Say now and then how much of the log is replayed."""
    told = 0
    while True:
        await asyncio.sleep(_TOLD_EVERY_S)
        with suppress(OSError):
            done = len({line for line in _progress(data).read_text().splitlines() if "." not in line})
            if done > told:
                tell(f"replayed {done} of at most {segments} segments")
                told = done


def _progress(data: Path) -> Path:
    return cluster_folder(data) / "altid.fetched"


def _make(folder: Path, account: Account) -> None:
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, account.uid, account.gid)


def _run(account: Account, folder: Path, program: list[str]) -> None:
    try:
        result = subprocess.run(  # noqa: S603
            launch.command(account, folder, program),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_STEP_S_MAX,
            check=False,
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        raise PostgresError(
            f"{Path(program[0]).name} did not finish within {_STEP_S_MAX / 3600:.0f} h."
        ) from None
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        errors = [line for line in lines if "error" in line.lower()]
        raise PostgresError(f"{(errors or lines)[0].strip()[:300]}.")
