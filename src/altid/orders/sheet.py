"""Uncertain orders as a table for spreadsheets, in which no value can become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from altid.orders.todo import NAMES, action_name, said
from altid.orders.verdict import Reconciliation, Uncertain
from altid.record.stored import instant
from altid.screen.words import Language

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a cell that a spreadsheet computes begins with."""
_COLUMNS: dict[Language, tuple[str, ...]] = {
    "da": (
        "årsag",
        "hospital",
        "afsnit",
        "ordination",
        "handling",
        "nøgle",
        "tidspunkt",
        "kilder",
        "steder",
        "gør",
    ),
    "en": ("reason", "hospital", "ward", "order", "action", "key", "time", "sources", "sites", "do"),
}
_PEOPLE: dict[Language, tuple[str, ...]] = {
    "da": ("patient", "navn", "ordineret af"),
    "en": ("patient", "name", "ordered by"),
}


def as_csv(found: Reconciliation, names: Mapping[str, str] | None, language: Language = "da") -> str:
    """One line for each order that is listed, RFC 4180. `names`: of patients by id; None: no people."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([*_COLUMNS[language], *(_PEOPLE[language] if names is not None else ())])
    for one in found.listed:
        people = [] if names is None else [one.patient, names.get(one.patient, ""), one.signer_name]
        writer.writerow([plain_cell(cell) for cell in (*_cells(one, language), *people)])
    return out.getvalue()


def plain_cell(text: str) -> str:
    """As text, whatever a spreadsheet would make of it: an apostrophe before what it would compute."""
    begins = text.lstrip(" ")
    return f"'{text}" if begins.startswith(_FORMULA) else text


def _cells(one: Uncertain, language: Language) -> list[str]:
    return [
        said(NAMES[one.why], language),
        one.ward.hospital,
        one.ward.ward,
        one.order,
        action_name(one.action, language),
        one.key,
        instant(one.at),
        " ".join(one.sources),
        " ".join(one.sites),
        said(one.todo, language),
    ]
