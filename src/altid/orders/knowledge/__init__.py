"""What is known of drugs by their ATC code. **Demonstration values, not clinical truth.**

`drugs.json` holds common maxima and renal rules, of the size that is usual for adults, and checked
against no source: enough to show and test every check. A hospital replaces it by the table that its drug
committee answers for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

from altid.orders.amount import Amount


@dataclass(frozen=True, slots=True)
class Known:
    """`most` is taken within `days` (1 or 7) at most, None if there is no such limit. `renal_days`: how old
    the newest creatinine or eGFR may be, None if none is needed."""

    name: str
    most: Amount | None = None
    days: int = 1
    renal_days: int | None = None


def of(atc: str | None) -> Known | None:
    """What is known of the drug with this ATC code."""
    return _table().get(atc) if atc else None


def crosses(atc: str, *, is_severe: bool) -> tuple[str, ...]:
    """Beginnings of ATC codes that are not given either to one who does not tolerate this: penicillins keep
    from cephalosporins, but only after a severe reaction."""
    known = _crossings().get(atc, {})
    return (*known.get("always", ()), *(known.get("severe", ()) if is_severe else ()))


@functools.cache
def _table() -> Mapping[str, Known]:
    return {atc: _known(row) for atc, row in _file("drugs.json").items()}


def _known(row: Mapping[str, Any]) -> Known:
    most = Amount(Decimal(row["most"]), row["unit"]) if "most" in row else None
    return Known(row["name"], most, row.get("days", 1), row.get("renal_days"))


@functools.cache
def _crossings() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    return _file("crossings.json")


def _file(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(resources.files(__package__).joinpath(name).read_bytes())
    return read
