"""How good or bad something is. Each level has a shape and a word as well: colour alone tells nothing."""

from __future__ import annotations

from typing import Literal

Level = Literal["good", "warn", "alarm", "unknown", "plain"]

SIGNS: dict[Level, str] = {"good": "✓", "warn": "▲", "alarm": "✕", "unknown": "?", "plain": ""}
"""Beside the words, for eyes that see no colours."""

STATE_LEVELS: dict[str, Level] = {"live": "good", "suspect": "warn", "draining": "warn", "dead": "alarm"}
"""The level of each state of a place."""
