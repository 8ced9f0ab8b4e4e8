"""A record of the journal: sealed so that nobody can read or alter it, and chained to the one before.

```
length u32 | number u64 | nonce 12 | AES-256-GCM of (hash 32 | body) with tag 16
```

The seal's key is the writer's own; the record's number is bound in, so that no two can be swapped. The hash
is a keyed one (HMAC-SHA-256 over the hash before, the writer, the number and the body): where it goes along
with the body into a table, even whoever may write everything there can't make one that fits. Each purpose
("audit", "orders") has keys of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from altid.access.secret import AccessSecret, equal, tag

HASH_BYTES = 32
RECORD_BYTES_MAX = 256 * 1024
"""Five hundred patients with their grounds are 50 kB; a length beyond this was never written."""

_FRAME = struct.Struct(">IQ12s")
_NUMBER = struct.Struct(">Q")
_SEALED_BYTES_MIN = HASH_BYTES + 16
GENESIS = bytes(HASH_BYTES)
"""In place of a hash before the first event."""


class Head(NamedTuple):
    """How far a chain is: the number of its newest event (0: none) and that one's hash."""

    seq: int
    hash: bytes


START = Head(0, GENESIS)


class Record(NamedTuple):
    seq: int
    hash: bytes
    body: bytes

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)


class BadRecordError(Exception):
    """The bytes are no record that follows. `short`: there are fewer than it says it has."""

    def __init__(self, what: str, *, short: bool = False) -> None:
        super().__init__(what)
        self.short = short


class Chain:
    """Computes hashes. One for all writers: the writer is an argument."""

    def __init__(self, secret: AccessSecret, purpose: str) -> None:
        self._keyed = hmac.new(secret.derive(f"{purpose} chain"), digestmod=hashlib.sha256)

    def link(self, before: bytes, writer: str, seq: int, body: bytes) -> bytes:
        """The hash of an event that follows one with the hash `before`."""
        name = writer.encode()
        keyed = self._keyed.copy()
        keyed.update(before + len(name).to_bytes(4, "big") + name + _NUMBER.pack(seq) + body)
        return keyed.digest()


class Sealer:
    """Seals and opens the records of one writer."""

    def __init__(self, secret: AccessSecret, purpose: str, writer: str) -> None:
        self.writer = writer
        self._chain = Chain(secret, purpose)
        self._aead = AESGCM(secret.derive(f"seal {purpose} journal {writer}"))
        self._mark = secret.derive(f"mark {purpose} journal {writer}")
        self._name = writer.encode()

    def seal(self, before: Head, body: bytes) -> tuple[bytes, Head]:
        """The record of the event after `before`, and the head that it makes."""
        seq = before.seq + 1
        hash_ = self._chain.link(before.hash, self.writer, seq, body)
        nonce = os.urandom(12)
        sealed = self._aead.encrypt(nonce, hash_ + body, self._name + _NUMBER.pack(seq))
        assert len(sealed) <= RECORD_BYTES_MAX
        return _FRAME.pack(len(sealed), seq, nonce) + sealed, Head(seq, hash_)

    def open(self, data: bytes, offset: int, before: Head) -> tuple[Record, int]:
        """The record at an offset, which must follow `before`, and where the next begins.

        Raises `BadRecordError`.
        """
        begin = offset + _FRAME.size
        if begin > len(data):
            raise BadRecordError("it ends within a record", short=True)
        length, seq, nonce = _FRAME.unpack_from(data, offset)
        if not _SEALED_BYTES_MIN <= length <= RECORD_BYTES_MAX or seq != before.seq + 1:
            raise BadRecordError(f"no record with number {before.seq + 1}")
        if begin + length > len(data):
            raise BadRecordError("it ends within a record", short=True)
        try:
            text = self._aead.decrypt(nonce, data[begin : begin + length], self._name + _NUMBER.pack(seq))
        except InvalidTag:
            raise BadRecordError(f"record {seq} was altered") from None
        record = Record(seq, text[:HASH_BYTES], text[HASH_BYTES:])
        if not equal(self._chain.link(before.hash, self.writer, seq, record.body), record.hash):
            raise BadRecordError(f"record {seq} does not follow the one before")
        return record, begin + length

    def mark(self, *parts: bytes) -> bytes:
        """For small facts beside the records: a tag that only the holder of the secret can make."""
        return tag(self._mark, *parts)
