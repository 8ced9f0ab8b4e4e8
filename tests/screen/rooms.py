"""The rooms that show something to people, and their files: what is checked of all screens alike."""

from __future__ import annotations

from pathlib import Path

import altid.lookup
import altid.screen
import altid.web

SCREEN = Path(altid.screen.__file__).parent
ROOMS = (SCREEN, Path(altid.web.__file__).parent, Path(altid.lookup.__file__).parent)
TEMPLATES = sorted(path for room in ROOMS for path in (room / "templates").rglob("*.html"))
MODULES = sorted(path for room in ROOMS for path in room.rglob("*.py"))
