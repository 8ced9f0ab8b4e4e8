"""Where this machine can keep a key apart from its disk: the TPM, by `systemd-creds`, and the kernel's
keyring.

The TPM gives a key to this machine alone, also after a restart; the disk in another machine opens nothing.
The keyring is memory of the kernel: what is in it is there for this user until the machine is switched off.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess

TPM_S_MAX = 30.0
"""A TPM takes a second or two; one that hangs must not keep a copy from starting for ever."""

_CREDENTIAL = "altid-opslag"
_PROGRAM = "systemd-creds"

_CALLS = {"x86_64": (248, 250), "aarch64": (217, 219)}
"""Numbers of add_key(2) and keyctl(2). There is no function for them in the C library."""
_USER_KEYRING, _SEARCH, _READ, _INVALIDATE = -4, 10, 11, 21
_KEY_BYTES_MAX = 256


class TpmError(Exception):
    """The TPM, or the program that asks it, did not do it. Holds nothing of what was sealed."""


def has_tpm() -> bool:
    """Whether there is one that firmware, kernel and `systemd-creds` can all use."""
    if shutil.which(_PROGRAM) is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603 (likewise a program of the system)
            [_PROGRAM, "has-tpm2"], check=False, capture_output=True, timeout=TPM_S_MAX
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def seal_by_tpm(secret: bytes) -> bytes:
    """Bytes that only this machine's TPM opens. Raises `TpmError`."""
    return _creds("encrypt", "--with-key=tpm2", data=secret)


def open_by_tpm(sealed: bytes) -> bytes:
    """Raises `TpmError`."""
    return _creds("decrypt", data=sealed)


def _creds(verb: str, *options: str, data: bytes) -> bytes:
    """The secret goes by standard input and output: command lines can be read by everybody."""
    try:
        done = subprocess.run(  # noqa: S603 (a program of the system, with constants only)
            [_PROGRAM, verb, f"--name={_CREDENTIAL}", *options, "-", "-"],
            input=data,
            check=False,
            capture_output=True,
            timeout=TPM_S_MAX,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TpmError(f"{_PROGRAM} {verb}: {type(error).__name__}") from None
    if done.returncode != 0:
        raise TpmError(f"{_PROGRAM} {verb} ended with {done.returncode}")
    return done.stdout


def keep_in_keyring(name: str, secret: bytes) -> bool:
    """Let the kernel keep it for this user until the machine is switched off; False where it can't."""
    numbers = _CALLS.get(platform.machine())
    if numbers is None:
        return False
    made = _call(numbers[0], b"user", name.encode(), secret, len(secret), _USER_KEYRING)
    return made >= 0


def find_in_keyring(name: str) -> bytes | None:
    """What is kept under a name, if anything is."""
    serial = _search(name)
    if serial is None:
        return None
    buffer = ctypes.create_string_buffer(_KEY_BYTES_MAX)
    length = _keyctl(_READ, serial, buffer, _KEY_BYTES_MAX)
    found = buffer.raw[:length] if 0 < length <= _KEY_BYTES_MAX else None
    ctypes.memset(buffer, 0, _KEY_BYTES_MAX)
    return found


def forget_in_keyring(name: str) -> None:
    """Nobody can read it any more."""
    serial = _search(name)
    if serial is not None:
        _keyctl(_INVALIDATE, serial)


def _search(name: str) -> int | None:
    serial = _keyctl(_SEARCH, _USER_KEYRING, b"user", name.encode(), 0)
    return serial if serial > 0 else None


def _keyctl(*arguments: object) -> int:
    numbers = _CALLS.get(platform.machine())
    return -1 if numbers is None else _call(numbers[1], *arguments)


def _call(number: int, *arguments: object) -> int:
    """A system call; negative where it failed, as in a container that forbids it."""
    if os.name != "posix":
        return -1
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    made: int = call(ctypes.c_long(number), *map(_long, arguments))
    return made


def _long(argument: object) -> object:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument
