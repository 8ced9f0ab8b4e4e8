"""Take a base backup with pg_basebackup, check it, and only then give it its name."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from altid.record.backup.catalogue import MANIFEST, UNFINISHED, Backup, write_backup
from altid.record.backup.schedule import Due
from altid.record.backup.verify import DamageError, verify
from altid.record.postgres import launch
from altid.record.postgres.account import Account
from altid.record.postgres.error import PostgresError

RATE_MB_PER_S = 64
"""The database that is copied also serves: its disk and line keep most of what they have."""

_BACKUP_S_MAX = 24 * 3600.0
"""At the rate above that is 5 TB. One that takes longer hangs."""

_END_S_MAX = 20.0
_REASON_CHARACTERS_MAX = 300


async def take(
    folder: Path, wish: Due, conninfo: str, source: str, account: Account, bin_folder: Path, work: Path
) -> Backup:
    """Take it from the server of `conninfo`, which holds no password. Raises `PostgresError` with the reason.

    What is unfinished lies under a name of its own and is removed when anything fails. `work` is the folder
    that pg_basebackup runs in.
    """
    started = datetime.now(UTC)
    name = f"{started:%Y%m%dT%H%M%SZ}-{wish.kind}-{secrets.token_hex(2)}"
    partial = folder / "base" / (name + UNFINISHED)
    command = _command(partial, folder, wish, conninfo, bin_folder)
    try:
        await _run(launch.command(account, work, command, tied=True))
        finished = datetime.now(UTC)
        manifest = await asyncio.to_thread(verify, partial)
        backup = Backup(
            name=name,
            kind=wish.kind,
            parent=wish.parent.name if wish.parent else None,
            started=started,
            finished=finished,
            source=source,
            timeline=manifest.timeline,
            first=manifest.first,
            last=manifest.last,
            bytes=sum(path.stat().st_size for path in partial.iterdir()),
        )
        backup = replace(backup, verified=datetime.now(UTC))
        await asyncio.to_thread(_finish, partial, backup, account)
    except DamageError as error:
        raise PostgresError(f"The backup from {source} is damaged: {error}.") from None
    except OSError as error:
        raise PostgresError(f"The backup from {source} cannot be kept: {error.strerror}.") from None
    finally:
        await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
    return backup


def remove(folder: Path, backup: Backup) -> None:
    """Remove a backup: its name first, so that a half-removed one is never taken for whole."""
    path = folder / "base" / backup.name
    gone = path.with_name(path.name + UNFINISHED)
    path.rename(gone)
    shutil.rmtree(gone)


def clear_unfinished(folder: Path) -> None:
    """Remove what an earlier run left half-made."""
    for path in (folder / "base").glob(f"*{UNFINISHED}"):
        shutil.rmtree(path, ignore_errors=True)


def _command(partial: Path, folder: Path, wish: Due, conninfo: str, bin_folder: Path) -> list[str]:
    command = [str(bin_folder / "pg_basebackup"), "--dbname", conninfo, "--no-password"]
    command += ["--pgdata", str(partial), "--format", "tar", "--compress", "client-gzip:1"]
    command += ["--wal-method", "stream", "--checkpoint", "fast", "--max-rate", f"{RATE_MB_PER_S}M"]
    command += ["--manifest-checksums", "SHA256", "--label", "altid"]
    if wish.parent is not None:
        command += ["--incremental", str(folder / "base" / wish.parent.name / MANIFEST)]
    return command


async def _run(command: list[str]) -> None:
    """Run it to its end; ended with this task if that is cancelled."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=program_environment(),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_BACKUP_S_MAX):
            _, said = await process.communicate()
    except TimeoutError:
        raise PostgresError(f"pg_basebackup did not finish within {_BACKUP_S_MAX / 3600:.0f} h.") from None
    finally:
        await end(process)
    if process.returncode != 0:
        lines = said.decode("utf-8", "replace").strip().splitlines() or [f"exit code {process.returncode}"]
        errors = [line for line in lines if "error:" in line or "ERROR" in line]
        raise PostgresError(f"{(errors or lines)[0].strip()[:_REASON_CHARACTERS_MAX]}.")


async def end(process: asyncio.subprocess.Process) -> None:
    """End a program of PostgreSQL if it still runs: it clears up when asked, and is made to if it doesn't."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_END_S_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def program_environment() -> dict[str, str]:
    """Nothing of the caller's but the mark by which a supervisor knows its processes."""
    kept = {name: value for name, value in os.environ.items() if name == "ALTID_PLACE"}
    return {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"} | kept


def _finish(partial: Path, backup: Backup, account: Account) -> None:
    write_backup(partial, backup, account)
    for path in (partial, partial.parent):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    partial.rename(partial.with_name(backup.name))
