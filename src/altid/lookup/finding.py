"""Who lies where, and who is called so: wards, beds, and the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from altid.lookup.charts import PATIENT_BODY, read_chart
from altid.lookup.derived import search_word
from altid.lookup.file import Connection
from altid.lookup.rows import loads, part_of, unpack
from altid.screen.views.admission import Place, admission_of
from altid.screen.views.identity import Identity, identity_of, name_order

FOUND_MAX = 51
"""One page of fifty, and one more that tells that there are more."""
_WORDS_MAX = 8
_MATCHES_MAX = 20_000
"""Of one word: who writes `j` alone is shown the first of many."""


@dataclass(frozen=True, slots=True)
class WardRow:
    """`taken`: patients there now; `beds`: None where nobody has told of beds."""

    id: str
    name: str
    taken: int
    beds: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody who fits the search. `ward`: its id, None for who lies nowhere."""

    identity: Identity
    place: Place | None
    ward: str | None


def wards(connection: Connection) -> tuple[WardRow, ...]:
    """All wards, by name."""
    rows = connection.execute(_WARDS).fetchall()
    found = (WardRow(identity, name, taken, beds or None) for identity, name, taken, beds in rows)
    return tuple(sorted(found, key=lambda row: row.name.casefold()))


def lying_in(connection: Connection, ward: str) -> tuple[str, ...]:
    """Ids of the patients in a ward's rooms and beds."""
    return tuple(row[0] for row in connection.execute(_LYING, (ward,)))


def lying(connection: Connection) -> frozenset[str]:
    """Ids of all patients who lie somewhere."""
    return frozenset(row[0] for row in connection.execute("SELECT DISTINCT patient FROM stay"))


def search(connection: Connection, text: str, now: datetime) -> tuple[Found, ...]:
    """Who fits every word: a name's beginning, a number, a ward's name. Nobody for a text without words."""
    words = [search_word(word.replace("-", "")) for word in text.split()][:_WORDS_MAX]
    words = [word for word in words if word]
    if not words:
        return ()
    fitting: set[str] | None = None
    for word in words:
        some = _fitting(connection, word)
        fitting = some if fitting is None else fitting & some
        if not fitting:
            return ()
    assert fitting is not None
    people = [
        identity_of(loads(unpack(body))) for body in _people(connection, sorted(fitting)[: 20 * FOUND_MAX])
    ]
    people.sort(key=name_order)
    return tuple(_found(connection, identity, now) for identity in people[:FOUND_MAX])


def _fitting(connection: Connection, word: str) -> set[str]:
    end = word + "\U0010ffff"
    found = {row[0] for row in connection.execute(_WORD, (word, end, _MATCHES_MAX))}
    for identity, name in connection.execute("SELECT id, name FROM place WHERE is_ward"):
        if any(search_word(part).startswith(word) for part in name.replace(",", " ").split()):
            found.update(lying_in(connection, identity))
    return found


def _people(connection: Connection, ids: Sequence[str]) -> list[bytes]:
    rows = (connection.execute(PATIENT_BODY, (part_of(identity), identity)).fetchone() for identity in ids)
    return [row[0] for row in rows if row is not None]


def _found(connection: Connection, identity: Identity, now: datetime) -> Found:
    row = connection.execute(_WARD_OF, (identity.id,)).fetchone()
    chart = read_chart(connection, identity.id, now, ("Encounter",)) if row else None
    stays = admission_of(chart).current if chart else ()
    return Found(identity, stays[0].place if stays else None, row[0] if row else None)


_LYING = """
WITH RECURSIVE under (id) AS (
    SELECT ?1 UNION SELECT p.id FROM place p JOIN under u ON p.part_of = u.id)
SELECT DISTINCT s.patient FROM under u JOIN stay s ON s.location = u.id ORDER BY s.patient
"""
_WARDS = """
WITH RECURSIVE under (ward, id) AS (
    SELECT id, id FROM place WHERE is_ward
    UNION SELECT u.ward, p.id FROM place p JOIN under u ON p.part_of = u.id WHERE NOT p.is_ward)
SELECT w.id, w.name,
       (SELECT count(DISTINCT s.patient) FROM under u JOIN stay s ON s.location = u.id WHERE u.ward = w.id),
       (SELECT count(*) FROM under u JOIN place p ON p.id = u.id WHERE u.ward = w.id AND p.is_bed)
  FROM place w WHERE w.is_ward
"""
_WORD = "SELECT patient FROM person_word WHERE word >= ? AND word < ? LIMIT ?"
_WARD_OF = """
WITH RECURSIVE up (id) AS (
    SELECT location FROM stay WHERE patient = ?1
    UNION SELECT p.part_of FROM place p JOIN up u ON p.id = u.id WHERE p.part_of IS NOT NULL)
SELECT p.id FROM up u JOIN place p ON p.id = u.id WHERE p.is_ward LIMIT 1
"""
