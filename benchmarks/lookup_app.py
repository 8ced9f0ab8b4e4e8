"""One start of the lookup record, in a process of its own on one core: `python -m benchmarks.lookup_app FILE
ROUNDS`. Reads the time of its start from the kernel, and prints its figures as a line of JSON.

The pages are the product's own; at their door is a stand-in that lets everyone in and keeps no looks, since
those have a benchmark of their own (the journal, docs/performance.md).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from starlette.requests import Request

from altid.lookup.app import lookup_app
from altid.lookup.copy import Copy
from altid.lookup.settings import Kind, Settings
from benchmarks.latency import Latency, summarize

KEY = bytes(range(32))


class _Nurse(NamedTuple):
    name: str = "Nanna Sørensen"
    role: str = "nurse"
    place: str = "B12"
    form_token: str = "-"


class _Sight(NamedTuple):
    grounds: str = "bench"
    hidden: tuple[Any, ...] = ()


class _Door:
    def who(self, request: Request) -> _Nurse:
        return _Nurse()

    def breaks_glass(self, person: Any) -> bool:
        return False

    def sight(self, person: Any, patient: str) -> _Sight:
        return _Sight()

    def may_read(self, person: Any, kind: str) -> bool:
        return True

    async def look(self, *_arguments: Any, **_more: Any) -> None:
        """Kept by nobody here."""


async def ask(app: Any, path: str) -> bytes:
    """A GET, without a network."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "https",
        "headers": [(b"host", b"localhost"), (b"accept-language", b"da")],
        "server": ("localhost", 443),
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
    }
    await app(scope, receive, send)
    if sent[0]["status"] != 200:
        raise RuntimeError(f"{path} was answered {sent[0]['status']}")
    return b"".join(message.get("body", b"") for message in sent)


def since_start_s() -> float:
    """How long this process has lived, by the kernel."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def memory_mb() -> float:
    """Resident, of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def timed(app: Any, paths: list[str]) -> Latency | None:
    taken = []
    for path in paths:
        began_s = time.perf_counter()
        await ask(app, path)
        taken.append(time.perf_counter() - began_s)
    return summarize(taken)


async def main(path: Path, first: str, rounds: int) -> dict[str, Any]:
    began_s = time.perf_counter()
    copy = Copy.open(path, KEY)
    opened_s = time.perf_counter() - began_s
    app = lookup_app(copy, _Door(), Settings(path.parent, "Bench", Kind.SITE, "BB"))
    page = await ask(app, f"/patient/{first}")
    found = {
        "open_ms": round(opened_s * 1_000, 1),
        "first_page_s": round(since_start_s(), 3),
        "page_bytes": len(page),
    }
    patients, rng = sorted(copy.patients()), random.Random(7)
    wards = [row.id for row in copy.wards() if row.taken > 1]
    copy.make_beds()
    found["patient"] = asdict_of(
        await timed(app, [f"/patient/{rng.choice(patients)}" for _ in range(rounds)])
    )
    found["ward"] = asdict_of(await timed(app, [f"/ward/{rng.choice(wards)}" for _ in range(rounds)]))
    charts = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        copy.chart(rng.choice(patients))
        charts.append(time.perf_counter() - began_s)
    found["chart"] = asdict_of(summarize(charts))
    found["memory_mb"] = round(memory_mb(), 1)
    copy.close()
    return found


def asdict_of(latency: Latency | None) -> dict[str, float] | None:
    return asdict(latency) if latency else None


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps(asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
