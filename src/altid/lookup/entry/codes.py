"""The emergency codes of a place's wards, as hashes in a sealed file beside the copy.

Not in the copy: it may be put aside and loaded anew, and the envelope in the ward must open all the same. The
file is read again whenever it has changed, since a command makes codes while the place is served.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from altid.access.secret import AccessSecret
from altid.lookup.entry.code import Code

FILE = "codes.sealed"
_LOCK = "codes.lock"
_BOUND = b"altid lookup codes"
_NONCE_BYTES = 12


class Codes:
    """Of one place. Any process of the place may read and change them."""

    def __init__(self, folder: Path, secret: AccessSecret) -> None:
        self._folder, self._path = folder, folder / FILE
        self._seal = AESGCM(secret.derive("lookup codes"))
        self._known: tuple[tuple[int, int], dict[str, Code]] = ((0, 0), {})

    def of_ward(self, ward: str) -> Code | None:
        """By the ward's SOR number."""
        return self._read().get(ward)

    def wards(self) -> list[str]:
        """Those whose code opens something."""
        return sorted(ward for ward, code in self._read().items() if code.uses_left != 0)

    def is_current(self, code: str) -> bool:
        """Whether who came in by this code (its id) may stay: it was not changed since."""
        return any(one.id == code for one in self._read().values())

    def keep(self, ward: str, hash_: str, rng: random.Random, *, once: bool = False) -> Code:
        """The ward's code from now on. The one before opens nothing any more, and who came in by it is out.
        Raises `OSError`."""
        made = Code(ward, str(uuid.UUID(bytes=rng.randbytes(16), version=4)), hash_, 1 if once else None)
        with self._changing() as codes:
            codes[ward] = made
        return made

    def spend(self, code: Code) -> bool:
        """Use it; False where it was changed, or another was quicker with its last use. Raises `OSError`."""
        with self._changing() as codes:
            now = codes.get(code.ward)
            if now is None or now.id != code.id or now.uses_left == 0:
                return False
            if now.uses_left is not None:
                codes[code.ward] = replace(now, uses_left=now.uses_left - 1)
            return True

    def _read(self, *, fresh: bool = False) -> dict[str, Code]:
        """A file that does not open has no codes: it is another place's, or was altered."""
        try:
            found = self._path.stat()
            which = (found.st_mtime_ns, found.st_ino)  # each version is a file of its own
            if which == self._known[0] and not fresh:
                return self._known[1]
            data = self._path.read_bytes()
            text = self._seal.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _BOUND)
            codes = {one["ward"]: Code(**one) for one in json.loads(text)}
        except FileNotFoundError:
            return {}
        except (InvalidTag, ValueError, KeyError, TypeError):
            return {}
        self._known = (which, codes)
        return codes

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Code]]:
        """One process and thread at a time; what has changed is on disk afterwards."""
        lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self._read(fresh=True)
            codes = dict(before)
            yield codes
            if codes != before:
                self._write(codes)
        finally:
            os.close(lock)

    def _write(self, codes: dict[str, Code]) -> None:
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps([asdict(code) for code in codes.values()]).encode()
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(nonce + self._seal.encrypt(nonce, text, _BOUND))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._path)
