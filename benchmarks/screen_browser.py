"""A real browser on a slow PC and a slow line: what it shows when, and how soon it answers.

The measures are those of the web (W3C Paint Timing, Largest Contentful Paint, Layout Instability, Long Tasks,
Event Timing), as Lighthouse reads them.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from benchmarks.latency import percentile

_WAIT_MS = 60_000
_QUIET_MS = 400
"""After a page is loaded: what still happens counts, too."""
_STRIP_MS = (300, 600, 900, 1_200, 1_600, 2_500)
"""Moments of the pictures of a page on its way."""
_STRIP_WIDTH, _STRIP_HEIGHT = 304, 214
_KEYS = "Åkjær"

_WATCH = """
() => {
  const seen = { lcp: 0, cls: 0, tasks: [], events: [] };
  window.seen = seen;
  const watch = (type, take, more) => {
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(take));
    observer.observe({ type, buffered: true, ...more });
  };
  watch("largest-contentful-paint", (each) => { seen.lcp = each.startTime; });
  watch("layout-shift", (each) => { if (!each.hadRecentInput) seen.cls += each.value; });
  watch("longtask", (each) => { seen.tasks.push([each.startTime, each.duration]); });
  const answered = (each) => { if (each.interactionId) seen.events.push(each.duration); };
  watch("event", answered, { durationThreshold: 16 });
}
"""
_TIMES = """
() => {
  const page = performance.getEntriesByType("navigation")[0];
  const all = [page, ...performance.getEntriesByType("resource")];
  const fcp = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  const { lcp, cls, tasks } = window.seen;
  return {
    usable: Math.max(page.domContentLoadedEventEnd, fcp, window.usableAt ?? 0),
    fcp, lcp, cls,
    tbt: tasks.filter(([start]) => start >= fcp).reduce((sum, [, took]) => sum + Math.max(0, took - 50), 0),
    bytes: all.reduce((sum, each) => sum + each.transferSize, 0),
    requests: all.length,
  };
}
"""
_USABLE_SINCE = """
(selector) => {
  const look = () => {
    if (!document.querySelector(selector)) requestAnimationFrame(look);
    else requestAnimationFrame(() => { window.usableAt = performance.now(); });
  };
  look();
}
"""


@dataclass(frozen=True, slots=True)
class Slowness:
    """Of the PC and its line."""

    cpu_slowed: int
    line_bit_per_s: int
    latency_ms: int


LINE = Slowness(cpu_slowed=6, line_bit_per_s=4_000_000, latency_ms=40)


@dataclass(frozen=True, slots=True)
class Browser:
    """Chromium, as whoever has logged on with it."""

    chromium: Chromium
    address: str
    slowness: Slowness
    state: list[Any]

    def at(self, address: str) -> Browser:
        """The same at another server, where nobody has logged on."""
        return Browser(self.chromium, address, self.slowness, [])

    def context(self) -> BrowserContext:
        """A browser with an empty cache."""
        made = self.chromium.new_context(base_url=self.address, viewport={"width": 1280, "height": 900})
        made.set_default_timeout(_WAIT_MS)
        made.add_cookies(self.state)
        return made

    def cookies(self) -> str:
        return "; ".join(f"{each['name']}={each['value']}" for each in self.state)

    def log_on(self, username: str, password: str) -> None:
        context = self.context()
        page = context.new_page()
        page.goto("/logon")
        page.fill("#username", username)
        page.fill("#password", password)
        page.keyboard.press("Enter")
        page.wait_for_selector(".wards a")
        self.state[:] = context.cookies()
        context.close()

    def fullest_ward(self) -> tuple[str, list[str]]:
        """Its address, and those of its patients."""
        context = self.context()
        page = context.new_page()
        page.goto("/")
        found = {ward: _patients(page, ward) for ward in _links(page, ".wards a")}
        context.close()
        ward = max(found, key=lambda each: len(found[each]))
        if not found[ward]:
            raise RuntimeError("No ward has patients.")
        return ward, found[ward]

    def visits(self, path: str, count: int, until: str | None = None) -> dict[str, Any]:
        """Cold and warm; and the slowest answer to keys and clicks. `until`: a selector of what is there when
        the page can be used, for one that is made by its scripts."""
        cold, warm, answers = [], [], []
        for number in range(count):
            context = self.context()
            page = context.new_page()
            _slow_down(context.new_cdp_session(page), self.slowness)
            page.add_init_script(f"({_WATCH})()")
            if until is not None:
                page.add_init_script(f"({_USABLE_SINCE})({until!r})")
            for kept in (cold, warm):
                page.goto(path, wait_until="load")
                if until is not None:
                    page.wait_for_selector(until)
                page.wait_for_timeout(_QUIET_MS)
                kept.append(page.evaluate(_TIMES))
            if number < 2:
                answers.append(_slowest_answer(page))
            context.close()
        return {"cold": _summary(cold), "warm": _summary(warm), "inp_ms": max(answers)}

    def strip(self, path: str) -> bytes:
        """Pictures of the page on its way, cold, side by side; as JPEG."""
        context = self.context()
        page = context.new_page()
        session = context.new_cdp_session(page)
        _slow_down(session, self.slowness)
        frames: list[tuple[float, str]] = []

        def taken(frame: dict[str, Any]) -> None:
            frames.append((frame["metadata"]["timestamp"] * 1_000, frame["data"]))
            session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

        session.on("Page.screencastFrame", taken)
        session.send("Page.startScreencast", {"format": "jpeg", "quality": 60, "maxWidth": 640})
        page.goto(path, wait_until="load")
        page.wait_for_timeout(_STRIP_MS[-1] - 1_000)
        begun_ms: float = page.evaluate("performance.timeOrigin")
        session.send("Page.stopScreencast")
        context.close()
        return self._side_by_side([(at - begun_ms, data) for at, data in frames])

    def _side_by_side(self, frames: list[tuple[float, str]]) -> bytes:
        shown = []
        for moment in _STRIP_MS:
            there = [data for at, data in frames if 0 <= at <= moment]
            picture = f'<img src="data:image/jpeg;base64,{there[-1]}">' if there else "<i></i>"
            shown.append(f"<figure>{picture}<figcaption>{moment / 1_000:.1f} s</figcaption></figure>")
        context = self.chromium.new_context(
            viewport={"width": len(shown) * (_STRIP_WIDTH + 8) + 8, "height": _STRIP_HEIGHT + 34}
        )
        page = context.new_page()
        page.set_content(_STRIP_STYLE + "".join(shown))
        session = context.new_cdp_session(page)
        taken = session.send("Page.captureScreenshot", {"format": "jpeg", "quality": 72})
        context.close()
        return base64.b64decode(taken["data"])


_STRIP_STYLE = f"""<style>
body {{ margin: 4px; display: flex; background: white; font: 13px Helvetica, Arial, sans-serif }}
figure {{ margin: 4px; text-align: center }}
img, i {{ display: block; width: {_STRIP_WIDTH}px; height: {_STRIP_HEIGHT}px; border: 1px solid #d9d9d9;
  box-sizing: border-box; object-fit: cover; object-position: top left }}
