"""Is a base backup still what PostgreSQL sent? Every file against the manifest's SHA-256, read from the tar.

PostgreSQL's own pg_verifybackup would do the same; the one in the wheel does not start (damaged when packed).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from altid.record.backup.catalogue import MANIFEST
from altid.record.backup.wal import position

BASE, LOG = "base.tar.gz", "pg_wal.tar.gz"
_READ_BYTES = 1024 * 1024
_SEAL = b'"Manifest-Checksum"'


class DamageError(Exception):
    """A backup isn't what it was. The message names a file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What PostgreSQL says it has sent."""

    system: int
    """The identifier of the database cluster: the same for every copy of it."""

    files: dict[str, tuple[int, str]]
    """Size in bytes and SHA-256 of each."""

    timeline: int
    first: int
    last: int
    """Between these positions the log is needed to make the backup whole."""

    @property
    def bytes(self) -> int:
        return sum(size for size, _ in self.files.values())


def read_manifest(folder: Path) -> Manifest:
    """The manifest, proven to be as it was written. Raises `DamageError`."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        value: dict[str, Any] = json.loads(raw)
        sealed = hashlib.sha256(raw[: raw.rindex(_SEAL)]).hexdigest() == value["Manifest-Checksum"]
        files = {one["Path"]: (int(one["Size"]), _sha256(one)) for one in value["Files"]}
        ranges = value["WAL-Ranges"]
        manifest = Manifest(
            int(value["System-Identifier"]),
            files,
            max(int(one["Timeline"]) for one in ranges),
            min(position(one["Start-LSN"]) for one in ranges),
            max(position(one["End-LSN"]) for one in ranges),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamageError(f"{MANIFEST} cannot be read ({type(error).__name__})") from None
    if not sealed:
        raise DamageError(f"{MANIFEST} was changed after it was written")
    return manifest


def verify(folder: Path) -> Manifest:
    """Read all of the backup in the folder. Raises `DamageError` at the first thing that is wrong."""
    manifest = read_manifest(folder)
    left = dict(manifest.files)
    try:
        with tarfile.open(folder / BASE, "r|gz") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    _check(member.name, content, left.pop(member.name, None))
        with gzip.open(
            folder / LOG
        ) as log:  # PostgreSQL lists no log in the manifest: gzip's own sum must do
            while log.read(_READ_BYTES):
                pass
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise DamageError(f"its files cannot be read ({type(error).__name__})") from None
    if left:
        raise DamageError(f"{min(left)} is missing")
    return manifest


def _check(name: str, content: IO[bytes], expected: tuple[int, str] | None) -> None:
    if expected is None:
        raise DamageError(f"{name} is in no manifest")
    digest, size = hashlib.sha256(), 0
    while block := content.read(_READ_BYTES):
        digest.update(block)
        size += len(block)
    if size != expected[0]:
        raise DamageError(f"{name} has {size} bytes instead of {expected[0]}")
    if digest.hexdigest() != expected[1]:
        raise DamageError(f"{name} was changed")


def _sha256(entry: dict[str, Any]) -> str:
    if entry["Checksum-Algorithm"] != "SHA256":
        raise ValueError("another checksum")
    return str(entry["Checksum"])
