"""Gathers the entries of one resource, each once."""

from __future__ import annotations

import decimal
from datetime import datetime
from typing import Any

from altid.fhir.search.entries import Entries


class Collector:
    """Insertion-ordered sets; a dict's keys are the quickest there are. `root` is the resource."""

    __slots__ = ("dates", "numbers", "present", "quantities", "refs", "root", "strings", "terms")

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self.terms: dict[str, None] = {}
        self.refs: dict[str, None] = {}
        self.present: dict[str, None] = {}
        self.dates: dict[tuple[str, datetime, datetime], None] = {}
        self.numbers: dict[tuple[str, decimal.Decimal, decimal.Decimal], None] = {}
        self.quantities: dict[tuple[str, decimal.Decimal, decimal.Decimal, str, str], None] = {}
        self.strings: dict[tuple[str, str], None] = {}

    def entries(self) -> Entries:
        return Entries(
            list(self.terms),
            list(self.refs),
            list(self.present),
            list(self.dates),
            list(self.numbers),
            list(self.quantities),
            list(self.strings),
        )
