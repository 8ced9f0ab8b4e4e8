"""The one file of a copy: SQLite, each page encrypted and authenticated (SQLCipher: AES-256, HMAC-SHA512).

The key is 32 random bytes given raw, so that opening derives nothing from a passphrase and takes
milliseconds; who holds it is the business of `altid.lookup.keys`. The write-ahead log is synced at every
commit: after a power loss the file is as it was at the last one.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from altid.lookup.damage import CopyDamagedError, WrongKeyError

Connection = Any
"""Of `sqlcipher3`, which has no types."""

KEY_BYTES = 32
PAGE_BYTES = 8192
"""A page of the file is what is decrypted at once."""
_CACHE_KIB = 16 * 1024
_BUSY_MS = 5_000
_WAL_PAGES = 1_000
_CHECK = b"altid lookup copy"


def connect(path: Path, key: bytes, *, reads_only: bool = False) -> Connection:
    """A session on an existing file. Raises `CopyDamagedError`, `WrongKeyError`, `OSError`."""
    if len(key) != KEY_BYTES:
        raise WrongKeyError
    if not path.exists():
        raise FileNotFoundError(path.name)
    if not _has_content(path):
        raise CopyDamagedError  # SQLite would take it for a new one
    connection = _open(path, key)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute(f"PRAGMA query_only = {int(reads_only)}")
    except sqlite.DatabaseError:
        connection.close()
        raise (CopyDamagedError() if is_key_of(path, key) else WrongKeyError()) from None
    return connection


def connect_ready(path: Path, key: bytes) -> Connection:
    """As `connect`, to write, with all tables; on a disk that is full with those that are there."""
    connection = connect(path, key)
    try:
        make_tables(connection)
    except sqlite.DatabaseError as error:
        if is_damage(error):
            connection.close()
            raise CopyDamagedError from None
    return connection


def create(path: Path, key: bytes, *, tables: bool = True) -> Connection:
    """A new, empty file that only its owner can read. Raises `FileExistsError`, `OSError`."""
    if len(key) != KEY_BYTES:
        raise WrongKeyError
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    _check_file(path).write_bytes(_mark(key))
    connection = _open(path, key)
    if tables:
        make_tables(connection)
    return connection


def make_tables(connection: Connection) -> None:
    """All that `tables/*.sql` say, in the order of their names; what is there stays."""
    folder = resources.files("altid.lookup") / "tables"
    for script in sorted(
        (one for one in folder.iterdir() if one.name.endswith(".sql")), key=lambda one: one.name
    ):
        connection.executescript(script.read_text())


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file is not whole."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in (sqlite.SQLITE_CORRUPT, sqlite.SQLITE_NOTADB) or code in _DAMAGE
    return any(word in str(error) for word in ("malformed", "not a database"))


def is_whole(connection: Connection) -> bool:
    """Reads the whole file: every page's authentication, and how they hang together."""
    try:
        faults = connection.execute("PRAGMA cipher_integrity_check").fetchall()
        told = connection.execute("PRAGMA quick_check").fetchone()
    except sqlite.DatabaseError:
        return False
    return not faults and told == ("ok",)


def spare_of(path: Path) -> Path:
    """Where the spare of a file is."""
    return path.with_name(f"{path.stem}.spare{path.suffix}")


def save(connection: Connection, spare: Path, key: bytes) -> None:
    """A whole copy of the file under the same key, synced, in the place of the spare before it."""
    new = spare.with_name(f"{spare.name}.new")
    _delete(new)
    target = create(new, key, tables=False)
    try:
        connection.backup(target)
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        target.close()
    _sync(new)
    checked = connect(new, key, reads_only=True)
    try:
        if not is_whole(checked):
            raise OSError(errno.EIO, "the disk did not give back what was written")
    finally:
        checked.close()
        for name in ("-wal", "-shm"):
            new.with_name(new.name + name).unlink(missing_ok=True)
    for made, place in zip(files_of(new), files_of(spare), strict=True):
        if made.exists():
            made.replace(place)
        else:
            place.unlink(missing_ok=True)
    _sync(spare.parent)


