"""The region's access secret: what signing keys are sealed under, and other keys are derived from.

32 bytes in a file that only the service's user may read, the same at both sites. It is in no `repr`, in no
log and on no command line.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32


class SecretError(Exception):
    """The access secret can't be used. The message names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class AccessSecret:
    """Never used itself: each purpose has a key of its own, derived from it."""

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.value) != SECRET_BYTES:
            raise SecretError(f"An access secret has {SECRET_BYTES} bytes.")

    @property
    def text(self) -> str:
        """As a file holds it."""
        return self.value.hex() + "\n"

    def derive(self, purpose: str) -> bytes:
        """The 32-byte key for a purpose (RFC 5869)."""
        return HKDF(SHA256(), 32, None, f"altid access: {purpose}".encode()).derive(self.value)


def tag(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA-256 of the parts, each with its length, so that no two lists of parts are the same text."""
    text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, text, hashlib.sha256)


def equal(one: bytes, other: bytes) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(one, other)


def read_secret_file(path: Path) -> AccessSecret:
    """Raises `SecretError` where it is missing, readable by others, or not 64 hexadecimal digits."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"The access secret {path} can't be read ({type(error).__name__}).") from None
    if mode & 0o077:
        raise SecretError(f"Others may read the access secret: chmod 600 {path}")
    try:
        return parse_secret(text)
    except SecretError:
        raise SecretError(f"{path} is no access secret: it holds 64 hexadecimal digits.") from None


def parse_secret(text: str) -> AccessSecret:
    """The secret of such a text. Raises `SecretError`."""
    try:
        return AccessSecret(bytes.fromhex(text.strip()))
    except (ValueError, SecretError):
        raise SecretError("An access secret is 64 hexadecimal digits.") from None
