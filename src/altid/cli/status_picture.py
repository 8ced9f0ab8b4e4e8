"""The region as a picture of characters: two boxes, a witness, the lines between, and how safe a write is.

Words and judgement are those of the status page (`altid.region.page.view`); here they are only drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from altid.cli.canvas import HEAVY, LIGHT, Canvas
from altid.region.page.levels import SIGNS, Level
from altid.region.page.places import Line, Place
from altid.region.page.view import Board, board
from altid.region.page.words import Words

_WIDTH_MAX = 100
"""Wider, and the boxes stand too far apart to be one picture."""

_WIDTH_MIN = 72
"""Narrower, and the places are listed one below the other."""

_GAP = 22
_SITE_ROWS, _WITNESS_ROWS = 7, 4
_STYLES: dict[Level, str] = {
    "good": "green",
    "warn": "yellow",
    "alarm": "bold red",
    "unknown": "magenta",
    "plain": "",
}
_LINE_LEVELS: dict[str, Level] = {"seen": "good", "idle": "warn", "broken": "alarm", "unknown": "unknown"}


def status_picture(status: dict[str, Any], width: int, now: datetime | None = None, events: int = 0) -> Text:
    """The picture of a status (the contract's JSON), at most `width` wide, with the newest `events`."""
    words = Words("en")
    shown, now = board(status, words), now or datetime.now(UTC)
    lines = [*_headline(shown, words), Text()]
    lines += _drawn(shown, min(width, _WIDTH_MAX)) if width >= _WIDTH_MIN else _listed(shown)
    lines += [Text(), *_facts(shown, words, now), *_events(shown, words, events)]
    return Text("\n").join(lines)


def _headline(shown: Board, words: Words) -> Iterable[Text]:
    yield Text(f"{SIGNS[shown.level]} {shown.headline}", f"bold {_STYLES[shown.level]}")
    for warning in shown.warnings:
        yield Text(f"▲ {warning}", _STYLES["warn"])
    yield Text(
        f"Region {shown.region}, asked at {words.clock(shown.asked_at)}, answered in {shown.took_ms:.0f} ms",
        "dim",
    )


def _drawn(shown: Board, width: int) -> list[Text]:
    box = (width - _GAP) // 2
    second_x = width - box
    canvas = Canvas(width, _SITE_ROWS + _WITNESS_ROWS + 1)
    first, second = shown.sites
    _site(canvas, first, 0, box)
    _site(canvas, second, second_x, box)
    between, to_first, to_second = shown.lines
    _between(canvas, between, box, second_x, towards_second=between.to == second.name)
    witness_x, witness_y = (width - 26) // 2, _SITE_ROWS + 1
    _elbow(canvas, to_first, box // 2, witness_x - 1, witness_y + 1)
    _elbow(canvas, to_second, second_x + box // 2, witness_x + 26, witness_y + 1)
    canvas.box(witness_x, witness_y, 26, _WITNESS_ROWS, LIGHT)
    canvas.put(witness_x + 2, witness_y + 1, shown.witness.name, "bold", 12)
    canvas.put_right(witness_x + 24, witness_y + 1, shown.witness.role_text)
    _state(canvas, shown.witness, witness_x + 2, witness_y + 2, 22)
    return canvas.lines()


def _site(canvas: Canvas, place: Place, x: int, width: int) -> None:
    leads = place.role == "leader"
    dead = place.state == "dead"
    canvas.box(x, 0, width, _SITE_ROWS, HEAVY if leads else LIGHT, _STYLES["alarm"] if dead else "")
    room = width - 4
    role = f"★ {place.role_text}" if leads else place.role_text
    canvas.put(x + 2, 1, place.name, "bold", room - len(role) - 1)
    canvas.put_right(x + width - 2, 1, role, "bold black on yellow" if leads else "")
    _state(canvas, place, x + 2, 2, room)
    canvas.put(x + 2, 3, place.lag, "", room)
    canvas.put(x + 2, 4, place.summary, "", room)
    canvas.put(x + 2, 5, place.web, "dim", room)


def _state(canvas: Canvas, place: Place, x: int, y: int, room: int) -> None:
    canvas.put(x, y, f"{SIGNS[place.level]} {place.state_text}", _STYLES[place.level], room)


def _between(canvas: Canvas, line: Line, from_x: int, to_x: int, *, towards_second: bool) -> None:
    style, length = _STYLES[_LINE_LEVELS[line.state]], to_x - from_x
    canvas.put(from_x, 3, _stroke(line.state, length), style)
    if line.to and line.state == "seen":
        canvas.put(to_x - 1 if towards_second else from_x, 3, "▶" if towards_second else "◀", style)
    canvas.put_middle(from_x + length // 2, 2, line.label, "bold", length)
    canvas.put_middle(from_x + length // 2, 4, line.text, style, length)


def _elbow(canvas: Canvas, line: Line, site_x: int, witness_x: int, y: int) -> None:
    """Down from the site's box, then across to the witness' box."""
    style, first_x = _STYLES[_LINE_LEVELS[line.state]], min(site_x, witness_x)
    across = _stroke(line.state, abs(witness_x - site_x))
    canvas.put(first_x + (site_x < witness_x), y, across, style)
    for row in range(_SITE_ROWS, y):
        canvas.put(site_x, row, "│" if line.state in ("seen", "idle") else "╎", style)
    canvas.put(site_x, y, "╰" if site_x < witness_x else "╯", style)
    canvas.put_middle((site_x + witness_x) // 2, y + 1, line.text, style, abs(witness_x - site_x))


def _stroke(state: str, length: int) -> str:
    if state == "seen":
        return "━" * length
    if state == "idle":
        return "─" * length
    sign = " ✕ " if state == "broken" else " ? "
    return ("╌" * length)[: (length - 3) // 2] + sign + ("╌" * length)[: length - 3 - (length - 3) // 2]


def _listed(shown: Board) -> list[Text]:
    """For narrow terminals: the same, one below the other."""
    lines = []
    for place in (*shown.sites, shown.witness):
        mark = "★" if place.role == "leader" else " "
        lines.append(Text(f"{mark} {place.name}  {place.role_text}", "bold"))
        lines.append(Text(f"    {SIGNS[place.level]} {place.state_text}", _STYLES[place.level]))
        lines += [Text(f"    {told}") for told in (place.lag, place.summary, place.web) if told]
    for line in shown.lines:
        ends = "–".join(line.ends)
        lines.append(Text(f"  {ends}  {line.text}  {line.label}".rstrip(), _STYLES[_LINE_LEVELS[line.state]]))
    return lines


def _facts(shown: Board, words: Words, now: datetime) -> Iterable[Text]:
    for fact in shown.facts:
        at = "" if fact.at is None else f", {words.distance(fact.at, now)}"
        sign = f"{SIGNS[fact.level]} " if SIGNS[fact.level] else ""
        yield Text.assemble((f"{fact.label}: ", "dim"), (f"{sign}{fact.text}{at}", _STYLES[fact.level]))


def _events(shown: Board, words: Words, count: int) -> Iterable[Text]:
    for entry in shown.timeline[:count]:
        clock = words.clock(entry.at) if entry.at else ""
        told = f"{SIGNS[entry.level]} {entry.text}".strip()
        yield Text.assemble(
            (f"{clock}  ", "dim"), (f"{entry.place:4} ", "bold"), (told, _STYLES[entry.level])
        )
