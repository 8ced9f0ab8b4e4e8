"""Patroni's tag `nosync` of the local member: whether the leader may wait for this site.

Patroni reads its file again at SIGHUP, writes the tag to etcd, and the leader's Patroni does the rest in its
own order: first `/sync`, then PostgreSQL. Both texts are written when the guardian starts and put in place by
renaming, which also works on a disk that is full by then.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from altid.record.postgres import account as accounts
from altid.record.postgres.folder import write_owned
from altid.region import processes
from altid.region.layout import PlaceFolders


class NoSyncTag:
    """The local member's tag."""

    def __init__(self, folders: PlaceFolders) -> None:
        self._parts, self._file = folders.parts, folders.patroni / "patroni.yml"
        self._texts = {aside: folders.patroni / f"patroni.{name}.yml" for aside, name in _NAMES.items()}

    def prepare(self) -> bool:
        """Write both texts; gives whether the tag is set now. Raises `OSError` or `ValueError`."""
        told = json.loads(self._file.read_text())
        tags = told.get("tags", {})
        for aside, path in self._texts.items():
            text = json.dumps(told | {"tags": tags | {"nosync": aside}}, indent=1)
            write_owned(path, text, accounts.current())
        return bool(tags.get("nosync"))

    def set(self, aside: bool) -> None:
        """Set or remove the tag. Raises `OSError`."""
        fresh = self._file.with_suffix(".yml.link")
        fresh.unlink(missing_ok=True)
        os.link(self._texts[aside], fresh)
        fresh.rename(self._file)
        process = _patroni(self._parts)
        if process is not None:
            processes.send(process, signal.SIGHUP)


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
