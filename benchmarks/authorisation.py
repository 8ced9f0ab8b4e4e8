"""`python -m benchmarks.authorisation`: what it adds to a read and a search that it matters who asks.

Three servers of one process each stand on the same PostgreSQL: the product's own, the same without the
audit, and the same without any guard. They are asked the same, turn by turn, by doctors of a hospital of
500 patients; what matters is the ratio of turns that follow each other, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg

from altid.access.folder import prepare
from altid.access.guard import SECRET_FILE, GuardSettings
from altid.access.keys import KeySet
from altid.access.secret import read_secret_file
from altid.fhir import json
from altid.record.postgres import Cluster
from altid.record.postgres.account import current
from altid.record.roles import APP_ROLE
from benchmarks import authorisation_parts, processes, results, ward, workloads
from benchmarks.authorisation_app import VARIANTS
from benchmarks.dataset import Dataset
from benchmarks.load import Plan, Workload, run
from benchmarks.results import Results
from benchmarks.starting import HOST, Started, database, started
from benchmarks.workloads import Source, Transaction

PATIENTS, DOCTORS = 500, 50
BARE, WHOLE = "no guard", "whole"
_CALM_CORES, _LOOK_S, _CALM_S_MAX = 0.05, 0.3, 20.0
"""A server has finished when it uses so little of a core."""


@dataclass(frozen=True, slots=True)
class Effort:
    rounds: int = 13
    """Many short ones: what else the machine does is then much the same for turns that follow each other."""
    seconds: float = 0.8
    warmup_s: float = 0.2
    connections: tuple[int, ...] = (1, 8)


QUICK = Effort(rounds=3)


@dataclass(frozen=True, slots=True)
class Turn:
    """One server's figures in one round."""

    per_second: float
    p50_ms: float
    p99_ms: float
    server_us: float
    """Processor time of the server's process for one request, with what it does afterwards (bringing the
    events into the table)."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Of all rounds."""

    median: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One kind of work at so many connections; by variant. What is added is in % of "no guard", round by
    round."""

    work: str
    connections: int
    per_second: dict[str, Spread]
    p50_ms: dict[str, Spread]
    p99_ms: dict[str, Spread]
    server_us: dict[str, Spread]
    added_percent: dict[str, Spread]
    """To the time of a request: by throughput at several connections, by the median latency at one."""
    added_cpu_percent: dict[str, Spread]
    errors: int


@dataclass(frozen=True, slots=True)
class _Stage:
    """Everything that is measured, running."""

    servers: dict[str, Started]
    data: Dataset
    tokens: list[str]


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.authorisation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short measurements: a trial")
    parser.add_argument("--rounds", type=int, help="of each comparison")
    parser.add_argument("--out", type=Path, default=results.FOLDER, help="folder of results")
    options = parser.parse_args()
    effort = QUICK if options.quick else Effort()
    if options.rounds:
        effort = Effort(options.rounds, effort.seconds, effort.warmup_s, effort.connections)
    found = results.begun("benchmarks.authorisation", sys.argv[1:]) | measure(effort)
    results.write(options.out, "authorisation-trial" if options.quick else "authorisation", found)
    return 1 if has_errors(found) else 0


def has_errors(found: Results) -> bool:
    return any(comparison["errors"] for comparison in found.get("comparisons", []))


def measure(effort: Effort) -> Results:
    """All comparisons, and the parts alone."""
    folder = Path(tempfile.mkdtemp(prefix="altid-authorisation-"))
    folder.chmod(0o755)  # started by root, PostgreSQL runs as another user
    try:
        parts = authorisation_parts.measure(folder)
        results.say(f"parts: {asdict(parts)}")
        comparisons = asyncio.run(_compared(folder, effort))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "patients": PATIENTS,
        "doctors": DOCTORS,
        "rounds": effort.rounds,
        "seconds": effort.seconds,
        "parts": asdict(parts),
        "comparisons": [asdict(found) for found in comparisons],
    }


async def _compared(folder: Path, effort: Effort) -> list[Comparison]:
    async with database(folder / "data") as cluster:
        # What follows waits for other processes, PostgreSQL's supervisor goes on meanwhile.
        return await asyncio.to_thread(_compare_all, cluster, folder, effort)


def _compare_all(cluster: Cluster, folder: Path, effort: Effort) -> list[Comparison]:
    guard = GuardSettings(str(folder / "guard"))
    Path(guard.folder).mkdir()
    prepare(Path(guard.folder), current())
    dsn = cluster.dsn_for(APP_ROLE)
    with ExitStack() as stack:
        servers = {}
        for variant in VARIANTS:
            settings = {"variant": variant, "dsn": dsn, "guard": asdict(guard)}
            servers[variant] = stack.enter_context(
                started("benchmarks.authorisation_app", settings, "/health/ready")
            )
        tokens, loader = asyncio.run(_tokens(dsn, guard))
        stage = _Stage(servers, Dataset(PATIENTS), tokens)
        _load(stage, loader)
        asyncio.run(_analyse(cluster.dsn))
        return [
            _compare(stage, work, connections, effort)
            for work in ward.WORK
            for connections in effort.connections
        ]


async def _tokens(dsn: str, guard: GuardSettings) -> tuple[list[str], str]:
    """Of the doctors, and of whoever loads."""
    settings = guard.for_access()
    key_set = KeySet(settings, read_secret_file(Path(guard.folder) / SECRET_FILE), time.time)
    connection = await asyncpg.connect(dsn)
    try:
        await key_set.refresh(connection)
    finally:
        await connection.close()
    now_s = time.time()
    return ward.doctors(key_set, settings, DOCTORS, now_s), ward.loader(key_set, settings, now_s)


async def _analyse(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _load(stage: _Stage, token: str) -> None:
    server = stage.servers[WHOLE]
    outcome = run(Plan(functools.partial(_loading, server.host_header, token), HOST, server.port, 4, 600, 0))
    if outcome.errors:
        raise RuntimeError(f"The load failed: {outcome.findings}")


def _loading(host: str, token: str) -> Workload:
    def bundles() -> Iterator[Transaction]:
        for bundle in (*Dataset(PATIENTS).bundles(), ward.bundle(PATIENTS)):
            yield Transaction(json.dumps(bundle), len(bundle["entry"]))

    return workloads.transactions(Source(Dataset(0), host, random.Random(0), token=token), bundles())


def _compare(stage: _Stage, work: str, connections: int, effort: Effort) -> Comparison:
    turns: dict[str, list[Turn]] = {variant: [] for variant in VARIANTS}
    order, errors = list(VARIANTS), 0
    for number in range(effort.rounds):
        for variant in order:
            turn, faults = _turn(stage, variant, work, connections, effort, number)
            turns[variant].append(turn)
            errors += faults
        order = order[1:] + order[:1]  # nobody is always the first, or always after the same
    found = _comparison(work, connections, turns, errors)
    _show(found)
    return found


def _turn(
    stage: _Stage, variant: str, work: str, connections: int, effort: Effort, number: int
) -> tuple[Turn, int]:
    server = stage.servers[variant]
    make = functools.partial(_asking, work, stage.data, server.host_header, stage.tokens, number)
    before_s = processes.cpu_seconds([server.pid])
    outcome = run(Plan(make, HOST, server.port, connections, effort.seconds, effort.warmup_s))
    _wait_until_calm(server)
    used_s = processes.cpu_seconds([server.pid]) - before_s
    latency = outcome.latency
    if latency is None:
        raise RuntimeError(f"Nothing was answered: {outcome.findings}")
    for finding in outcome.findings:
        results.say(f"  WRONG ({variant}): {finding}")
    turn = Turn(
        outcome.per_second, latency.p50_ms, latency.p99_ms, round(used_s / max(outcome.sent, 1) * 1e6, 1)
    )
    return turn, outcome.errors


def _asking(work: str, data: Dataset, host: str, tokens: list[str], seed: int) -> Workload:
    return ward.asked(work, Source(data, host, random.Random(seed)), tokens)


def _wait_until_calm(server: Started) -> None:
    """Until it has brought its events into the table: the next one's turn must not pay for them."""
    until = time.monotonic() + _CALM_S_MAX
    while time.monotonic() < until:
        before_s = processes.cpu_seconds([server.pid])
        time.sleep(_LOOK_S)
        if processes.cpu_seconds([server.pid]) - before_s <= _CALM_CORES * _LOOK_S:
            return