def go_on_with_spare(path: Path, key: bytes) -> tuple[Connection, bool]:
    """Put the damaged file aside and the spare in its place, or an empty file where there is no good spare. A
    session to write, and whether there was a spare.

    The spare was read whole when it was made, so it is moved and not read again: serving goes on at once,
    and the next check reads all of it. Raises `OSError`.
    """
    put_aside(path)
    connection, had_spare = _next(path, key)
    carry_numbers(aside_of(path), connection, key)
    return connection, had_spare


def carry_numbers(damaged: Path, connection: Connection, key: bytes) -> None:
    """Numbers of paper forms that are out must not be given again: the counters go on as the damaged file has
    them, where they can still be read; else new series begin."""
    try:
        old = connect(damaged, key, reads_only=True)
        try:
            rows = old.execute("SELECT prefix, series, next FROM number").fetchall()
        finally:
            old.close()
    except (sqlite.DatabaseError, CopyDamagedError, WrongKeyError, OSError):
        rows = []
    connection.execute("DELETE FROM number")
    connection.executemany("INSERT INTO number (prefix, series, next) VALUES (?, ?, ?)", rows)


def _next(path: Path, key: bytes) -> tuple[Connection, bool]:
    spare = spare_of(path)
    if spare.exists():
        for one, place in zip(files_of(spare), files_of(path), strict=True):
            if one.exists():
                one.replace(place)
        _sync(path.parent)
        try:
            return connect_ready(path, key), True
        except (CopyDamagedError, WrongKeyError):
            _delete(path)
    return create(path, key), False


def put_aside(path: Path) -> None:
    """Keep one damaged file for whoever wants to know what happened; it is as encrypted as it was."""
    aside = aside_of(path)
    _delete(aside)
    for one, place in zip(files_of(path), files_of(aside), strict=True):
        with suppress(OSError):
            one.replace(place)
    _delete(path)


def aside_of(path: Path) -> Path:
    """Where the last damaged file is."""
    return path.with_name(f"{path.name}.damaged")


def _has_content(path: Path) -> bool:
    wal = path.with_name(f"{path.name}-wal")
    return path.stat().st_size > 0 or (wal.exists() and wal.stat().st_size > 0)


def _delete(path: Path) -> None:
    for one in files_of(path):
        one.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_key_of(path: Path, key: bytes) -> bool:
    """Whether the file was made with this key, as the mark beside it says; True where there is none."""
    try:
        return hmac.compare_digest(_check_file(path).read_bytes(), _mark(key))
    except OSError:
        return True


def files_of(path: Path) -> tuple[Path, ...]:
    """The file and what SQLite keeps beside it."""
    return (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"), _check_file(path))


def _open(path: Path, key: bytes) -> Connection:
    connection = sqlite.connect(
        str(path), isolation_level=None, check_same_thread=False, cached_statements=256
    )
    # The key is not quoted by a person: 64 hexadecimal digits.
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    for setting in _SETTINGS:
        # A disk that is full or read only can still be read; what is no database with this key is found out
        # by whoever looks into it.
        with suppress(sqlite.DatabaseError):
            connection.execute(f"PRAGMA {setting}").fetchone()
    return connection


_DAMAGE = frozenset({sqlite.SQLITE_IOERR | number << 8 for number in (2, 33, 34)})
"""Read short; data that a file system knows to be wrong; a checksum that does not fit."""
_SETTINGS = (
    "cipher_log_level = NONE",  # it would write to standard error
    f"cipher_page_size = {PAGE_BYTES}",
    f"busy_timeout = {_BUSY_MS}",
    "temp_store = MEMORY",
    f"cache_size = -{_CACHE_KIB}",
    "journal_mode = WAL",
    "synchronous = FULL",
    f"wal_autocheckpoint = {_WAL_PAGES}",
)


def _check_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.check")


def _mark(key: bytes) -> bytes:
    return hashlib.blake2b(_CHECK, key=key, digest_size=16).digest()
