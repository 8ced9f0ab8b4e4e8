"""Uncertain orders as a table for spreadsheets, in which no value can become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from altid.orders.reconcile import Reconciliation, Uncertain
from altid.orders.todo import NAMES, action_da
from altid.record.stored import instant

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a cell that a spreadsheet computes begins with."""
_COLUMNS = (
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
)
_PEOPLE = ("patient", "navn", "ordineret af")


def as_csv(found: Reconciliation, names: Mapping[str, str] | None) -> str:
    """One line for each order, RFC 4180, in Danish. `names`: of patients by id; None: no people."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([*_COLUMNS, *(_PEOPLE if names is not None else ())])
    for one in found.uncertain:
        people = [] if names is None else [one.patient, names.get(one.patient, ""), one.signer_name]
        writer.writerow([plain_cell(cell) for cell in (*_cells(one), *people)])
    return out.getvalue()


def plain_cell(text: str) -> str:
    """As text, whatever a spreadsheet would make of it: an apostrophe before what it would compute."""
    begins = text.lstrip(" ")
    return f"'{text}" if begins.startswith(_FORMULA) else text


def _cells(one: Uncertain) -> list[str]:
    return [
        NAMES[one.why].da,
        one.ward.hospital,
        one.ward.ward,
        one.order,
        action_da(one.action),
        one.key,
        instant(one.at),
        " ".join(one.sources),
        " ".join(one.sites),
        one.todo.da,
    ]