def _comparison(work: str, connections: int, turns: dict[str, list[Turn]], errors: int) -> Comparison:
    def spread(name: str) -> dict[str, Spread]:
        return {variant: spread_of([getattr(turn, name) for turn in some]) for variant, some in turns.items()}

    def added(name: str, *, inverse: bool = False) -> dict[str, Spread]:
        bare = [getattr(turn, name) for turn in turns[BARE]]
        return {
            variant: spread_of(added_percent([getattr(turn, name) for turn in some], bare, inverse=inverse))
            for variant, some in turns.items()
            if variant != BARE
        }

    return Comparison(
        work=work,
        connections=connections,
        per_second=spread("per_second"),
        p50_ms=spread("p50_ms"),
        p99_ms=spread("p99_ms"),
        server_us=spread("server_us"),
        added_percent=added("p50_ms") if connections == 1 else added("per_second", inverse=True),
        added_cpu_percent=added("server_us"),
        errors=errors,
    )


def added_percent(values: Sequence[float], bare: Sequence[float], *, inverse: bool = False) -> list[float]:
    """How much more each value is than the bare one of its round. `inverse`: they are rates, of which less
    is more time."""
    pairs = zip(values, bare, strict=True)
    return [round(100 * ((b / v if inverse else v / b) - 1), 1) for v, b in pairs]


def spread_of(values: Sequence[float]) -> Spread:
    return Spread(round(statistics.median(values), 3), min(values), max(values))


def _show(found: Comparison) -> None:
    results.say(f"{found.work}, {found.connections} connections")
    for variant in found.per_second:
        words = (
            f"  {variant:9} {found.per_second[variant].median:8,.0f}/s  "
            f"p50 {found.p50_ms[variant].median:6.2f}  p99 {found.p99_ms[variant].median:6.2f} ms  "
            f"server {found.server_us[variant].median:6,.0f} µs"
        )
        if variant in found.added_percent:
            time_, cpu = found.added_percent[variant], found.added_cpu_percent[variant]
            words += (
                f"  adds {time_.median:5.1f} % ({time_.min} to {time_.max}), "
                f"of processor time {cpu.median:5.1f} % ({cpu.min} to {cpu.max})"
            )
        results.say(words)


if __name__ == "__main__":
    sys.exit(main())
