"""What the file of a copy costs: SQLite bare, with each row encrypted by the application, and SQLCipher."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlcipher3 import dbapi2 as sqlcipher

from altid.lookup.change import Change
from altid.lookup.rows import Row, pack, row_of, unpack
from benchmarks.latency import Latency, summarize

KEY = bytes(range(32))
_NONCE = 12
_CHARTS = 500


class Choice(NamedTuple):
    """A way to keep the rows. `seal` and `open` are what the application does to a packed body."""

    name: str
    module: Any
    settings: tuple[str, ...]
    seal: Callable[[bytes], bytes] = bytes
    open: Callable[[bytes], bytes] = bytes


class Cost(NamedTuple):
    """`open_ms`: until the first row is read."""

    name: str
    write_per_s: int
    bytes_per_resource: int
    open_ms: float
    chart: Latency | None


def choices() -> tuple[Choice, ...]:
    cipher = AESGCM(KEY)

    def seal(body: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + cipher.encrypt(nonce, body, None)

    def unseal(sealed: bytes) -> bytes:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)

    raw = f"key = \"x'{KEY.hex()}'\""
    return (
        Choice("SQLite, not encrypted", sqlite3, ("page_size = 8192",)),
        Choice("SQLite, AES-GCM for each row", sqlite3, ("page_size = 8192",), seal, unseal),
        *(
            Choice(f"SQLCipher, pages of {size}", sqlcipher, (raw, f"cipher_page_size = {size}"))
            for size in (4096, 8192, 16384)
        ),
        Choice(
            "SQLCipher, pages of 8192, passphrase", sqlcipher, ("key = 'words'", "cipher_page_size = 8192")
        ),
    )


def measure(changes: Sequence[Change], folder: Path) -> list[Cost]:
    """Of all choices, the same rows."""
    rows = [row_of(change) for change in changes]
    return [_cost(choice, rows, folder / f"{number}.db") for number, choice in enumerate(choices())]


def _cost(choice: Choice, rows: Sequence[Row], path: Path) -> Cost:
    connection = _connect(choice, path)
    connection.executescript(_TABLES)
    began_s = time.perf_counter()
    for start in range(0, len(rows), 1_000):
        connection.execute("BEGIN")
        for row in rows[start : start + 1_000]:
            body = choice.seal(row.body) if row.body is not None else None
            connection.execute(_PUT, (row.part, row.patient, row.type, row.sort, row.id, body))
        connection.execute("COMMIT")
    written_s = time.perf_counter() - began_s
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    began_s = time.perf_counter()
    connection = _connect(choice, path)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    open_s = time.perf_counter() - began_s
    people = [(row.part, row.patient) for row in rows if row.type == "Patient"]
    taken = [_read(choice, connection, people[number % len(people)]) for number in range(_CHARTS)]
    connection.close()
    return Cost(
        choice.name,
        round(len(rows) / written_s),
        round(path.stat().st_size / len(rows)),
        round(open_s * 1_000, 1),
        summarize(taken),
    )


def _read(choice: Choice, connection: Any, owner: tuple[int, str]) -> float:
    began_s = time.perf_counter()
    for (body,) in connection.execute(_OF, owner):
        unpack(choice.open(body))
    return time.perf_counter() - began_s


def _connect(choice: Choice, path: Path) -> Any:
    connection = choice.module.connect(str(path), isolation_level=None)
    for setting in (*choice.settings, "journal_mode = WAL", "synchronous = FULL", "cache_size = -4096"):
        connection.execute(f"PRAGMA {setting}").fetchone()
    return connection


def packing(changes: Sequence[Change]) -> dict[str, float]:
    """How much smaller the bodies are, and what that costs."""
    bodies = [change.body for change in changes if change.body is not None]
    began_s = time.perf_counter()
    packed = [pack(body) for body in bodies]
    packed_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    for body in packed:
        unpack(body)
    unpacked_s = time.perf_counter() - began_s
    return {
        "ratio": round(sum(map(len, bodies)) / sum(map(len, packed)), 2),
        "pack_us": round(packed_s / len(bodies) * 1e6, 1),
        "unpack_us": round(unpacked_s / len(bodies) * 1e6, 1),
    }


_TABLES = """
CREATE TABLE resource (
    part INTEGER, patient TEXT, type TEXT, sort INTEGER, id TEXT, body BLOB,
    PRIMARY KEY (part, patient, type, sort, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX resource_id ON resource (type, id);
"""
_PUT = "INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)"
_OF = "SELECT body FROM resource WHERE part = ? AND patient = ?"
