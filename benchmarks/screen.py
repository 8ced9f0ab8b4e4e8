"""`python -m benchmarks screen`: how fast the clinician's screen is, on a slow PC and a slow line.

A real Altid with 10,000 patients, one of whom was in hospital twenty times; and Chromium with its CPU slowed
six times, on a line of 4 Mbit/s with 40 ms: an old ward PC on a busy network. Each page is fetched with
an empty cache (cold) and again (warm). A page of React components with the same content is measured the same
way, where npm can fetch them.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

from benchmarks import react_peer, results, screen_data, screen_report
from benchmarks.screen_browser import LINE, Browser, open_browser
from benchmarks.screen_server import Asked, asking
from benchmarks.server import HOST, Server, running

PATIENTS, PATIENTS_QUICK = 10_000, 200
CHARTS, CHARTS_QUICK = 100, 40
"""Patients with a whole record, who lie in the wards."""
ASKED, ASKED_QUICK = 300, 20
"""Times that each page is asked for, for the server's time: so that several tell the slowest of a hundred."""
VISITS, VISITS_QUICK = 5, 2
"""Times that a browser shows each page, cold and warm."""
_TOKEN_S = 3_600.0
"""Of the program that the peer asks as: longer than all takes."""
PARTS = (
    "medication",
    "results",
    "vitals",
    "notes",
    "orders",
    "order",
    "administer",
    "problems",
    "appointments",
    "timeline",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    patients: int = PATIENTS
    charts: int = CHARTS
    asked: int = ASKED
    visits: int = VISITS


QUICK = Effort(PATIENTS_QUICK, CHARTS_QUICK, ASKED_QUICK, VISITS_QUICK)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks screen", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few patients, few visits: a trial")
    parser.add_argument("--out", type=Path, default=results.FOLDER, help="folder of results")
    options = parser.parse_args(arguments)
    found = results.begun("benchmarks", ["screen", *arguments])
    begun_s = time.monotonic()
    with running() as server:
        measured, strips = measure(server, QUICK if options.quick else Effort())
    found |= measured | {"took_s": round(time.monotonic() - begun_s)}
    results.write(options.out, "screen-trial" if options.quick else "screen", found)
    if not options.quick:
        for file in screen_report.write(found, strips):
            results.say(f"wrote {file}")
    return 0


def measure(server: Server, effort: Effort) -> tuple[dict[str, Any], dict[str, bytes]]:
    """All figures of one server, and a picture of each page on its way, as JPEG."""
    results.say(f"loading {effort.patients:,} patients, {effort.charts} of them with a whole record")
    who, token = screen_data.loaded(server, effort.patients, effort.charts), server.token(_TOKEN_S)
    pages: dict[str, dict[str, Any]] = {}
    strips: dict[str, bytes] = {}
    with open_browser(f"http://{HOST}:{server.port}", LINE) as browser:
        browser.log_on(who.username, who.password)
        ward, patients = browser.fullest_ward()
        in_turn, fullest = _paths(ward, patients), _paths(ward, [f"/patient/{screen_data.FULL}"])
        ask = asking(server, browser.cookies())
        for name, paths in in_turn.items():
            pages[name] = {"server": _told(ask(paths, effort.asked))}
            if name not in ("start", "ward"):
                pages[name]["fullest"] = _told(ask(fullest[name], effort.asked))
        as_others = next(each for each in patients if not each.endswith(screen_data.FULL))
        for name, [path] in _paths(ward, [as_others]).items():
            pages[name] |= browser.visits(path, effort.visits)
            strips[name] = browser.strip(path)
            results.say(f"{name:12} {_line(pages[name])}")
        peer, picture = _peer(server, token, browser, as_others, effort.visits)
        strips |= {"react": picture} if picture else {}
    return {
        "server": server.command,
        "patients": effort.patients,
        **dataclasses.asdict(LINE),
        "asked": effort.asked,
        "visits": effort.visits,
        "pages": pages,
        "peer": peer,
    }, strips


def _paths(ward: str, patients: list[str]) -> dict[str, list[str]]:
    """The addresses of each page: of a patient's, those of several."""
    parts = {part: [f"{patient}/{part}" for patient in patients] for part in PARTS}
    return {"start": ["/"], "ward": [ward], "overview": patients, **parts}


def _peer(
    server: Server, token: str, browser: Browser, path: str, visits: int
) -> tuple[dict[str, Any], bytes]:
    """The same overview of React components, and its picture; `skipped` says why there is none."""
    built = react_peer.built()
    if isinstance(built, str):
        results.say(f"React is left out: {built}")
        return {"skipped": built}, b""
    with react_peer.serving(server, token, built) as address:
        peer = browser.at(address)
        shown = peer.visits(path, visits, until=react_peer.READY)
        picture = peer.strip(path)
    results.say(f"{'react':12} {_line(shown)}")
    return shown | {"made_of": react_peer.MADE_OF}, picture


def _told(asked: Asked) -> dict[str, float]:
    return dataclasses.asdict(asked)


def _line(page: dict[str, Any]) -> str:
    asked = (
        f"{name} p50 {told['p50_ms']:5.1f} p99 {told['p99_ms']:5.1f} cpu {told['cpu_ms']:5.1f} ms"
        for name in ("server", "fullest")
        if (told := page.get(name))
    )
    shown = (
        f"{name} {page[name]['usable_ms']:6.0f} ms {page[name]['bytes'] / 1000:6.1f} kB"
        for name in ("cold", "warm")
    )
    return "   ".join([*asked, *shown])
