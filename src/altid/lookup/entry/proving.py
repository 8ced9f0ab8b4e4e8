"""Proves that the looks on this disk are what was kept: nothing altered, moved, or cut off at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from altid.access.journal.journals import SET_ASIDE, journals
from altid.access.journal.sealed import Sealer
from altid.access.journal.segment import DamageError, Reader, read_header, read_mark, segments
from altid.access.secret import AccessSecret
from altid.lookup.entry.looks import FOLDER, PURPOSE

_RECORDS = 1_000


@dataclass(slots=True)
class Proof:
    """Sound, if nothing was found. `first` to `last` are the numbers of the looks on disk."""

    looks: int = 0
    first: int = 0
    last: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.findings


def prove(folder: Path, secret: AccessSecret) -> Proof:
    """Look at all journals in a place's folder, also while one is written."""
    proof = Proof()
    for path in journals(folder / FOLDER):
        _prove_one(path, Sealer(secret, PURPOSE, path.name), proof)
    return proof


def _prove_one(path: Path, sealer: Sealer, proof: Proof) -> None:
    try:
        acknowledged = read_mark(path, sealer)
        known = segments(path)
        start = read_header(known[0], sealer).seq if known else 0
    except DamageError as error:
        proof.findings.append(str(error))
        return
    reader = Reader(path, sealer)
    reader.skip_to(start)
    while records := reader.read(acknowledged, _RECORDS):
        proof.looks += len(records)
    proof.first, proof.last = start + 1, max(proof.last, reader.head.seq)
    proof.findings.extend(map(str, reader.damages))
    if reader.head.seq < acknowledged and not reader.damages:
        proof.findings.append(f"{path}: looks {reader.head.seq + 1} to {acknowledged} are missing")
    if (path / SET_ASIDE).exists():
        proof.findings.append(f"{path} was set aside: it was altered before")
