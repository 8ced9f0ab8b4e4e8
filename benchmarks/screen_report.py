"""The report of the screen's speed: docs/screen-speed.md and its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import svg
from benchmarks.screen_goals import COLD_MS_MAX, WARM_MS_MAX, goals, rated

_DOCS = Path(__file__).parents[1] / "docs"
_COLD, _WARM, _GOAL = "#8c8c8c", "#007a53", "#b34700"
_LEFT, _TOP, _WIDTH, _ROW = 130, 100, 620, 44
_BUSY_CORES_MAX = 0.1


def write(found: dict[str, Any], strips: dict[str, bytes]) -> list[Path]:
    """The page, its graph, and a strip of pictures for each page."""
    pictures = _DOCS / "pictures"
    page, drawn = _DOCS / "screen-speed.md", pictures / "screen-speed.svg"
    page.write_text(page_of(found, strips))
    drawn.write_text(draw(found))
    written = [page, drawn]
    for name, picture in strips.items():
        file = pictures / _strip_name(name)
        file.write_bytes(picture)
        written.append(file)
    return written


def draw(found: dict[str, Any]) -> str:
    """For each page two bars, cold and warm, and the line that they should not pass."""
    shown = {name: (page["cold"]["usable_ms"], page["warm"]["usable_ms"]) for name, page in _shown(found)}
    longest = max(COLD_MS_MAX, *(max(both) for both in shown.values()))
    wide = _WIDTH / (longest * 1.1)
    bottom = _TOP + _ROW * len(shown)
    title = "Until a page can be used, on a slow PC and a slow line"
    shapes = [
        svg.text(20, 32, title, 20),
        svg.text(20, 56, _subtitle(found), 13, fill=svg.QUIET),
        svg.text(20, 78, "grey: cold (empty cache); green: warm; dashed: the most that each may take", 13),
    ]
    for number, (name, both) in enumerate(shown.items()):
        y = _TOP + _ROW * number
        shapes.append(svg.text(_LEFT - 10, y + 22, name, 14, "end"))
        for place, (took_ms, colour) in enumerate(zip(both, (_COLD, _WARM), strict=True)):
            shapes.append(svg.bar(_LEFT, y + 2 + 17 * place, took_ms * wide, 15, colour))
            x = _LEFT + took_ms * wide + 6
            shapes.append(svg.text(x, y + 14 + 17 * place, f"{took_ms:.0f} ms", 12))
    for limit_ms in (WARM_MS_MAX, COLD_MS_MAX):
        x = _LEFT + limit_ms * wide
        shapes.append(svg.path([(x, _TOP - 4), (x, bottom)], _GOAL, "4 4"))
        shapes.append(svg.text(x, bottom + 18, f"{limit_ms} ms", 12, "middle", _GOAL))
    told = "; ".join(f"{name} cold {cold:.0f} ms, warm {warm:.0f} ms" for name, (cold, warm) in shown.items())
    return svg.picture(_LEFT + _WIDTH + 80, bottom + 40, title, told, shapes)


def page_of(found: dict[str, Any], strips: dict[str, bytes]) -> str:
    """The page as Markdown."""
    return "\n".join(
        [
            "# How fast the screen is",
            "",
            "Written by `make bench ARGS=screen`; don't edit. Altid, and Chromium slowed to an old PC.",
            "",
            f"- {_subtitle(found)}",
            f"- {found['date']}, {_machine(found['machine'])}; `{found['server']}`, all on one machine",
            f"- {_busy(found)}",
            "- *usable*: all scripts of the page have run and it is painted",
            "- *full chart*: that of a patient who was in hospital twenty times, two thousand resources",
            f"- *server*: as `Server-Timing` says, of {found['asked']} looks one after another, at the "
            "patients of a ward in turn; *processor* is that of Altid and PostgreSQL for one look",
            "",
            "## Goals",
            "",
            "| goal | measured | |",
            "|---|---|---|",
            *(
                f"| {goal.name}: under {goal.most:.0f} {goal.unit} | {goal.value:.0f} {goal.unit} "
                f"| {'kept' if goal.is_kept else '**missed**'} |"
                for goal in goals(found)
            ),
            "",
            "![Until a page can be used, cold and warm](pictures/screen-speed.svg)",
            "",
            *_server(found),
            *_browser(found),
            *_peer(found["peer"], found["pages"]["overview"]),
            *_strips(strips),
        ]
    )


def _server(found: dict[str, Any]) -> list[str]:
    return [
        "## The server",
        "",
        "Milliseconds. What a page reads, `web/needs.py` says.",
        "",
        "| page | p50 | p99 | processor | full chart: p50 | p99 | processor |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {_asked(page['server'])} | {_asked(page.get('fullest'))} |"
            for name, page in _own(found)
        ),
        "",
    ]


def _asked(told: dict[str, float] | None) -> str:
    if told is None:
        return "– | – | –"
    return f"{told['p50_ms']:.1f} | {told['p99_ms']:.1f} | {told['cpu_ms']:.1f}"


def _browser(found: dict[str, Any]) -> list[str]:
    return [
        "## The browser",
        "",
        "As Lighthouse reads a page: first and largest contentful paint (FCP, LCP), total blocking time "
        "(TBT), interaction to next paint (INP: typing, folding out, tabbing), cumulative layout shift "
        "(CLS). The mark is that of web.dev: ● good, ▲ to be better, ■ poor.",
        "",
        *_table("Cold, with an empty cache", found, "cold"),
        *_table("Warm", found, "warm"),
    ]


def _table(title: str, found: dict[str, Any], kind: str) -> list[str]:
    return [
        f"**{title}**",
        "",
        "| page | usable, ms | FCP, ms | LCP, ms | TBT, ms | INP, ms | CLS | kB | requests |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(name, page, page[kind]) for name, page in _shown(found)),
        "",
    ]


def _row(name: str, page: dict[str, Any], visit: dict[str, Any]) -> str:
    measures = {each: visit[f"{each}_ms"] for each in ("fcp", "lcp", "tbt")}
    measures |= {"inp": page["inp_ms"], "cls": visit["cls"]}
    told = " | ".join(rated(each, value) for each, value in measures.items())
    return (
        f"| {name} | {visit['usable_ms']:.0f} | {told} | {visit['bytes'] / 1000:.1f} | {visit['requests']} |"
    )


def _peer(peer: dict[str, Any], own: dict[str, Any]) -> list[str]:
    head = ["## Beside React", ""]
    if "skipped" in peer:
        return [*head, f"Not measured: {peer['skipped']}.", ""]
    return [
        *head,
        f"The same overview of {peer['made_of']}, which asks the same Altid for FHIR; without Altid's "
        "outbox, swing-over and telemetry, and without a logon. It can be used when all parts are shown.",
        "",
        "| overview | usable cold, ms | warm, ms | LCP cold, ms | TBT cold, ms | kB cold | warm | requests |",
        "|---|---|---|---|---|---|---|---|",
        *(
            _beside(name, page["cold"], page["warm"])
            for name, page in (("Altid", own), ("React components", peer))
        ),
        "",
    ]


def _beside(name: str, cold: dict[str, Any], warm: dict[str, Any]) -> str:
    times = " | ".join(
        f"{each:.0f}" for each in (cold["usable_ms"], warm["usable_ms"], cold["lcp_ms"], cold["tbt_ms"])
    )
    sent = f"{cold['bytes'] / 1000:.1f} | {warm['bytes'] / 1000:.1f} | {cold['requests']}"
    return f"| {name} | {times} | {sent} |"


def _strips(strips: dict[str, bytes]) -> list[str]:
    shown = (f"**{name}**\n\n![{name} on its way](pictures/{_strip_name(name)})\n" for name in strips)
    return ["## On their way", "", "What is seen while a page comes, with an empty cache.", "", *shown]


def _strip_name(page: str) -> str:
    return f"screen-speed-{page}.jpg"


def _own(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(found["pages"].items())


def _shown(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The pages, and the peer's behind them."""
    peer = found["peer"]
    return _own(found) + ([] if "skipped" in peer else [("React overview", peer)])


def _subtitle(found: dict[str, Any]) -> str:
    return (
        f"CPU slowed {found['cpu_slowed']} times, {found['line_bit_per_s'] / 1e6:.0f} Mbit/s, "
        f"{found['latency_ms']} ms; {found['patients']:,} patients; middle of {found['visits']} visits"
    )


def _busy(found: dict[str, Any]) -> str:
    busy = max(page["server"]["busy_cores"] for page in found["pages"].values())
    said = "quiet" if busy < _BUSY_CORES_MAX else "**busy, so times are longer than they are**"
    return f"the machine was {said}: up to {busy:.1f} cores had something else to do"


def _machine(told: dict[str, Any]) -> str:
    memory_gb = told["memory_bytes"] / 1e9
    return (
        f"{told['cpu']}, {told['cores']} cores, {memory_gb:.0f} GB; Python {told['python']}, "
        f"PostgreSQL {told['postgresql']}"
    )
