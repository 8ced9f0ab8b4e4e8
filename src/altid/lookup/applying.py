"""Writing changes into the file: the resource, its group's digest, who can be found, who lies where."""

from __future__ import annotations

from collections.abc import Set

from altid.lookup.derived import derive, forget_derived
from altid.lookup.file import Connection
from altid.lookup.rows import DIGEST_BYTES, Row, member_digest


class Applying:
    """One transaction's changes. `finish` it before the commit: the digests are written then."""

    def __init__(self, connection: Connection, source: str) -> None:
        self.connection, self._source = connection, source
        self._digests: dict[tuple[str, int], tuple[int, int]] = {}
        self.touched: set[str] = set()
        """Patients of whom something has changed; "" for what is about nobody."""
        self.new = 0

    def put(self, row: Row, *, again: bool = False) -> bool:
        """Write a row unless what is there is as new; `again`: even then, for a source whose past has
        changed. Whether anything was written."""
        known = self.connection.execute(_KNOWN, (row.type, row.id)).fetchone()
        if known is not None:
            patient, version, at, part, source, is_there = known
            is_ours = source == self._source
            if is_ours and not again and (version, at) >= (row.version, row.at):
                return False
            if is_ours and (version, at, bool(is_there)) == (row.version, row.at, row.body is not None):
                return False
            self._take_away(row.type, row.id, known)
            if row.body is None:  # a deletion names no patient: it stays with whom the resource was about
                row = row.moved(patient, part)
        self.connection.execute(_PUT, row.stored(self._source))
        if row.body is not None:
            self._count(self._source, row.part, 1, member_digest(row.type, row.id, row.version, row.at))
        derive(self.connection, row)
        self.touched.update((row.patient, *row.others))
        self.new += 1
        return True

    def remove(self, type_: str, id_: str) -> None:
        """Take a resource away, and leave no trace of it."""
        known = self.connection.execute(_KNOWN, (type_, id_)).fetchone()
        if known is not None:
            self._take_away(type_, id_, known)

    def retain(self, part: int, named: Set[tuple[str, str]], patient: str | None = None) -> int:
        """Take away what is here of the source in this group, or of one patient of it, and is not named. How
        many there were, but for those known to be deleted."""
        gone = 0
        for owner, type_, id_, is_there in self.connection.execute(_PART, (part, self._source)).fetchall():
            if (type_, id_) not in named and patient in (None, owner):
                self.remove(type_, id_)
                gone += is_there
        return gone

    def forget(self, patient: str, part: int) -> None:
        """Take away all of a patient."""
        for type_, id_ in self.connection.execute(_PATIENT, (part, patient)).fetchall():
            self.remove(type_, id_)

    def finish(self) -> None:
        for (source, part), (count, value) in self._digests.items():
            found = self.connection.execute(_DIGEST, (source, part)).fetchone()
            if found is not None:
                count, value = count + found[0], value ^ int.from_bytes(found[1], "big")
            self.connection.execute(_SET_DIGEST, (source, part, count, value.to_bytes(DIGEST_BYTES, "big")))
        self._digests.clear()

    def _take_away(self, type_: str, id_: str, known: tuple[str, int, int, int, str, int]) -> None:
        patient, version, at, part, source, is_there = known
        if is_there:
            self._count(source, part, -1, member_digest(type_, id_, version, at))
        others = self.connection.execute(_OTHERS, (type_, id_)).fetchall()
        self.touched.update((patient, *(other[0] for other in others)))
        self.connection.execute(_REMOVE, (type_, id_))
        forget_derived(self.connection, type_, id_)

    def _count(self, source: str, part: int, by: int, digest: int) -> None:
        count, value = self._digests.get((source, part), (0, 0))
        self._digests[source, part] = (count + by, value ^ digest)


_KNOWN = "SELECT patient, version, at, part, source, body IS NOT NULL FROM resource WHERE type = ? AND id = ?"
_REMOVE = "DELETE FROM resource WHERE type = ? AND id = ?"
_PUT = "INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PART = "SELECT patient, type, id, body IS NOT NULL FROM resource WHERE part = ? AND source = ?"
_PATIENT = "SELECT type, id FROM resource WHERE part = ? AND patient = ?"
_OTHERS = "SELECT patient FROM also WHERE type = ? AND id = ?"
_DIGEST = "SELECT count, value FROM digest WHERE source = ? AND part = ?"
_SET_DIGEST = "INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?)"
