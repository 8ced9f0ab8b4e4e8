"""The index entries of one resource: what a search can find it by.

Entries are plain strings and ranges. Terms and keys are scoped by type, `Type.code`; refs and present name
only the parameter's code, since they belong to a row of that type. See `altid.fhir.search.criteria` for how
searches use them.
"""

from __future__ import annotations

import decimal
from datetime import datetime
from typing import NamedTuple

STRING_LENGTH_MAX = 256
"""Characters of a string that can be searched; longer texts are cut (names and addresses never are)."""


class Entries(NamedTuple):
    """Nothing occurs twice within a list."""

    terms: list[str]
    """Looked up exactly, such as `Observation.code=http://loinc.org|8480-6`."""
    refs: list[str]
    """`code=Type/id` of each literal reference to a resource of this record."""
    present: list[str]
    """Codes of the parameters that have a value here."""
    dates: list[tuple[str, datetime, datetime]]
    """(key, low, high): the half-open period [low, high) in UTC."""
    numbers: list[tuple[str, decimal.Decimal, decimal.Decimal]]
    """(key, low, high): the closed range [low, high]; low = high for a single number."""
    quantities: list[tuple[str, decimal.Decimal, decimal.Decimal, str, str]]
    """(key, low, high, system, code): closed range and unit; "" for what is not given."""
    strings: list[tuple[str, str]]
    """(key, value): normalised, or as written for URIs; at most `STRING_LENGTH_MAX` characters."""
