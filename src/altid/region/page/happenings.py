"""What happened, in words: the events of `events.jsonl` as entries of the timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altid.region.page.levels import Level
from altid.region.page.moments import moment_of
from altid.region.page.texts import TEXTS
from altid.region.page.words import Words

_CHARACTERS_MAX = 200
"""A reason longer than this is cut: the file has it whole."""

_LEVELS: dict[str, Level] = {
    "fault injected": "warn",
    "part died": "alarm",
    "part cannot start": "alarm",
    "place killed": "alarm",
    "not live": "warn",
    "live": "good",
    "handover": "warn",
    "server out": "alarm",
    "server back": "good",
    "orders are not registered by any server": "alarm",
    "orders are not registered through the gateway": "alarm",
    "orders not reconciled": "warn",
    "orders are again registered by any server": "good",
    "orders do not leave": "alarm",
    "orders leave again": "good",
    "orders are again registered through the gateway": "good",
}

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    at: datetime | None
    place: str
    text: str
    reason: str
    """As the part that tells it wrote it, in English."""

    level: Level


def entries(events: Sequence[Event], words: Words) -> tuple[Entry, ...]:
    """The events in the order given, each as a line."""
    return tuple(entry(event, words) for event in events)


def entry(event: Event, words: Words) -> Entry:
    """The event in words; one that nobody has words for is shown by its own name."""
    name = str(event.get("event"))
    level = _LEVELS.get(name, "plain")
    if name == "orders reconciled":
        level = _reconciled(event)
    if name == "drill ended":
        level = "good" if event.get("passed") else "alarm"
    return Entry(
        moment_of(event.get("time")),
        _cut(event.get("place") or ""),
        _cut(_said(name, event, words)),
        _cut(_reason(event)),
        level,
    )


def _said(name: str, event: Event, words: Words) -> str:
    key = f"event.{name}"
    if name == "handover":
        key = "event.handover.done" if event.get("outcome") == "done" else "event.handover.refused"
    if key not in TEXTS:
        return name
    data = {
        "fault": event.get("fault"),
        "processes": event.get("processes"),
        "part": words.part(str(event.get("part"))),
        "place": event.get("place"),
        "phase": words.known("phase", str(event.get("phase"))),
        "drill": event.get("drill"),
        "uncertain": event.get("uncertain"),
    }
    return words.text(key, **data)


def _reconciled(event: Event) -> Level:
    if event.get("uncertain") or event.get("differs"):
        return "alarm"
    return "warn" if event.get("unread") else "good"


def _reason(event: Event) -> str:
    reasons = event.get("reasons")
    if isinstance(reasons, list):
        return "; ".join(map(str, reasons))
    return str(event.get("reason") or "")


def _cut(text: object) -> str:
    whole = str(text)
    return whole if len(whole) <= _CHARACTERS_MAX else whole[: _CHARACTERS_MAX - 1] + "…"
