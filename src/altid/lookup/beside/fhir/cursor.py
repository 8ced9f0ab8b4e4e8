"""How far a server has been asked: what is kept as `Position.cursor`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Export:
    """An export under way: where the server tells about it, and how much of its files is in the copy."""

    status_url: str
    files_done: int = 0
    lines_done: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: by type, the time (as the server writes it) up to which everything was asked."""

    is_loaded: bool = False
    export: Export | None = None
    since: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def cursor_of(text: str) -> Cursor:
    """What was kept; of what can't be read, the beginning."""
    try:
        told = json.loads(text)
        export = Export(**told["export"]) if told["export"] else None
        return Cursor(bool(told["is_loaded"]), export, dict(told["since"]))
    except (ValueError, KeyError, TypeError):
        return Cursor()
