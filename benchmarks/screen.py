"""`python -m benchmarks screen`: how fast the clinician's screen is, on a slow PC and a slow line.

A real Altid with 10,000 patients, and Chromium with its CPU slowed six times, on a line of 4 Mbit/s with
40 ms: an old ward PC on a busy network. Each page is fetched with an empty cache (cold) and again (warm).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from altid import sample
from altid.access import accounts
from altid.access.identity import Role
from altid.access.passwords import Passwords
from benchmarks import results, screen_report
from benchmarks.dataset import Dataset
from benchmarks.measure import import_bundles, load
from benchmarks.server import HOST, Server, running

CPU_SLOWED = 6
LINE_BIT_PER_S = 4_000_000
LATENCY_MS = 40
PATIENTS, PATIENTS_QUICK = 10_000, 200
_CHARTS, _CHARTS_QUICK = 100, 20
"""Patients with a whole record, who lie in the wards."""
_SEED = 7
_HOSPITAL = "999000001001"
"""SOR number of the first hospital of the synthetic region."""
_ASKED, _ASKED_QUICK = 150, 20
"""Times that each page is asked for, for the server's time."""
_VISITS, _VISITS_QUICK = 7, 2
"""Times that a browser shows each page, cold and warm."""
_WAIT_MS = 60_000
_PARTS = ("medication", "results", "vitals", "notes", "timeline")
_TIMES = """
() => {
  const page = performance.getEntriesByType("navigation")[0];
  const all = [page, ...performance.getEntriesByType("resource")];
  const painted = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    usable: Math.max(page.domContentLoadedEventEnd, painted?.startTime ?? 0),
    painted: painted?.startTime ?? null,
    loaded: page.loadEventEnd,
    bytes: all.reduce((sum, each) => sum + each.transferSize, 0),
    files: all.length,
  };
}
"""
_WATCH = """
() => {
  window.slowest = 0;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.slowest = Math.max(window.slowest, each.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: false });
}
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks screen", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few patients, few visits: a trial")
    parser.add_argument("--out", type=Path, default=results.FOLDER, help="folder of results")
    options = parser.parse_args(arguments)
    found = results.begun("benchmarks", ["screen", *arguments])
    with running() as server:
        found |= measure(server, quick=options.quick)
    results.write(options.out, "screen-trial" if options.quick else "screen", found)
    if not options.quick:
        for file in screen_report.write(found):
            results.say(f"wrote {file}")
    return 0


def measure(server: Server, *, quick: bool = False) -> dict[str, Any]:
    """All figures of one server."""
    patients, charts = (PATIENTS_QUICK, _CHARTS_QUICK) if quick else (PATIENTS, _CHARTS)
    results.say(f"loading {patients:,} patients, {charts} of them with a whole record")
    import_bundles(server, sample.bundles(patients=charts, seed=_SEED))
    load(server, Dataset(patients - charts, analyses=1, repeats=1), patients_per_bundle=20)
    username, password = asyncio.run(_doctor(server))
    address = f"http://{HOST}:{server.port}"
    with _chromium(address) as new_context:
        context = new_context()
        _log_on(context.new_page(), username, password)
        pages = _pages(context.new_page())
        asked = _ASKED_QUICK if quick else _ASKED
        shown = {name: _server_times(context, path, asked) for name, path in pages.items()}
        cookies, visits = context.cookies(), _VISITS_QUICK if quick else _VISITS
        for name, path in pages.items():
            shown[name] |= _visits(new_context, cookies, path, visits)
            results.say(f"{name:12} {_line(shown[name])}")
        slowest_ms = _interaction(new_context, cookies, pages["overview"])
        results.say(f"slowest answer to a key or click: {slowest_ms:.0f} ms")
    return {
        "server": server.command,
        "patients": patients,
        "cpu_slowed": CPU_SLOWED,
        "line_bit_per_s": LINE_BIT_PER_S,
        "latency_ms": LATENCY_MS,
        "asked": asked,
        "visits": visits,
        "pages": shown,
        "interaction_ms": round(slowest_ms, 1),
    }


def _line(page: dict[str, Any]) -> str:
    return (
        f"server p50 {page['server']['p50_ms']:5.1f} p99 {page['server']['p99_ms']:5.1f} ms   "
        f"cold {page['cold']['usable_ms']:6.0f} ms {page['cold']['bytes'] / 1000:6.1f} kB   "
        f"warm {page['warm']['usable_ms']:6.0f} ms {page['warm']['bytes'] / 1000:6.1f} kB"
    )


async def _doctor(server: Server) -> tuple[str, str]:
    """An account at the hospital whose wards are looked at: name and password."""
    username, password, rng = "bench-doctor", secrets.token_urlsafe(16), random.SystemRandom()
    hashing = Passwords(1, rng)
    connection = await asyncpg.connect(**server.database_arguments)
    try:
        await accounts.add(
            connection,
            username=username,
            name="Bente Holm",
            roles=(Role.DOCTOR,),
            organisations=(_HOSPITAL,),
            password_hash=await hashing.hash(password),
            must_change=False,
            now_s=time.time(),
            rng=rng,
        )
    finally:
        hashing.close()
        await connection.close()
    return username, password


@contextmanager
def _chromium(address: str) -> Iterator[Any]:
    """What makes a browser with an empty cache."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("altid: there is no Chromium here: install it (Debian: apt install chromium).")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])

        def new_context(cookies: Any = ()) -> BrowserContext:
            context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
            context.set_default_timeout(_WAIT_MS)
            context.add_cookies(list(cookies))
            return context

        yield new_context
        browser.close()


