"""What happens in the region while a drill runs, told as it happens: from its events, not from the drill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from altid.cli.demoing.narrator import Mark, Narrator
from altid.region.layout import Layout
from altid.region.status import Status, gather
from altid.region.topology import Region

_POLL_S = 0.1
_ASK_S = 0.5

Event = dict[str, Any]


async def narrate(where: Layout, region: Region, narrator: Narrator) -> None:
    """Tell until cancelled."""
    await asyncio.gather(_events(where.events, narrator), _durability(where, region, narrator))


async def _events(path: Path, narrator: Narrator) -> None:
    with await asyncio.to_thread(path.open, "rb") as file:
        file.seek(0, 2)
        rest = b""
        while True:
            *lines, rest = (rest + file.read()).split(b"\n")
            for event in _parsed(lines):
                said = said_of(event)
                if said is not None:
                    mark, text = said
                    narrator.tell(text, mark, datetime.fromisoformat(event["time"]))
            await asyncio.sleep(_POLL_S)


def _parsed(lines: list[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def said_of(event: Event) -> tuple[Mark, str] | None:
    """A mark and a sentence for those events that make the story; None for the rest."""
    place, part = event.get("place"), event.get("part")
    match event.get("event"):
        case "fault injected":
            return "✕", f"the fault {event.get('fault')} is injected at {place}"
        case "place killed":
            return "✕", f"{place} is dead: kill -9 of {event.get('processes')} processes"
        case "decision" if event.get("verdict") == "hand over":
            return "▲", f"{place}'s guardian: {'; '.join(event.get('reasons') or [])}"
        case "handover" if event.get("outcome") == "done":
            return "★", f"{place} has the lead"
        case "fault healed":
            return "…", f"{place} is started again"
        case "place started":
            return " ", f"{place}: its parts start"
        case "part died":
            return "▲", f"{place}: {part} died and is started again"
        case "live":
            return "✓", f"{place} answers as the live record"
    return None


async def _durability(where: Layout, region: Region, narrator: Narrator) -> None:
    """Tell when it changes how safe a write is."""
    before: str = (await gather(where, region)).durability
    while True:
        await asyncio.sleep(_ASK_S)
        status = await gather(where, region)
        if status.durability != before:
            before = status.durability
            narrator.tell(*_safety(status))


def _safety(status: Status) -> tuple[str, Mark]:
    if status.durability == "two-sites":
        return "two sites: every acknowledged write is stored at both", "✓"
    if status.durability == "one-site":
        return f"one site: writes go on, stored at {status.leader} alone", "▲"
    return "no site leads: writes wait", "✕"
