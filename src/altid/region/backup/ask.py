"""How `altid backup now` asks the part `archive` for a backup: a wish in the backup folder, and an answer.

The part takes backups, so that there is one that does, with the rights, the lines and the place that it has.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from altid.record.backup.catalogue import Kind
from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned
from altid.region.error import RegionError

_WISH, _ANSWER = "wish.json", "answer.json"
_POLL_S = 0.2
_TOLD_EVERY_S = 5.0
_TAKEN_S_MAX = 30.0
"""The part looks once a second. One that has not taken the wish by then is down or has no leader to ask."""

_BACKUP_S_MAX = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Wish:
    """A backup that somebody asks for."""

    id: str
    kind: Kind


def read_wish(folder: Path) -> Wish | None:
    """What is asked for and not yet answered."""
    try:
        value = json.loads((folder / _WISH).read_text())
        return Wish(str(value["id"]), "full" if value["kind"] == "full" else "incremental")
    except (OSError, ValueError, KeyError, TypeError):
        return None


def answer(folder: Path, wish: Wish | None, name: str | None, reason: str, account: Account) -> None:
    """Say what came of it: the backup's name, or why there is none."""
    if wish is None:
        return
    (folder / _WISH).unlink(missing_ok=True)
    write_owned(folder / _ANSWER, json.dumps({"id": wish.id, "backup": name, "reason": reason}), account)


async def ask(folder: Path, kind: Kind, account: Account, tell: Callable[[str], None]) -> str:
    """Ask and wait; gives the backup's name. Raises `RegionError` when none is taken."""
    wish = Wish(secrets.token_hex(8), kind)
    write_owned(folder / _WISH, json.dumps(asdict(wish)), account)
    began_s = told_s = time.monotonic()
    while (found := _answered(folder, wish)) is None:
        now_s, size = time.monotonic(), _unfinished_bytes(folder)
        if now_s - began_s > (_BACKUP_S_MAX if size is not None else _TAKEN_S_MAX):
            (folder / _WISH).unlink(missing_ok=True)
            raise RegionError(
                "The part `archive` at the witness takes no backup: `altid status` tells how it is."
            )
        if size is not None and now_s - told_s > _TOLD_EVERY_S:
            tell(f"{size // 1_000_000} MB so far")
            told_s = now_s
        await asyncio.sleep(_POLL_S)
    if found["backup"] is None:
        raise RegionError(f"No backup was taken: {found['reason']}")
    return str(found["backup"])


def _answered(folder: Path, wish: Wish) -> dict[str, str | None] | None:
    try:
        found: dict[str, str | None] = json.loads((folder / _ANSWER).read_text())
    except (OSError, ValueError):
        return None
    return found if found.get("id") == wish.id else None


def _unfinished_bytes(folder: Path) -> int | None:
    """The size of the backup that is being taken; None when none is."""
    sizes = [
        sum(file.stat().st_size for file in path.glob("*") if file.exists())
        for path in (folder / "base").glob("*.partial")
    ]
    return sum(sizes) if sizes else None
