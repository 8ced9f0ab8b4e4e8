"""Patroni's tag `nosync` of the local member: whether the leader may wait for this site.

Patroni reads its file again at SIGHUP, writes the tag to etcd, and the leader's Patroni does the rest in its
own order: first `/sync`, then PostgreSQL. Both texts are written before they are needed, from the file as it
is, and put in place by renaming, which also works on a disk that is full by then. The supervisor may write
the file anew at any time: what it says is looked up, never remembered.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from altid.record.postgres import account as accounts
from altid.record.postgres.folder import write_owned
from altid.region import processes
from altid.region.layout import PlaceFolders


class NoSyncTag:
    """The local member's tag."""

    def __init__(self, folders: PlaceFolders) -> None:
        self._parts, self._file = folders.parts, folders.patroni / "patroni.yml"
        self._texts = {aside: folders.patroni / f"patroni.{name}.yml" for aside, name in _NAMES.items()}

    def look(self) -> bool:
        """Whether the tag is set now; makes both texts fit the file. Raises `OSError` or `ValueError`."""
        told = self._told()
        with suppress(OSError):  # a full disk: `set` tells, should it need them
            for aside in self._texts:
                self._write(told, aside)
        return bool(told.get("tags", {}).get("nosync"))

    def set(self, aside: bool) -> None:
        """Set or remove the tag. Raises `OSError` or `ValueError`."""
        self._write(self._told(), aside)
        fresh = self._file.with_suffix(".yml.link")
        fresh.unlink(missing_ok=True)
        os.link(self._texts[aside], fresh)
        fresh.rename(self._file)
        process = _patroni(self._parts)
        if process is not None:
            processes.send(process, signal.SIGHUP)

    def _told(self) -> dict[str, Any]:
        told = json.loads(self._file.read_text())
        if not isinstance(told, dict):
            raise ValueError("Patroni's file holds no object")
        return told

    def _write(self, told: dict[str, Any], aside: bool) -> None:
        """Write the text with or without the tag, unless it is there."""
        path = self._texts[aside]
        text = json.dumps(told | {"tags": told.get("tags", {}) | {"nosync": aside}}, indent=1)
        if not path.exists() or path.read_text() != text:
            write_owned(path, text, accounts.current())


_NAMES = {False: "waited-for", True: "set-aside"}


def _patroni(parts: Path) -> int | None:
    """The process of the local Patroni, as its supervisor tells."""
    try:
        found = json.loads(parts.read_text())["patroni"]["pid"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(found, int) or b"patroni" not in processes.command_line(found):
        return None
    return found
