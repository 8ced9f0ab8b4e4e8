"""All journals of a server: a folder each, named for its writer, which is a name and eight random digits.

A process goes on with a journal of its name that nobody holds, so that its chain has no end; a lost disk
begins new chains under new names. What others left is dealt with, and left to whoever comes back.
"""

from __future__ import annotations

import logging
import random
import re
from pathlib import Path

from altid.access.journal.journal import Journal, take
from altid.access.journal.segment import DamageError
from altid.access.secret import AccessSecret

SET_ASIDE = "set-aside"
"""A file of this name says: nobody writes here any more, for people to look at."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_WRITER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}\.[0-9a-f]{8}")

_log = logging.getLogger("altid.access.journal")


def journals(folder: Path) -> list[Path]:
    """The folders of all writers."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and _WRITER.fullmatch(path.name))


def take_own(folder: Path, name: str, secret: AccessSecret, purpose: str, rng: random.Random) -> Journal:
    """A journal of this name that nobody holds, or a new one. Raises `OSError`."""
    _prepare(folder, name)
    for path in journals(folder):
        if path.name.rpartition(".")[0] != name or (path / SET_ASIDE).exists():
            continue
        found = take_or_set_aside(path, secret, purpose)
        if found is not None:
            return found
    return take_new(folder, name, secret, purpose, rng)


def take_new(folder: Path, name: str, secret: AccessSecret, purpose: str, rng: random.Random) -> Journal:
    """A journal that nobody has written in. Raises `OSError`."""
    _prepare(folder, name)
    while True:
        found = take(folder / f"{name}.{rng.getrandbits(32):08x}", secret, purpose)
        if found is not None:
            return found


def _prepare(folder: Path, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a writer's name: {name[:64]!r}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def take_or_set_aside(path: Path, secret: AccessSecret, purpose: str) -> Journal | None:
    """None if a process holds it, or if it was altered: then it stays as it is, and is told."""
    try:
        return take(path, secret, purpose)
    except DamageError as error:
        _log.error("a journal of %s was altered, and is left as it is: %s", purpose, error)
        set_aside(path)
        return None


def set_aside(path: Path) -> None:
    """Let nobody write there any more."""
    (path / SET_ASIDE).touch(mode=0o600)
