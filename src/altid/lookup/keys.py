"""The key of a copy, held apart from the copy: without it the whole folder of a stolen PC is noise.

The key is 32 random bytes and is in no file as it is. In the folder `keys` lie *seals*: the key encrypted
(AES-256-GCM) under something that is elsewhere, one file for each way of opening it.

- `tpm`: under a key that only this machine's TPM gives. The PC starts by itself; its disk alone opens
  nothing.
- `file`: under a key file on another medium, such as the region's own secrets or a stick in a cupboard.
- `passphrase`: under a passphrase (argon2id) that somebody types once after the machine was switched on; then
  the kernel's keyring keeps the key until it is switched off.
- `operations`: under a passphrase that only operations have. It is the one seal that a lock leaves.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from altid.access.passwords import strength
from altid.access.secret import SecretError, read_secret_file
from altid.lookup.machine import (
    TpmError,
    find_in_keyring,
    forget_in_keyring,
    has_tpm,
    keep_in_keyring,
    open_by_tpm,
    seal_by_tpm,
)

KEY_BYTES = 32
MEMORY_KIB, PASSES, LANES = 64 * 1024, 3, 1
"""Of argon2id for a passphrase (RFC 9106 §4, second choice, on one lane): some 0.2 s, once at a start."""

_FOLDER, _SUFFIX, _LOCKED = "keys", ".seal", "locked"
_SALT_BYTES, _NONCE_BYTES = 16, 12


class Way(StrEnum):
    """How a seal is opened."""

    TPM = "tpm"
    FILE = "file"
    PASSPHRASE = "passphrase"  # noqa: S105 (a word)
    OPERATIONS = "operations"


class KeyUnavailableError(Exception):
    """The key can't be had. One line: why, and what to do; nothing of any secret."""


class LockedError(KeyUnavailableError):
    """The place has locked itself, or was revoked."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What somebody holds to open or make seals with. Everything else is asked of the machine."""

    passphrase: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    operations: str | None = field(default=None, repr=False)


NO_SECRETS = Secrets()


def make_key(folder: Path, secrets: Secrets, *, tpm: bool = False) -> bytes:
    """A new key with a seal for each of the secrets, and one for the TPM if asked. What was sealed before is
    worth nothing from now on. Raises `KeyUnavailableError`."""
    if secrets == NO_SECRETS and not tpm:
        raise KeyUnavailableError("Say how the key is held apart: a passphrase, a key file or the TPM.")
    _forget_all(folder)
    key = os.urandom(KEY_BYTES)
    add_seals(folder, key, secrets, tpm=tpm)
    return key


def add_seals(folder: Path, key: bytes, secrets: Secrets, *, tpm: bool = False) -> None:
    """Further ways to open the same key; a way that there was is replaced. Raises `KeyUnavailableError`."""
    if tpm:
        if not has_tpm():
            raise KeyUnavailableError("This machine has no TPM that can be used: choose another way.")
        _write(folder, Way.TPM, {"tpm": _by_tpm(key).hex()})
    if secrets.key_file is not None:
        _write(folder, Way.FILE, _sealed(Way.FILE, _file_key(secrets.key_file), key))
    for way, text in ((Way.PASSPHRASE, secrets.passphrase), (Way.OPERATIONS, secrets.operations)):
        if text is not None:
            _write(folder, way, _sealed_by_text(way, text, key))


def open_key(folder: Path, secrets: Secrets = NO_SECRETS) -> bytes:
    """The key, by whatever opens it: the kernel's keyring, the TPM, then what was given.

    Raises `LockedError`, `KeyUnavailableError`. The passphrase of operations opens a locked place nowhere but
    in `unlock`.
    """
    why = locked(folder)
    if why is not None:
        raise LockedError(f"This place is locked ({why}): operations open it, or it is enrolled anew.")
    kept = find_in_keyring(_name(folder))
    if kept is not None and len(kept) == KEY_BYTES and ways(folder):
        return kept
    if not ways(folder):
        raise KeyUnavailableError(f"{folder} holds no seal of a key: enrol the place.")
    key = _open(folder, secrets)
    if secrets.passphrase is not None:
        keep_in_keyring(_name(folder), key)
    return key


def unlock(folder: Path, operations: str) -> bytes:
    """The key of a locked place, by the passphrase of operations; it is locked no more, but has no other seal
    until `add_seals`. Raises `KeyUnavailableError`."""
    seal = _read(folder, Way.OPERATIONS)
    if seal is None:
        raise KeyUnavailableError("This place has no seal of operations: enrol it anew.")
    key = _opened_by_text(Way.OPERATIONS, operations, seal)
    (folder / _FOLDER / _LOCKED).unlink(missing_ok=True)
    return key


def lock(folder: Path, why: str) -> None:
    """Only the passphrase of operations opens it from now on. Whoever holds the key must forget it. Raises
    `OSError` where not all of it could be done."""
    _close(folder, why, [way for way in ways(folder) if way is not Way.OPERATIONS])


def wipe(folder: Path, why: str) -> None:
    """Nothing opens it any more: the copy is noise, and the place must be enrolled anew. Raises `OSError`
    likewise."""
    _close(folder, why, ways(folder))


