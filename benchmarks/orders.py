"""`python -m benchmarks orders`: from sign to receipt, a plain create beside it, and what the journal costs.

One server process and one PostgreSQL, made for it. Rounds alternate, so that a machine that others use treats
all alike; the overhead is the ratio of the medians of saturated rounds with the journal and without.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from altid.access import keys
from altid.access.guard import SECRET_FILE, GuardSettings
from altid.access.identity import Level, Role
from altid.access.keys import KeySet
from altid.access.secret import AccessSecret
from altid.access.tokens import Subject, issue
from altid.api.settings import FhirSettings
from altid.record.database import Limits
from altid.record.postgres import Cluster
from altid.record.roles import APP_ROLE
from altid.server.app import AppSettings
from altid.server.worker import WorkerSettings, listen
from benchmarks import machine, orders_sites
from benchmarks.orders_load import Found, offered, saturated
from benchmarks.orders_requests import prepare, requests
from benchmarks.starting import database

RATES = (50.0, 500.0)
CONNECTIONS = 32


@contextmanager
def server(cluster: Cluster, guard: GuardSettings, *arguments: str) -> Iterator[tuple[int, int]]:
    """A server process; gives its port and its number."""
    with listen("127.0.0.1", 0) as probe:
        port: int = probe.getsockname()[1]
    dsn = cluster.dsn_for(APP_ROLE)
    settings = WorkerSettings("127.0.0.1", port, AppSettings(dsn, dsn, guard, Limits(), FhirSettings()))
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.orders_app", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(settings.dump() + "\n")
        process.stdin.flush()
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("The server did not start; its last lines say why.")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


async def token(cluster: Cluster, guard: GuardSettings, secret: AccessSecret) -> str:
    """Of a system that may do everything, for an hour."""
    settings = guard.for_access()
    key_set = KeySet(settings, secret, time.time)
    connection = await asyncpg.connect(cluster.dsn_for(APP_ROLE))
    try:
        await keys.maintain(connection, settings, secret, time.time())
        await key_set.refresh(connection)
    finally:
        await connection.close()
    scopes = ("system/*.cruds",)
    subject = Subject("bench", "Bench", Role.SYSTEM, "", Level.HIGH, _session(), scopes)
    rng = random.SystemRandom()
    return issue(subject, key_set.signing(), settings, time.time(), rng, life_s=3600)[0]


def _session() -> str:
    return "00000000-0000-4000-8000-000000000001"


async def measure(folder: Path, seconds: float, warmup_s: float, rounds: int) -> dict[str, Any]:
    """All figures."""
    secret = AccessSecret(os.urandom(32))
    (folder / SECRET_FILE).touch(mode=0o600)
    (folder / SECRET_FILE).write_text(secret.text)
    guard, found = GuardSettings(str(folder)), list[Found]()
    async with database(folder / "postgres") as cluster:
        bearer = await token(cluster, guard, secret)
        with server(cluster, guard) as (port, _):
            await prepare(port, bearer)
            ways = {
                "sign": requests("/orders", bearer),
                "create": requests("/fhir/MedicationRequest", bearer),
            }
            for rate in RATES:
                for name, make in ways.items():
                    found.append(_told(await offered(name, port, make, rate, seconds, warmup_s)))
        with server(cluster, guard) as kept, server(cluster, guard, "--without-journal") as bare:
            for _ in range(rounds):
                for name, at in (("with journal", kept), ("without journal", bare)):
                    found.append(
                        _told(
                            await saturated(name, *at, ways["sign"], CONNECTIONS, seconds / 2, warmup_s / 2)
                        )
                    )
    return {"measurements": found, "journal": _overhead(found)}


def _overhead(found: list[Found]) -> dict[str, float]:
    rates = {
        name: statistics.median(one.answered_per_second for one in found if one.name == name)
        for name in ("with journal", "without journal")
    }
    times_us = {
        name: statistics.median(one.server_us or 0.0 for one in found if one.name == name) for name in rates
    }
    return {
        **rates,
        "overhead": round(1 - rates["with journal"] / rates["without journal"], 3),
        "server_us": times_us["with journal"] - times_us["without journal"],
        "server_share": round(times_us["with journal"] / times_us["without journal"] - 1, 3),
    }


def _told(found: Found) -> Found:
    latency = found.latency
    figures = f"p50 {latency.p50_ms:7.2f}  p99 {latency.p99_ms:7.2f} ms" if latency else "nothing"
    offer = f"{found.offered_per_second:5.0f}/s offered" if found.offered_per_second else " saturated"
    print(
        f"{found.name:16} {offer}  {found.answered_per_second:8,.1f}/s  {figures}  {found.errors} errors"
        + (f"  server {found.server_us:,.0f} µs" if found.server_us else ""),
        flush=True,
    )
    return found


def two_sites(seconds: float, out: Path | None) -> int:
    """Measure on two sites; 2 where this machine can't."""
    if refusal := orders_sites.refusal():
        print(refusal, file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    found = asyncio.run(orders_sites.measure(seconds, seconds / 5))
    worst = max(found, key=lambda one: one.more_ms - one.commit_ms)
    holds = all(one.holds for one in found)
    print(
        f"a receipt costs {'no' if holds else 'MORE'} more than one commit round trip over a plain create: "
        f"at most {worst.more_ms:.2f} ms more where a commit takes {worst.commit_ms:.2f}; "
        f"load before {load:.1f}",
        flush=True,
    )
    if out is not None:
        results = {"compared": orders_sites.told(found), "machine": machine.describe(), "load_before": load}
        out.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if any(one.errors for one in found) or not holds else 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.orders", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of the journal's comparison")
    parser.add_argument("--two-sites", action="store_true", help="on a region of two sites instead")
    parser.add_argument("--out", type=Path, help="file of results")
    options = parser.parse_args(arguments)
    if options.two_sites:
        return two_sites(options.seconds, options.out)
    with tempfile.TemporaryDirectory(prefix="altid-orders-") as folder:
        os.chmod(folder, 0o755)
        load = os.getloadavg()[0]
        results = asyncio.run(measure(Path(folder), options.seconds, options.seconds / 5, options.rounds))
    results |= {"machine": machine.describe(), "load_before": round(load, 2)}
    journal = results["journal"]
    print(
        f"journal: {journal['overhead']:.1%} of throughput, {journal['server_us']:,.0f} µs of the server for "
        f"each order ({journal['server_share']:.1%}); load before {load:.1f}",
        flush=True,
    )
    if options.out is not None:
        options.out.write_text(json.dumps(results, default=dataclasses.asdict, indent=1) + "\n")
    return 1 if any(one.errors for one in results["measurements"]) else 0


if __name__ == "__main__":
    sys.exit(main())
