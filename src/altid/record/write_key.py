"""The key of a write: sent again with the same key, also to the other site, a write is done once.

A write gets a key of our own making when it is begun, or one from the client's (HTTP header
`Idempotency-Key`), which then holds across requests. Sixteen bytes: ten say which write it is, six what was
to be written, so that a key that is used for something else is noticed.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from asyncpg.pgproto.pgproto import UUID

_IDENTITY_BYTES, _CONTENT_BYTES = 10, 6


class WriteKey(NamedTuple):
    """`again`: the write may have been done in an earlier request, so it is looked for first."""

    value: UUID
    again: bool = False


def new_key() -> WriteKey:
    """The key of a write that nobody has begun before."""
    return WriteKey(UUID(os.urandom(16)))


def client_key(text: str, interaction: str, content: bytes) -> WriteKey:
    """The key that a client's text stands for in one interaction, such as `PUT Patient/1`."""
    identity = _identity(text, interaction)[:_IDENTITY_BYTES]
    return WriteKey(UUID(identity + hashlib.sha256(content).digest()[:_CONTENT_BYTES]), again=True)


def client_id(text: str, interaction: str) -> str:
    """The logical id of what a create with this key makes: the same at every server, whatever the content.

    A UUID of version 8 (RFC 9562 §5.8).
    """
    number = int.from_bytes(_identity(text, f"id {interaction}")[:16], "big")
    number = number & ~(0xF << 76) | 0x8 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(number.to_bytes(16, "big")))


def _identity(text: str, interaction: str) -> bytes:
    return hashlib.sha256(f"{interaction}\0{text}".encode()).digest()
