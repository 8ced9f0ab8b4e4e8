"""What can be checked of the look without eyes: contrast, and that nothing is styled or run inline."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from altid.screen.static import files
from tests.screen.rooms import TEMPLATES

CSS = files("altid.screen")["screen.css"].content.decode()
TOKENS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", CSS))
AAA = 7.0
"""WCAG 2.2, 1.4.6."""

PAIRS = [
    *product(["ink", "ink-quiet"], ["ground", "paper", "stripe"]),
    *product(["link", "alarm"], ["ground", "paper", "stripe"]),
    ("ink", "dead-ground"),
    ("dead", "dead-ground"),
    ("dead", "dead-line"),
    ("alarm", "alarm-ground"),
    ("warn", "warn-ground"),
    ("good", "good-ground"),
    ("brand-ink", "brand"),
    ("paper", "ink"),
    ("line", "band"),
    ("focus", "ink"),
]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definitions)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(text: str, ground: str) -> None:
    light, dark = sorted((luminance(TOKENS[text]), luminance(TOKENS[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= AAA


def test_colours_are_named_once() -> None:
    body = re.sub(r":root \{[^}]*\}", "", CSS)
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", body)) <= {"#ffffff"}


def test_the_sheet_comes_with_the_first_packets() -> None:
    """Fourteen kilobytes fit into what a server sends before it waits for the browser (RFC 6928)."""
    assert len(files("altid.screen")["screen.css"].packed) < 14_000


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_styled_or_run_inline(path: Path) -> None:
    source = path.read_text()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", source) == []
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_escaping_is_never_switched_off(path: Path) -> None:
    assert re.findall(r"\|\s*safe|autoescape", path.read_text()) == []
