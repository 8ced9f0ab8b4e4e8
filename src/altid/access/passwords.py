"""Passwords and PINs: argon2id in a small pool of threads of its own.

A hash takes 19 MiB and some 40 ms of a core on purpose, so it is the most expensive thing of a logon and the
first that a storm uses up. argon2 runs without Python's lock; its threads give way to the event loop, so that
"not now" is said at once however busy they are. What may enter the pool is decided by `admission`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret

from altid.access.refusal import Refusal, weak

MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
"""OWASP's parameters for argon2id (Password Storage Cheat Sheet)."""
SALT_BYTES, HASH_BYTES = 16, 32
PASSWORD_CHARACTERS_MIN = 12
"""Length is what counts; no rules about signs (NIST SP 800-63B 5.1.1.2)."""
PASSWORD_CHARACTERS_MAX = 256
"""Longer is refused before it is hashed: only attackers send it."""
PIN_DIGITS_MIN, PIN_DIGITS_MAX = 6, 12
_DIFFERENT_CHARACTERS_MIN = 5
_NICENESS = 5
"""Of the hashing threads: a third of the event loop's share, so that what costs little (a refusal, a badge)
does not stand behind hashes for a core."""

_HASHER = PasswordHasher(
    time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, hash_len=HASH_BYTES, salt_len=SALT_BYTES
)


def strength(password: str, username: str) -> Refusal | None:
    """Why the password can't be chosen; None if it can."""
    given = _normal(password).casefold()
    if len(given) < PASSWORD_CHARACTERS_MIN:
        return weak(
            f"A password has at least {PASSWORD_CHARACTERS_MIN} characters; a sentence is easy to remember.",
            f"En adgangskode har mindst {PASSWORD_CHARACTERS_MIN} tegn; en sætning er nem at huske.",
        )
    if len(password) > PASSWORD_CHARACTERS_MAX:
        return weak(
            f"A password has at most {PASSWORD_CHARACTERS_MAX} characters.",
            f"En adgangskode har højst {PASSWORD_CHARACTERS_MAX} tegn.",
        )
    if len(set(given)) < _DIFFERENT_CHARACTERS_MIN or (username and username in given):
        return weak(
            "This password is easy to guess: it repeats few characters or holds the user name.",
            "Adgangskoden er nem at gætte: den gentager få tegn eller indeholder brugernavnet.",
        )
    return None


def is_pin(text: str) -> bool:
    """Digits, neither few nor many, not all the same and not counting up or down."""
    if not (text.isascii() and text.isdigit() and PIN_DIGITS_MIN <= len(text) <= PIN_DIGITS_MAX):
        return False
    return len({(int(b) - int(a)) % 10 for a, b in itertools.pairwise(text)}) > 1


class Passwords:
    """The pool. Its queue is not bounded here: enter only through an `Admission` of about its size."""

    def __init__(self, threads: int, rng: random.Random) -> None:
        self.threads = threads
        self._rng = rng
        self._pool = ThreadPoolExecutor(threads, "altid-argon2", initializer=_give_way)
        self._nobodys = _hash(rng.randbytes(SALT_BYTES).hex(), rng.randbytes(SALT_BYTES))

    async def hash(self, password: str) -> str:
        """As a PHC string, to be stored."""
        salt = self._rng.randbytes(SALT_BYTES)
        return await asyncio.get_running_loop().run_in_executor(self._pool, _hash, password, salt)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Where nothing is stored (nobody of that name) it takes just as long and is wrong."""
        if len(password) > PASSWORD_CHARACTERS_MAX:
            return False
        against = self._nobodys if stored is None else stored
        same = await asyncio.get_running_loop().run_in_executor(self._pool, _verify, against, password)
        return same and stored is not None

    def close(self) -> None:
        """What has been begun is finished, nothing more is begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def is_outdated(stored: str) -> bool:
    """It was made with other parameters than today's: hash again when the password is at hand."""
    try:
        return _HASHER.check_needs_rehash(stored)
    except InvalidHashError:
        return True


def _normal(password: str) -> str:
    """One text for all ways of typing it: å is one character on one keyboard and two on another."""
    return unicodedata.normalize("NFKC", password)


def _hash(password: str, salt: bytes) -> str:
    secret = _normal(password).encode("utf-8", "surrogatepass")
    return hash_secret(secret, salt, PASSES, MEMORY_KIB, LANES, HASH_BYTES, Type.ID).decode("ascii")


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, _normal(password).encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


def _give_way() -> None:
    """Lower this thread's priority; where the system has none per thread, nothing is lost but time."""
    with suppress(OSError, AttributeError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS)
