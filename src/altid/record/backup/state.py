"""What the archive tells of itself: `state.json` in the backup folder, written about once a second."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned

_FILE = "state.json"


@dataclass(frozen=True, slots=True)
class State:
    """The archive as it is now. Times are UTC."""

    state: Literal["unknown", "connecting", "streaming"] = "unknown"
    archived_until: datetime | None = None
    """Everything that was committed up to this moment, by the leader's clock, is durable in the archive."""

    source: str | None = None
    gap_at: datetime | None = None
    """When the log was last found to have a gap: only a full backup after it brings anything back."""

    reason: str = ""
    """Why it isn't streaming, or why the last backup failed."""


def read_state(folder: Path) -> State:
    """The last that was told; unknown when nothing was."""
    try:
        value = json.loads((folder / _FILE).read_text())
        times = {
            key: value[key] and datetime.fromisoformat(value[key]) for key in ("archived_until", "gap_at")
        }
        return State(**(value | times))
    except (OSError, ValueError, KeyError, TypeError):
        return State()


def write_state(folder: Path, state: State, account: Account) -> None:
    """Write it, complete or not at all."""
    times = {"archived_until": state.archived_until, "gap_at": state.gap_at}
    told = asdict(state) | {key: moment and moment.isoformat() for key, moment in times.items()}
    write_owned(folder / _FILE, json.dumps(told) + "\n", account)
