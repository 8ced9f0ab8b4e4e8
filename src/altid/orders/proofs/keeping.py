"""Where proofs are kept: in the record, and as files of the data folder, which outlive the record.

A folder that has not seen the newest ones catches up from the record; it never puts one back that is older
than its newest: that one was taken away, and is to be missed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from altid.access.secret import AccessSecret
from altid.orders.proofs.sealing import AlteredError, Before, Proof, prove, read_proof, verify
from altid.orders.verdict import Reconciliation
from altid.record.database import Connection
from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned

FOLDER = "reconciliations"
"""In the data folder."""
LOOKED_BACK = 50
"""Proofs that are looked at to tell what stands: those of some hours of incidents."""
_AT_ONCE = 500
_LOCK = 0x416C7469645265  # "AltidRe"


async def add(
    connection: Connection,
    secret: AccessSecret,
    found: Reconciliation,
    made: datetime,
    by: str,
    settled: str = "",
) -> Proof:
    """Put the proof of this result after the newest one. Call it inside a transaction: others that reconcile
    wait for its end."""
    await connection.execute(_ALONE, _LOCK)
    newest = await connection.fetchrow(_NEWEST, 1)
    before = Before(newest["number"], hashlib.sha256(newest["body"]).hexdigest()) if newest else Before()
    proof = prove(secret, found, before, made, by, settled)
    await connection.execute(_ADD, proof.number, made, proof.body)
    return proof


async def give_back(connection: Connection, secret: AccessSecret, in_folder: Mapping[int, bytes]) -> None:
    """Put back what the record has lost and the folder still has, as after a restore to an earlier moment: so
    that numbers go on and no two proofs share one. Only what follows, unaltered. Call it as `add`."""
    await connection.execute(_ALONE, _LOCK)
    newest = await connection.fetchrow(_NEWEST, 1)
    number, body = (newest["number"], newest["body"]) if newest else (0, b"")
    while following := in_folder.get(number + 1):
        try:
            proof = read_proof(following)
            verify(secret, proof)
        except AlteredError:
            return
        if proof.previous != (hashlib.sha256(body).hexdigest() if number else ""):
            return
        number, body = number + 1, following
        await connection.execute(_ADD, number, proof.made, body)


async def newest_first(connection: Connection, most: int = LOOKED_BACK) -> list[Proof]:
    """The newest ones. What is none any more is left out: nobody may be kept from reconciling by it."""
    found: list[Proof] = []
    for row in await connection.fetch(_NEWEST, most):
        with suppress(AlteredError):
            found.append(read_proof(row["body"]))
    return found


@dataclass(slots=True)
class Newest:
    """The newest proofs for whoever asks every second: each, which may be long, is read once."""

    _known: dict[tuple[int, datetime], Proof] = field(default_factory=dict)

    async def read(self, connection: Connection) -> list[Proof]:
        """As `newest_first`."""
        names = [(row["number"], row["made"]) for row in await connection.fetch(_NAMES, LOOKED_BACK)]
        missing = [name[0] for name in names if name not in self._known]
        known = {name: self._known[name] for name in names if name in self._known}
        for row in await connection.fetch(_OF_NUMBERS, missing) if missing else ():
            with suppress(AlteredError):
                known[row["number"], row["made"]] = read_proof(row["body"])
        self._known = known
        return [known[name] for name in names if name in known]


async def bodies(connection: Connection, after: int = 0) -> dict[int, bytes]:
    """All proofs after a number, as the record has them."""
    found: dict[int, bytes] = {}
    while rows := await connection.fetch(_AFTER, max(found, default=after), _AT_ONCE):
        found |= {row["number"]: row["body"] for row in rows}
    return found


def path_of(folder: Path, number: int) -> Path:
    """Of a proof's file."""
    return folder / f"{number:08}.json"


def files(folder: Path) -> dict[int, bytes]:
    """The proofs that lie there, by the numbers that their names have. Raises `OSError`."""
    return {number: path_of(folder, number).read_bytes() for number in _numbers(folder)}


async def catch_up(connection: Connection, folder: Path, account: Account) -> None:
    """Write what is newer in the record than in the folder. Raises `OSError`."""
    newest = max(await asyncio.to_thread(_numbers, folder), default=0)
    newer = await bodies(connection, newest)
    await asyncio.to_thread(_write, folder, newer, account)


def _numbers(folder: Path) -> list[int]:
    return [int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()]


def _write(folder: Path, proofs: dict[int, bytes], account: Account) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, account.uid, account.gid)
    for number, body in proofs.items():
        write_owned(path_of(folder, number), body.decode(), account)


def differing(in_record: dict[int, bytes], in_folder: dict[int, bytes]) -> list[str]:
    """What the one has and the other has not, or has otherwise."""
    found: list[str] = []
    for number in sorted(in_record.keys() | in_folder.keys()):
        if number not in in_folder:
            found.append(f"{number}: its file is missing")
        elif number not in in_record:
            found.append(f"{number}: the record does not have it")
        elif in_record[number] != in_folder[number]:
            found.append(f"{number}: its file is not what the record has")
    return found


_ALONE = "SELECT pg_advisory_xact_lock($1)"
_ADD = "INSERT INTO reconciliation (number, made, body) VALUES ($1, $2, $3)"
_NEWEST = "SELECT number, body FROM reconciliation ORDER BY number DESC LIMIT $1"
_NAMES = "SELECT number, made FROM reconciliation ORDER BY number DESC LIMIT $1"
_OF_NUMBERS = "SELECT number, made, body FROM reconciliation WHERE number = ANY($1::integer[])"
_AFTER = "SELECT number, body FROM reconciliation WHERE number > $1 ORDER BY number LIMIT $2"
