"""The report of the screen's speed: docs/screen-speed.md and its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import svg

_DOCS = Path(__file__).parents[1] / "docs"
COLD_MS_MAX, WARM_MS_MAX, SERVER_MS_MAX = 2_500, 1_000, 50
INTERACTION_MS_MAX, FIRST_BYTES_MAX = 200, 100_000
_COLD, _WARM, _GOAL = "#8c8c8c", "#007a53", "#b34700"
_LEFT, _TOP, _WIDTH, _ROW = 130, 100, 620, 44


def write(found: dict[str, Any]) -> list[Path]:
    """Both files."""
    page, drawn = _DOCS / "screen-speed.md", _DOCS / "pictures" / "screen-speed.svg"
    page.write_text(_page(found))
    drawn.write_text(draw(found))
    return [page, drawn]


def draw(found: dict[str, Any]) -> str:
    """For each page two bars, cold and warm, and the line that they should not pass."""
    pages = found["pages"]
    longest = max(COLD_MS_MAX, *(page["cold"]["usable_ms"] for page in pages.values()))
    wide = _WIDTH / (longest * 1.1)
    bottom = _TOP + _ROW * len(pages)
    title = "Until a page can be used, on a slow PC and a slow line"
    shapes = [
        svg.text(20, 32, title, 20),
        svg.text(20, 56, _subtitle(found), 13, fill=svg.QUIET),
        svg.text(20, 78, "grey: cold (empty cache); green: warm; dashed: the most that each may take", 13),
    ]
    for number, (name, page) in enumerate(pages.items()):
        y = _TOP + _ROW * number
        shapes.append(svg.text(_LEFT - 10, y + 22, name, 14, "end"))
        for place, (kind, colour) in enumerate((("cold", _COLD), ("warm", _WARM))):
            took_ms = page[kind]["usable_ms"]
            shapes.append(svg.bar(_LEFT, y + 2 + 17 * place, took_ms * wide, 15, colour))
            x = _LEFT + took_ms * wide + 6
            shapes.append(svg.text(x, y + 14 + 17 * place, f"{took_ms:.0f} ms", 12))
    for limit_ms in (WARM_MS_MAX, COLD_MS_MAX):
        x = _LEFT + limit_ms * wide
        shapes.append(svg.path([(x, _TOP - 4), (x, bottom)], _GOAL, "4 4"))
        shapes.append(svg.text(x, bottom + 18, f"{limit_ms} ms", 12, "middle", _GOAL))
    told = "; ".join(
        f"{name} cold {page['cold']['usable_ms']:.0f} ms, warm {page['warm']['usable_ms']:.0f} ms"
        for name, page in pages.items()
    )
    return svg.picture(_LEFT + _WIDTH + 80, bottom + 40, title, told, shapes)


def _subtitle(found: dict[str, Any]) -> str:
    return (
        f"CPU slowed {found['cpu_slowed']} times, {found['line_bit_per_s'] / 1e6:.0f} Mbit/s, "
        f"{found['latency_ms']} ms; {found['patients']:,} patients; middle of {found['visits']} visits"
    )


def _page(found: dict[str, Any]) -> str:
    lines = [
        "# How fast the screen is",
        "",
        "Written by `make bench ARGS=screen`; don't edit. A real server, and Chromium slowed to an old PC.",
        "",
        f"- {_subtitle(found)}",
        f"- {found['date']}, {_machine(found['machine'])}; `{found['server']}`, all on one machine",
        "- *usable*: all scripts of the page have run and it is painted",
        f"- *server*: as `Server-Timing` says, of {found['asked']} looks one after another",
        "",
        "![Until a page can be used, cold and warm](pictures/screen-speed.svg)",
        "",
        "| page | cold, ms | warm, ms | cold, kB | warm, kB | server p50, ms | server p99, ms |",
        "|---|---|---|---|---|---|---|",
        *(_row(name, page) for name, page in found["pages"].items()),
        "",
        "| goal | measured | |",
        "|---|---|---|",
        *_goals(found),
        "",
        "The slowest answer to a key or click was looked for on the overview: typing, folding out, tabbing.",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, page: dict[str, Any]) -> str:
    cold, warm, server = page["cold"], page["warm"], page["server"]
    return (
        f"| {name} | {cold['usable_ms']:.0f} | {warm['usable_ms']:.0f} | {cold['bytes'] / 1000:.1f} "
        f"| {warm['bytes'] / 1000:.1f} | {server['p50_ms']:.1f} | {server['p99_ms']:.1f} |"
    )


def _goals(found: dict[str, Any]) -> list[str]:
    pages = found["pages"]
    seen = [pages["ward"], pages["overview"]]
    measured = (
        (
            "ward list and overview usable, cold",
            COLD_MS_MAX,
            max(one["cold"]["usable_ms"] for one in seen),
            "ms",
        ),
        (
            "ward list and overview usable, warm",
            WARM_MS_MAX,
            max(one["warm"]["usable_ms"] for one in seen),
            "ms",
        ),
        ("server p99, any page", SERVER_MS_MAX, max(one["server"]["p99_ms"] for one in pages.values()), "ms"),
        ("slowest answer to a key or click", INTERACTION_MS_MAX, found["interaction_ms"], "ms"),
        (
            "first page with all its files",
            FIRST_BYTES_MAX / 1000,
            pages["start"]["cold"]["bytes"] / 1000,
            "kB",
        ),
    )
    said = {True: "kept", False: "**missed**"}
    return [
        f"| {name}: under {goal:.0f} {unit} | {value:.0f} {unit} | {said[value < goal]} |"
        for name, goal, value, unit in measured
    ]


def _machine(told: dict[str, Any]) -> str:
    memory_gb = told["memory_bytes"] / 1e9
    return (
        f"{told['cpu']}, {told['cores']} cores, {memory_gb:.0f} GB; Python {told['python']}, "
        f"PostgreSQL {told['postgresql']}"
    )
