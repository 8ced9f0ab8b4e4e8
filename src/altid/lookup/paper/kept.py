"""Prints that were made before anybody needed them, in the copy, so encrypted as it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class Tables(Protocol):
    """The copy's file."""

    def reading(self) -> AbstractContextManager[Any]: ...
    def writing(self) -> AbstractContextManager[Any]: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """One print. `ward`: "" for blank forms; `data_at`: None where the age of the data was not known."""

    kind: str
    ward: str
    language: str
    made: datetime
    data_at: datetime | None
    patients: tuple[str, ...]
    content: bytes = field(repr=False)


def keep(tables: Tables, made: Kept, count: int) -> None:
    """Keep it, and of its kind and ward only the last `count`."""
    with tables.writing() as connection:
        connection.execute(
            "INSERT INTO paper (kind, ward, language, made, data_at, patients, content) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                made.kind,
                made.ward,
                made.language,
                made.made.isoformat(),
                made.data_at.isoformat() if made.data_at else None,
                json.dumps(made.patients),
                made.content,
            ),
        )
        connection.execute(
            "DELETE FROM paper WHERE kind = ?1 AND ward = ?2 AND language = ?3 AND id NOT IN ("
            "SELECT id FROM paper WHERE kind = ?1 AND ward = ?2 AND language = ?3 ORDER BY id DESC LIMIT ?4)",
            (made.kind, made.ward, made.language, count),
        )


def latest(tables: Tables, kind: str, ward: str, language: str) -> Kept | None:
    with tables.reading() as connection:
        row = connection.execute(
            "SELECT made, data_at, patients, content FROM paper "
            "WHERE kind = ? AND ward = ? AND language = ? ORDER BY id DESC LIMIT 1",
            (kind, ward, language),
        ).fetchone()
    if row is None:
        return None
    made, data_at, patients, content = row
    return Kept(
        kind,
        ward,
        language,
        datetime.fromisoformat(made),
        datetime.fromisoformat(data_at) if data_at else None,
        tuple(json.loads(patients)),
        content,
    )


def drop_others(tables: Tables, wards: Sequence[str]) -> None:
    """Of wards that the copy keeps no more."""
    with tables.writing() as connection:
        known = {row[0] for row in connection.execute("SELECT DISTINCT ward FROM paper WHERE ward <> ''")}
        for ward in known.difference(wards):
            connection.execute("DELETE FROM paper WHERE ward = ?", (ward,))
