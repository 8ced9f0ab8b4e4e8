"""WCAG 2.2 AA of what a browser shows, as far as axe can tell."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import pytest

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_ASKED = json.dumps({"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]})
_VIOLATIONS = f"""
async () => (await axe.run(document, {_ASKED})).violations
  .map(({{ id, nodes: [first, ...more] }}) =>
    `${{id}}: ${{first.html}} (and ${{more.length}} more): ${{first.failureSummary}}`)
"""


@cache
def _script() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    return (resources.files(package) / "axe.min.js").read_text("utf-8")


def violations(page: Any) -> list[str]:
    """Of the page as it stands now: each rule with an example, and what is wrong with that. Skips the test
    where there is no axe."""
    page.evaluate(_script())
    found: list[str] = page.evaluate(_VIOLATIONS)
    return found
