"""The region drawn in characters: the leader in sight, the lines as they are, at any width."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from altid.cli.canvas import LIGHT, Canvas
from altid.cli.status_picture import status_picture
from region.pictures import catching_up, cut_off, healthy, leaderless, leaders_site_dead

_NOW = datetime(2026, 11, 22, 8, 12, 19, tzinfo=UTC)
_STATES = [healthy, leaders_site_dead, catching_up, cut_off, leaderless]


def _shown(picture: dict[str, Any], width: int, *, colours: bool = False, events: int = 0) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colours, color_system="standard" if colours else None
    )
    console.print(status_picture(picture, width, _NOW, events))
    return out.getvalue()


@pytest.mark.parametrize("make", _STATES)
@pytest.mark.parametrize("width", [20, 40, 71, 72, 80, 100, 200])
def test_nothing_is_wider_than_the_terminal(make: Callable[[], dict[str, Any]], width: int) -> None:
    assert max(map(len, _shown(make(), width).splitlines())) <= width


@pytest.mark.parametrize("make", _STATES)
@pytest.mark.parametrize("width", [50, 90])
def test_the_leader_and_nobody_else_has_a_star(make: Callable[[], dict[str, Any]], width: int) -> None:
    picture = make()
    assert _shown(picture, width).count("★") == (1 if picture["leader"] else 0)


@pytest.mark.parametrize("width", [50, 90])
def test_durability_is_told_in_words(width: int) -> None:
    assert "✓ Every new order is stored at both sites" in _shown(healthy(), width)
    assert "▲ One site only" in _shown(leaders_site_dead(), width)


def test_the_line_between_the_sites_points_to_the_standby_with_its_lag() -> None:
    lines = _shown(healthy(), 90).splitlines()
    arrow = next(line for line in lines if "▶" in line)
    assert arrow.index("takes all that is new") < arrow.index("▶") < arrow.index("behind")
    assert any("0\u00a0bytes · 4.3 ms" in line and "behind" not in line for line in lines)


def test_a_broken_line_is_crossed_out() -> None:
    shown = _shown(leaders_site_dead(), 90)
    assert "╌ ✕ ╌" in shown
    assert shown.count("broken") == 2


def test_a_dead_site_is_drawn_as_dead_with_the_time_it_was_last_seen() -> None:
    shown = _shown(leaders_site_dead(), 90)
    assert "✕ dead" in shown
    assert "last seen 14 s ago" in shown


def test_without_a_terminal_there_are_no_colours() -> None:
    assert "\x1b" not in _shown(healthy(), 90)
    assert "\x1b" in _shown(healthy(), 90, colours=True)


def test_the_newest_events_are_told_when_they_are_asked_for() -> None:
    assert "answers as the live record" not in _shown(healthy(), 90)
    assert "09:11:40  A    ✓ answers as the live record" in _shown(healthy(), 90, events=3)


def test_long_names_stay_in_their_boxes() -> None:
    picture = healthy()
    for place in (*picture["sites"], picture["witness"]):
        place["name"] = "Rigshospitalet-Glostrup-datarum-2"
    first = next(line for line in _shown(picture, 80).splitlines() if "★ LEADS" in line)
    assert first.count("┃") == 2
    assert len(first) == 80


def test_a_canvas_cuts_what_does_not_fit() -> None:
    canvas = Canvas(6, 3)
    canvas.box(0, 0, 6, 3, LIGHT)
    canvas.put(1, 1, "abcdef", room=4)
    canvas.put(4, 0, "outside")
    assert [line.plain for line in canvas.lines()] == ["╭───ou", "│abc…│", "╰────╯"]