def locked(folder: Path) -> str | None:
    """Why the place is locked; None if it isn't."""
    try:
        return (folder / _FOLDER / _LOCKED).read_text("utf-8").strip() or "locked"
    except FileNotFoundError:
        return None


def ways(folder: Path) -> tuple[Way, ...]:
    """How the key can be opened."""
    return tuple(way for way in Way if _path(folder, way).exists())


def make_key_file(path: Path) -> None:
    """A new key file, which must be kept on another medium than the copy. Raises `OSError` if there is
    one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(os.urandom(KEY_BYTES).hex() + "\n")


def _open(folder: Path, secrets: Secrets) -> bytes:
    seal = _read(folder, Way.TPM)
    if seal is not None:
        with suppress(TpmError):
            return _checked(open_by_tpm(bytes.fromhex(seal["tpm"])))
    seal = _read(folder, Way.FILE)
    if seal is not None and secrets.key_file is not None:
        return _opened(Way.FILE, _file_key(secrets.key_file), seal)
    seal = _read(folder, Way.PASSPHRASE)
    if seal is not None and secrets.passphrase is not None:
        return _opened_by_text(Way.PASSPHRASE, secrets.passphrase, seal)
    wanted = " or ".join(way for way in ways(folder) if way is not Way.OPERATIONS)
    raise KeyUnavailableError(f"The key is not at hand here. It is opened by: {wanted or Way.OPERATIONS}.")


def _by_tpm(key: bytes) -> bytes:
    try:
        return seal_by_tpm(key)
    except TpmError as error:
        raise KeyUnavailableError(f"The TPM did not seal the key ({error}).") from None


def _file_key(path: Path) -> bytes:
    try:
        return read_secret_file(path).derive("lookup key file")
    except SecretError as error:
        raise KeyUnavailableError(str(error).replace("access secret", "key file")) from None


def _sealed_by_text(way: Way, text: str, key: bytes) -> dict[str, Any]:
    weak = strength(text, "")
    if weak is not None:
        raise KeyUnavailableError(f"The {way} seal: {weak.text_en}")
    salt = os.urandom(_SALT_BYTES)
    cost = {"memory_kib": MEMORY_KIB, "passes": PASSES, "lanes": LANES}
    return {"salt": salt.hex(), **cost, **_sealed(way, _stretched(text, salt, cost), key)}


def _opened_by_text(way: Way, text: str, seal: dict[str, Any]) -> bytes:
    return _opened(way, _stretched(text, bytes.fromhex(seal["salt"]), seal), seal)


def _stretched(text: str, salt: bytes, cost: dict[str, Any]) -> bytes:
    secret = text.encode("utf-8", "surrogatepass")
    return hash_secret_raw(
        secret, salt, cost["passes"], cost["memory_kib"], cost["lanes"], KEY_BYTES, Type.ID
    )


def _sealed(way: Way, under: bytes, key: bytes) -> dict[str, Any]:
    nonce = os.urandom(_NONCE_BYTES)
    return {"nonce": nonce.hex(), "sealed": AESGCM(under).encrypt(nonce, key, _bound(way)).hex()}


def _opened(way: Way, under: bytes, seal: dict[str, Any]) -> bytes:
    try:
        nonce, sealed = bytes.fromhex(seal["nonce"]), bytes.fromhex(seal["sealed"])
        return _checked(AESGCM(under).decrypt(nonce, sealed, _bound(way)))
    except InvalidTag:
        raise KeyUnavailableError(f"The {way} does not open this place.") from None


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise KeyUnavailableError("The seal holds no key of a copy: enrol the place anew.")
    return key


def _bound(way: Way) -> bytes:
    return f"altid lookup key: {way}".encode()


def _path(folder: Path, way: Way) -> Path:
    return folder / _FOLDER / f"{way}{_SUFFIX}"


def _read(folder: Path, way: Way) -> dict[str, Any] | None:
    try:
        seal: dict[str, Any] = json.loads(_path(folder, way).read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise KeyUnavailableError(f"The {way} seal can't be read: enrol the place anew.") from None
    return seal


def _write(folder: Path, way: Way, seal: dict[str, Any]) -> None:
    path = _path(folder, way)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(seal))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def _delete(path: Path) -> None:
    """Written over first: where the disk keeps old blocks (most flash does) they still hold only a seal."""
    with suppress(OSError), path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink(missing_ok=True)


def _forget_all(folder: Path) -> None:
    for way in ways(folder):
        _delete(_path(folder, way))
    (folder / _FOLDER / _LOCKED).unlink(missing_ok=True)
    forget_in_keyring(_name(folder))


def _close(folder: Path, why: str, gone: Iterable[Way]) -> None:
    """Marked first of all: a place whose seals are half gone must not look open. On a full disk there is room
    for the mark only afterwards."""
    forget_in_keyring(_name(folder))
    with suppress(OSError):
        _mark_locked(folder, why)
    for way in gone:
        _delete(_path(folder, way))
    _mark_locked(folder, why)


def _mark_locked(folder: Path, why: str) -> None:
    path = folder / _FOLDER / _LOCKED
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write(why + "\n")
        file.flush()
        os.fsync(file.fileno())


def _name(folder: Path) -> str:
    """In the keyring, where names can be read by others: it says nothing but which folder."""
    return f"altid-opslag:{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]}"
