"""What the lookup record is compared with: the live record's page, and a PostgreSQL standby's start."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from altid import sample
from altid.lookup.pages.patient import OVERVIEW
from altid.record.postgres import account, folder, launch, postmaster, programs
from altid.record.visibility import EVERYTHING
from altid.screen.sections import section_html
from altid.screen.words import words
from altid.web.loading import read_chart
from benchmarks import measure, server
from benchmarks.latency import summarize
from benchmarks.lookup_app import asdict_of

_START_S_MAX = 120
_CONFIG = "listen_addresses = ''\nunix_socket_directories = '{folder}'\nport = 5499\nhot_standby = on\n"


def measure_live(patients: int, rounds: int) -> dict[str, Any]:
    """A record with so many patients of the synthetic region: a page of it, and how long a standby takes."""
    with server.running(1) as running:
        measure.import_bundles(running, sample.bundles(patients, 1))
        found = asyncio.run(_pages(running, rounds))
        return found | {"standby": _standby(running)}


async def _pages(running: server.Server, rounds: int) -> dict[str, Any]:
    """The chart read from PostgreSQL, and the same sections made of it, without a network."""
    connection = await asyncpg.connect(**running.database_arguments)
    try:
        rows = await connection.fetch("SELECT id FROM resource WHERE type = 'Patient' ORDER BY id LIMIT 500")
        speaker, charts, pages = words("da"), [], []
        for number in range(rounds):
            began_s = time.perf_counter()
            chart = await read_chart(connection, rows[number % len(rows)]["id"], EVERYTHING)
            charts.append(time.perf_counter() - began_s)
            if chart is None:
                raise RuntimeError("The record has lost a patient.")
            for name, section in OVERVIEW.items():
                section_html(name, section, chart, speaker)
            pages.append(time.perf_counter() - began_s)
    finally:
        await connection.close()
    return {"live_chart": asdict_of(summarize(charts)), "live_patient": asdict_of(summarize(pages))}


def _standby(running: server.Server) -> dict[str, float]:
    """Seconds of a base backup from this machine, and of its start until it can be asked."""
    place = Path(tempfile.mkdtemp(prefix="altid-standby-"))
    place.chmod(0o755)
    data = place / "data"
    owner = account.choose(running.data / "postgres", create=False)
    found = programs.find(owner)
    try:
        shutil.chown(place, owner.name)
        began_s = time.perf_counter()
        source = f"host={running.socket_dir} port={running.socket_port} user={folder.SUPERUSER}"
        command = [str(found.bin / "pg_basebackup"), "-D", str(data), "-R", "-c", "fast", "-d", source]
        command = launch.command(owner, place, command)
        subprocess.run(command, check=True, capture_output=True, env=folder.environment())
        copied_s = time.perf_counter() - began_s
        with (data / "postgresql.conf").open("a") as config:
            config.write(_CONFIG.format(folder=place))
        ready_s = asyncio.run(_start(data, owner, found))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return {"copy_s": round(copied_s, 2), "start_s": round(ready_s, 2)}


async def _start(data: Path, owner: account.Account, found: programs.Programs) -> float:
    began_s = time.perf_counter()
    started = await postmaster.start(data, owner, found, _START_S_MAX)
    ready_s = time.perf_counter() - began_s
    await postmaster.stop(started, _START_S_MAX)
    return ready_s