def _log_on(page: Page, username: str, password: str) -> None:
    page.goto("/logon")
    page.fill("#username", username)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_selector(".wards a")


def _pages(page: Page) -> dict[str, str]:
    """The pages that are looked at: those of the fullest ward, and of its first patient."""
    page.goto("/")
    wards = page.eval_on_selector_all(".wards a", "all => all.map((one) => one.getAttribute('href'))")
    patients: list[str] = []
    fullest = wards[0]
    for ward in wards:
        page.goto(ward)
        found = page.eval_on_selector_all(
            ".ward tbody th a", "all => all.map((one) => one.getAttribute('href'))"
        )
        if len(found) > len(patients):
            patients, fullest = found, ward
    if not patients:
        raise RuntimeError("No ward has patients.")
    parts = {part: f"{patients[0]}/{part}" for part in _PARTS}
    return {"start": "/", "ward": fullest, "overview": patients[0], **parts}


def _server_times(context: BrowserContext, path: str, times: int) -> dict[str, Any]:
    """As the server says itself, in the header that telemetry reads, too."""
    took = []
    for _ in range(times):
        answer = context.request.get(path)
        assert answer.status == 200, f"a page answered {answer.status}"
        took.append(float(answer.headers["server-timing"].partition("dur=")[2].partition(",")[0]))
    return {"server": {"p50_ms": _percentile(took, 50), "p99_ms": _percentile(took, 99)}}


def _visits(new_context: Any, cookies: Any, path: str, visits: int) -> dict[str, Any]:
    cold, warm = [], []
    for _ in range(visits):
        context = new_context(cookies)
        page = context.new_page()
        _slow_down(context.new_cdp_session(page))
        for kept in (cold, warm):
            page.goto(path, wait_until="load")
            kept.append(page.evaluate(_TIMES))
        context.close()
    return {"cold": _summary(cold), "warm": _summary(warm)}


def _slow_down(session: CDPSession) -> None:
    session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWED})
    line = LINE_BIT_PER_S / 8
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY_MS, "downloadThroughput": line, "uploadThroughput": line},
    )


def _summary(visits: list[dict[str, Any]]) -> dict[str, Any]:
    """The middle of all visits, and the slowest."""
    usable = [each["usable"] for each in visits]
    return {
        "usable_ms": round(_percentile(usable, 50), 1),
        "slowest_ms": round(max(usable), 1),
        "bytes": round(_percentile([each["bytes"] for each in visits], 50)),
        "files": visits[0]["files"],
    }


def _interaction(new_context: Any, cookies: Any, path: str) -> float:
    """The slowest answer to what people do on the page: typing, clicking, folding out. In milliseconds, from
    the key to the next picture (Event Timing); 16 is the least that browsers tell."""
    context = new_context(cookies)
    page = context.new_page()
    _slow_down(context.new_cdp_session(page))
    page.goto(path, wait_until="load")
    page.evaluate(_WATCH)
    page.keyboard.press("/")
    page.keyboard.type("Åkjær Anna")
    for summary in page.query_selector_all("summary")[:5]:
        summary.click()
    for _ in range(10):
        page.keyboard.press("Tab")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
    slowest: float = page.evaluate("window.slowest")
    context.close()
    return max(16.0, slowest)


def _percentile(values: list[float], share: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]
