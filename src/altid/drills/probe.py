"""How long a commit takes at the leader's database: one small transaction after the other, measured.

It is measured by a process of its own at the leader's place, as near to PostgreSQL as a server is: the
drill's own is busy with clients.

`python -m altid.drills.probe SECONDS`, with the database's address on standard input; prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any, NamedTuple

import asyncpg

from altid.drills.figures import percentile
from altid.drills.stage import Stage
from altid.region import netns
from altid.region.addresses import monitor_dsn
from altid.region.error import RegionError
from altid.region.layout import load_secrets

_COMMIT = "SELECT pg_logical_emit_message(true, 'altid drill', '')"
"""A transaction that leaves nothing behind and commits like any other: it waits for the standby."""

_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
_COMMIT_S_MAX = 5.0
_START_S_MAX = 10.0


class CommitTime(NamedTuple):
    """Milliseconds, of so many commits."""

    p50: float
    p99: float
    commits: int


async def commit_time(stage: Stage, s: float) -> CommitTime:
    """Commit for so long, by one client. Raises `RegionError` when the leader doesn't answer."""
    told = await _ask(stage, s)
    return CommitTime(told["p50"], told["p99"], told["commits"])


async def clock_ahead_s(stage: Stage) -> float:
    """By how much the leader's database is ahead of this process. Raises `RegionError` as above."""
    clock = (await _ask(stage, 0.0))["clock"]
    if clock is None:
        raise RegionError("The leader's database doesn't tell the time.")
    return round(float(clock) - time.time(), 1)


async def _ask(stage: Stage, s: float) -> dict[str, Any]:
    """Run the probe at the leader's place."""
    inside = netns.entering(netns.load(stage.where.data), stage.leader.name)
    command = [*inside, sys.executable, "-m", "altid.drills.probe", str(s)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    dsn = monitor_dsn(load_secrets(stage.where), stage.leader)
    try:
        async with asyncio.timeout(s + _COMMIT_S_MAX + _START_S_MAX):
            told, _ = await process.communicate(dsn.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise RegionError("The leader's database takes no commit.") from None
    if process.returncode != 0:
        raise RegionError("The leader's database doesn't answer.")
    found: dict[str, Any] = json.loads(told)
    return found


async def _measure(dsn: str, s: float) -> dict[str, Any]:
    session = await asyncpg.connect(dsn, timeout=_COMMIT_S_MAX)
    taken: list[float] = []
    clock = None
    end_s = time.monotonic() + s
    try:
        while (began_s := time.monotonic()) < end_s:
            await session.execute(_COMMIT, timeout=_COMMIT_S_MAX)
            taken.append((time.monotonic() - began_s) * 1000)
        clock = await session.fetchval(_CLOCK, timeout=_COMMIT_S_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        pass  # what was measured until then counts
    finally:
        with suppress(OSError):
            session.terminate()
    return {
        "p50": round(percentile(taken, 0.5) or 0.0, 2),
        "p99": round(percentile(taken, 0.99) or 0.0, 2),
        "commits": len(taken),
        "clock": clock,
    }


def main(s: str) -> int:
    """Measure and print; 1 when the database can't be reached."""
    try:
        taken = asyncio.run(_measure(sys.stdin.read(), float(s)))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return 1
    sys.stdout.write(json.dumps(taken) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
