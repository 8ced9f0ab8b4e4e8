"""Kept beside the resources as they come in: words by which people are found, places, who lies where."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from altid.lookup.entry import relations
from altid.lookup.file import Connection
from altid.lookup.rows import Row
from altid.screen.views.admission import is_stay
from altid.screen.views.elements import HL7, codes, element, elements, reference_key, text, texts

_PHYSICAL = f"{HL7}/location-physical-type"


def derive(connection: Connection, row: Row) -> None:
    """Of a resource that is new here, or whose traces were taken away."""
    for other in row.others:
        connection.execute(_ALSO, (other, row.type, row.id))
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
        places = set(_present(content))
        connection.executemany(_STAY, [(row.id, place, row.patient) for place in places])


def forget_derived(connection: Connection, type_: str, id_: str) -> None:
    """The resource is as good as gone: nobody is found by it."""
    connection.execute("DELETE FROM also WHERE type = ? AND id = ?", (type_, id_))
    relations.forget(connection, type_, id_)
    if type_ == "Patient":
        connection.execute("DELETE FROM person_word WHERE patient = ?", (id_,))
    elif type_ == "Location":
        connection.execute("DELETE FROM place WHERE id = ?", (id_,))
    elif type_ == "Encounter":
        connection.execute("DELETE FROM stay WHERE encounter = ?", (id_,))


def search_word(written: str) -> str:
    """As words are kept and looked for: lower case, accents taken off, but æ, ø and å kept."""
    folded = written.casefold().replace("aa", "å")
    kept = (char if char in "æøå" else unicodedata.normalize("NFD", char) for char in folded)
    return "".join(char for char in "".join(kept) if not unicodedata.combining(char))


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


_ALSO = "INSERT OR IGNORE INTO also VALUES (?, ?, ?)"
_WORD = "INSERT OR IGNORE INTO person_word VALUES (?, ?)"
_PLACE = "INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?)"
_STAY = "INSERT OR IGNORE INTO stay VALUES (?, ?, ?)"
