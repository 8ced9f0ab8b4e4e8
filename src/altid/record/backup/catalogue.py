"""The base backups that a folder holds: what each is, which it stands on, and whether it is good."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from altid.record.postgres.account import Account
from altid.record.postgres.error import PostgresError
from altid.record.postgres.folder import write_owned

Kind = Literal["full", "incremental"]

MARKER, MANIFEST, UNFINISHED = "backup.json", "backup_manifest", ".partial"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Backup:
    """One base backup. Times are UTC; positions are PostgreSQL's, as numbers."""

    name: str
    kind: Kind
    parent: str | None
    """The backup that an incremental one stands on."""

    started: datetime
    finished: datetime
    """A record can be brought back to any moment from here on."""

    source: str
    """The site that it was taken from."""

    timeline: int
    first: int
    """The backup begins at this position. The log up to `last` is in it; what follows is the archive's."""

    last: int

    bytes: int
    verified: datetime | None = None
    """When every file was last read and found to be what PostgreSQL sent; None once one wasn't."""

    fault: str = ""

    def as_json(self) -> dict[str, Any]:
        times = {"started": self.started, "finished": self.finished, "verified": self.verified}
        return asdict(self) | {key: moment and moment.isoformat() for key, moment in times.items()}

    @staticmethod
    def from_json(value: dict[str, Any]) -> Backup:
        times = {key: datetime.fromisoformat(value[key]) for key in ("started", "finished")}
        verified = value["verified"] and datetime.fromisoformat(value["verified"])
        return Backup(**(value | times | {"verified": verified}))


def chain(backup: Backup, backups: Sequence[Backup]) -> tuple[Backup, ...] | None:
    """The full backup and what stands on it, up to this one; None when a part is missing or not good."""
    named = {one.name: one for one in backups}
    links: list[Backup] = []
    current: Backup | None = backup
    while current is not None and current.verified and current not in links:
        links.append(current)
        if current.kind == "full":
            return tuple(reversed(links))
        current = named.get(current.parent or "")
    return None


def good(backups: Sequence[Backup]) -> list[Backup]:
    """Those that the record can be brought back from, oldest first."""
    return sorted((one for one in backups if chain(one, backups)), key=lambda one: one.finished)


def read_backups(folder: Path) -> list[Backup]:
    """Every finished backup of the folder, oldest first; one whose description is damaged is left out."""
    base = folder / "base"
    if not base.is_dir():
        return []
    found = []
    for path in base.iterdir():
        try:
            found.append(Backup.from_json(json.loads((path / MARKER).read_text())))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(found, key=lambda one: one.finished)


def write_backup(folder: Path, backup: Backup, account: Account) -> None:
    """Write the description beside the backup's files."""
    write_owned(folder / MARKER, json.dumps(backup.as_json(), indent=1) + "\n", account)


def mark(folder: Path, backup: Backup, verified: datetime | None, fault: str, account: Account) -> Backup:
    """Write down what a check of a finished backup has found; gives the backup with it."""
    found = replace(backup, verified=verified, fault=fault)
    write_backup(folder / "base" / backup.name, found, account)
    return found


def check_folder(folder: Path) -> dict[str, Any]:
    """The folder's marker. Raises `PostgresError` if it isn't one that Altid's backups are in."""
    try:
        marker: dict[str, Any] = json.loads((folder / MARKER).read_text())
        form = marker["format"]
    except PermissionError:
        raise PostgresError(
            f"{folder} may not be read by this user: use the one that Altid runs as."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise PostgresError(f"{folder} holds no backups of Altid.") from None
    if form != _FORMAT:
        raise PostgresError(
            f"{folder} is of format {form}, this Altid reads {_FORMAT}: use the one that made it."
        )
    return marker


def make_folder(folder: Path, owner: dict[str, str], account: Account) -> None:
    """Make what is missing, as the user of this process. Raises `PostgresError` when it is another's.

    `owner` tells whose backups go here. Two records in one folder would spoil each other's log.
    """
    try:
        for part in (folder, *(folder / name for name in ("base", "incoming", "wal", "aside"))):
            part.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise PostgresError(
            f"The backup folder {folder} cannot be made ({error.strerror}): make it for {account.name}."
        ) from None
    if not (folder / MARKER).exists():
        write_owned(folder / MARKER, json.dumps({"made_by": "altid", "format": _FORMAT, **owner}), account)
    marker = check_folder(folder)
    if any(marker.get(key) != value for key, value in owner.items()):
        raise PostgresError(
            f"{folder} holds another record's backups: give backup.folder a place of its own."
        )