</style>"""


@contextmanager
def open_browser(address: str, slowness: Slowness) -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise SystemExit("altid: there is no Chromium here: install it (Debian: apt install chromium).")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield Browser(chromium, address, slowness, [])
        chromium.close()


def _patients(page: Page, ward: str) -> list[str]:
    page.goto(ward)
    return _links(page, ".ward tbody th a")


def _links(page: Page, selector: str) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        selector, "all => all.map((one) => one.getAttribute('href'))"
    )
    return found


def _slow_down(session: CDPSession, slowness: Slowness) -> None:
    session.send("Emulation.setCPUThrottlingRate", {"rate": slowness.cpu_slowed})
    line = slowness.line_bit_per_s / 8
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": slowness.latency_ms,
            "downloadThroughput": line,
            "uploadThroughput": line,
        },
    )


def _slowest_answer(page: Page) -> float:
    """To what people do on a page: typing, folding out, tabbing. In milliseconds, from the key to the next
    picture (Interaction to Next Paint); 16 is the least that browsers tell."""
    page.evaluate("() => { window.seen.events.length = 0; }")
    field = page.query_selector("input[type=search], main input[type=text], input")
    if field and field.is_visible():
        field.focus()
        page.keyboard.type(_KEYS)
    for summary in page.query_selector_all("summary")[:3]:
        if summary.is_visible():
            summary.click()
    for _ in range(8):
        page.keyboard.press("Tab")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))")
    answers: list[float] = page.evaluate("window.seen.events")
    return max(16.0, *answers) if answers else 16.0


def _summary(visits: list[dict[str, Any]]) -> dict[str, Any]:
    """The middle of all visits, and the slowest."""

    def middle(name: str, digits: int = 1) -> float:
        return round(percentile(sorted(each[name] for each in visits), 50), digits)

    return {
        **{f"{name}_ms": middle(name) for name in ("usable", "fcp", "lcp", "tbt")},
        "slowest_ms": round(max(each["usable"] for each in visits), 1),
        "cls": middle("cls", 3),
        "bytes": int(middle("bytes", 0)),
        "requests": int(middle("requests", 0)),
    }
