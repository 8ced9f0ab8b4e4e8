"""Writing changes into the file: the resource, its group's digest, who can be found, who lies where."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from altid.lookup.entry import relations
from altid.lookup.file import Connection
from altid.lookup.rows import DIGEST_BYTES, Row, member_digest
from altid.screen.views.admission import is_stay
from altid.screen.views.elements import HL7, codes, element, elements, reference_key, text, texts

_PHYSICAL = f"{HL7}/location-physical-type"


def put(connection: Connection, row: Row, source: str, *, again: bool = False) -> bool:
    """Write a row unless what is there is as new; `again`: even then, for a source whose past has changed.
    Whether anything was written."""
    known = connection.execute(_KNOWN, (row.type, row.id)).fetchone()
    if known is not None:
        patient, version, at, part, old_source, is_there = known
        if not again and old_source == source and (version, at) >= (row.version, row.at):
            return False
        is_same = (version, at, bool(is_there)) == (row.version, row.at, row.body is not None)
        if is_same and old_source == source:
            return False
        if is_there:
            _count(connection, old_source, part, -1, member_digest(row.type, row.id, version, at))
        if patient != row.patient and row.body is None:
            row = _left_with(row, patient, part)
        connection.execute(_REMOVE, (row.type, row.id))
    connection.execute(
        _PUT,
        (row.patient, row.type, row.id, row.version, row.at, row.sort, row.part, source, row.body),
    )
    if row.body is not None:
        _count(connection, source, row.part, 1, member_digest(row.type, row.id, row.version, row.at))
    _derive(connection, row)
    return True


def remove(connection: Connection, type_: str, id_: str) -> None:
    """Take a resource away, and leave no trace of it."""
    known = connection.execute(_KNOWN, (type_, id_)).fetchone()
    if known is None:
        return
    _, version, at, part, source, is_there = known
    if is_there:
        _count(connection, source, part, -1, member_digest(type_, id_, version, at))
    connection.execute(_REMOVE, (type_, id_))
    _forget_derived(connection, type_, id_)


def search_word(written: str) -> str:
    """As words are kept and looked for: lower case, accents taken off, but æ, ø and å kept."""
    folded = written.casefold().replace("aa", "å")
    kept = (char if char in "æøå" else unicodedata.normalize("NFD", char) for char in folded)
    return "".join(char for char in "".join(kept) if not unicodedata.combining(char))


def _left_with(row: Row, patient: str, part: int) -> Row:
    """A deletion names no patient: it stays with whom the resource was about."""
    return Row(patient, row.type, row.id, row.version, row.at, row.sort, part, None, (), None)


def _count(connection: Connection, source: str, part: int, by: int, digest: int) -> None:
    found = connection.execute(_DIGEST, (source, part)).fetchone()
    count, value = (found[0], int.from_bytes(found[1], "big")) if found else (0, 0)
    connection.execute(
        _SET_DIGEST, (source, part, count + by, (value ^ digest).to_bytes(DIGEST_BYTES, "big"))
    )


def _derive(connection: Connection, row: Row) -> None:
    _forget_derived(connection, row.type, row.id)
    connection.executemany(_ALSO, [(other, row.type, row.id) for other in row.others])
    content = row.content
    if content is None:
        return
    relations.put(connection, row.type, row.id, content)
    if row.type == "Patient":
        words = {search_word(word) for word in _words(content)}
        connection.executemany(_WORD, [(word, row.id) for word in words if word])
    elif row.type == "Location":
        connection.execute(_PLACE, _place(content))
    elif row.type == "Encounter" and row.patient and is_stay(content):
        places = {place for place in _present(content) if place}
        connection.executemany(_STAY, [(row.id, place, row.patient) for place in places])


def _forget_derived(connection: Connection, type_: str, id_: str) -> None:
    connection.execute("DELETE FROM also WHERE type = ? AND id = ?", (type_, id_))
    relations.forget(connection, type_, id_)
    if type_ == "Patient":
        connection.execute("DELETE FROM person_word WHERE patient = ?", (id_,))
    elif type_ == "Location":
        connection.execute("DELETE FROM place WHERE id = ?", (id_,))
    elif type_ == "Encounter":
        connection.execute("DELETE FROM stay WHERE encounter = ?", (id_,))


def _words(patient: dict[str, Any]) -> Iterator[str]:
    for name in elements(patient.get("name")):
        for written in (*texts(name.get("given")), text(name.get("family")), text(name.get("text"))):
            yield from (written or "").replace("-", " ").split()
            yield from (written or "").replace("-", "").split()
    for identifier in elements(patient.get("identifier")):
        value = text(identifier.get("value"))
        if value:
            yield value.replace("-", "")


def _place(location: dict[str, Any]) -> tuple[str, str | None, bool, bool, str]:
    kinds = codes(location.get("physicalType"), _PHYSICAL)
    above = reference_key(location.get("partOf")) or ""
    return (
        location["id"],
        above.partition("/")[2] if above.startswith("Location/") else None,
        "wa" in kinds,
        "bd" in kinds,
        text(location.get("name")) or location["id"],
    )


def _present(encounter: dict[str, Any]) -> Iterable[str]:
    """Ids of the places where the patient is now."""
    for entry in elements(encounter.get("location")):
        is_here = entry.get("status") in (None, "active", "reserved")
        kind, _, identity = (reference_key(entry.get("location")) or "").partition("/")
        if kind == "Location" and is_here and not element(entry.get("period")).get("end"):
            yield identity


_KNOWN = "SELECT patient, version, at, part, source, body IS NOT NULL FROM resource WHERE type = ? AND id = ?"
_REMOVE = "DELETE FROM resource WHERE type = ? AND id = ?"
_PUT = "INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DIGEST = "SELECT count, value FROM digest WHERE source = ? AND part = ?"
_SET_DIGEST = "INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?)"
_ALSO = "INSERT OR IGNORE INTO also VALUES (?, ?, ?)"
_WORD = "INSERT OR IGNORE INTO person_word VALUES (?, ?)"
_PLACE = "INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?)"
_STAY = "INSERT OR IGNORE INTO stay VALUES (?, ?, ?)"
