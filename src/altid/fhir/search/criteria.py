"""What a search asks for, as plain data reduced to index look-ups (R4 search.html).

A criterion is true or false of one stored resource ("row"), given the row's index entries
(`altid.fhir.search.entries.Entries`). Whoever writes SQL needs to know nothing of FHIR: every dataclass
says which entries it looks at and which comparison it means. Strings called *term* are looked up exactly
(after the same hashing as the stored terms), strings called *key* choose the rows of one range table.

Rows have a type. All terms and keys begin with `Type.`, so they need no further restriction to a type;
`present` and `refs` entries and the columns `id` and `last_updated` are to be combined with the row's type.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class Prefix(StrEnum):
    """How stored and searched ranges compare (R4 search.html#prefix); each criterion says its SQL."""

    EQUAL = "eq"
    NOT_EQUAL = "ne"
    GREATER = "gt"
    LESS = "lt"
    GREATER_OR_EQUAL = "ge"
    LESS_OR_EQUAL = "le"
    STARTS_AFTER = "sa"
    ENDS_BEFORE = "eb"
    APPROXIMATE = "ap"


@dataclass(frozen=True, slots=True)
class TermCriterion:
    """The row has at least one of `terms`; with `negated`, it has none of them.

    SQL: `terms && ARRAY[hash(term), ...]`, negated `NOT (terms && ...)`. Serves tokens, references, URIs,
    `string:exact`, `:identifier`, `:of-type` and composites of these.
    """

    terms: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class StringMatch:
    """One alternative of a string search.

    The row has a strings entry with this `key` whose value begins with `text` (`starts`) or has `text`
    anywhere (`contains`). `text` is normalised exactly like the stored value; it is no pattern, so `%`, `_`
    and `\\` in it must be escaped for LIKE.
    """

    key: str
    text: str
    kind: Literal["starts", "contains"]


@dataclass(frozen=True, slots=True)
class StringCriterion:
    """Any of the alternatives matches; `negated`: none does. SQL: `[NOT] EXISTS (... strings ...)`."""

    alternatives: tuple[StringMatch, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class DateMatch:
    """One alternative of a date search: dates entries [s_low, s_high) of `key` compared with [low, high).

    =========  ==================================================
    eq         s_low >= low AND s_high <= high
    ne         s_low < low OR s_high > high
    gt         s_high > high
    lt         s_low < low
    ge         s_low >= low OR s_high > high
    le         s_high <= high OR s_low < low
    sa         s_low >= high
    eb         s_high <= low
    ap         s_low < high AND s_high > low (low and high are widened already)
    =========  ==================================================
    """

    key: str
    prefix: Prefix
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class DateCriterion:
    """Some dates entry of the row satisfies any of the alternatives."""

    alternatives: tuple[DateMatch, ...]


@dataclass(frozen=True, slots=True)
class NumberMatch:
    """One alternative of a number search: compares stored *closed* ranges [s_low, s_high] of `key`.

    A single stored number has s_low = s_high: the precision of a stored number does not matter, that of the
    searched one does for eq, ne (low and high are half a unit of its last digit away) and ap (10 %).
    For the other prefixes low = high = the searched number.

    =========  ==================================================
    eq         s_low >= low AND s_high < high
    ne         s_low < low OR s_high >= high
    gt         s_high > high
    lt         s_low < low
    ge         s_high >= high
    le         s_low <= low
    sa         s_low > high
    eb         s_high < low
    ap         s_low <= high AND s_high >= low
    =========  ==================================================
    """

    key: str
    prefix: Prefix
    low: decimal.Decimal
    high: decimal.Decimal


@dataclass(frozen=True, slots=True)
class NumberCriterion:
    """Some numbers entry of the row satisfies any of the alternatives."""

    alternatives: tuple[NumberMatch, ...]


@dataclass(frozen=True, slots=True)
class QuantityMatch:
    """One alternative of a quantity search: as `NumberMatch` on quantities entries, and in the same entry
    `system` and `code` equal the given ones; None means any.
    """

    key: str
    prefix: Prefix
    low: decimal.Decimal
    high: decimal.Decimal
    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class QuantityCriterion:
    """Some quantities entry of the row satisfies any of the alternatives."""

    alternatives: tuple[QuantityMatch, ...]


@dataclass(frozen=True, slots=True)
class IdCriterion:
    """The row's id is one of `ids`; `negated`: it is none of them."""

    ids: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A moment t with low <= t < high; `EARLIEST` and `LATEST` of `altid.fhir.periods` mean no limit."""

    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class LastUpdatedCriterion:
    """The row's `last_updated` lies in any of the spans (all prefixes are reduced to spans)."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class MissingCriterion:
    """`:missing`. SQL: missing → `NOT (present && codes)`, else `present && codes`."""

    codes: tuple[str, ...]
    missing: bool


@dataclass(frozen=True, slots=True)
class ValueSetCriterion:
    """`:in` with a value set that must be stored in the record.

    The record finds the ValueSet whose url is `value_set` (`|version` may follow), lists its codes
    (`altid.fhir.search.value_sets.codes`) and turns them into a `TermCriterion` with `terms_of`.
    If none is stored, the search is refused.
    """

    prefixes: tuple[str, ...]
    """What comes before `SYSTEM|CODE` in a term, such as `Observation.code=`; any of them."""
    bare: bool
    """The element is a plain code without a system: the term is prefix + CODE."""
    value_set: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ChainCriterion:
    """The row refers, by one of `codes`, to a row of type `target` for which `criterion` holds.

    SQL: `refs && ARRAY(SELECT code || '=' || target || '/' || t.id FROM target rows t WHERE criterion(t))`
    for each code.
    """

    codes: tuple[str, ...]
    target: str
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class HasCriterion:
    """Some row of type `source` for which `criterion` holds refers to this row by one of `codes` (`_has`).

    SQL: `EXISTS (SELECT FROM source rows s WHERE criterion(s) AND s.refs && ARRAY[code=type/id, ...])`.
    `_list=42` is reduced to this too: source List, codes item, criterion id 42.
    """

    source: str
    codes: tuple[str, ...]
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of `criteria` holds; of nothing: true."""

    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of `criteria` holds; of nothing: false."""

    criteria: tuple[Criterion, ...]


Criterion = (
    TermCriterion
    | StringCriterion
    | DateCriterion
    | NumberCriterion
    | QuantityCriterion
    | IdCriterion
    | LastUpdatedCriterion
    | MissingCriterion
    | ValueSetCriterion
    | ChainCriterion
    | HasCriterion
    | AllOf
    | AnyOf
)

NOTHING = AnyOf(())
"""A criterion that no row satisfies."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One sort criterion; rows without a value come last in both directions.

    `table` `id` and `last_updated` are columns. The others are range tables: ascending sorts by the least
    low (dates, numbers, quantities) or value (strings) among the row's entries of `keys`, descending by the
    greatest high or value. Quantities are compared by number alone.
    """

    table: Literal["id", "last_updated", "dates", "numbers", "quantities", "strings"]
    keys: tuple[str, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class Include:
    """`_include`: from result rows of type `source`, follow refs entries.

    `_revinclude` (`reverse`): rows of type `source` whose refs entries point to result rows.
    """

    source: str
    codes: tuple[str, ...]
    """Parameter codes as in refs entries; empty means all."""
    targets: tuple[str, ...]
    """Only references to these types; empty means any."""
    iterate: bool = False
    reverse: bool = False


Summary = Literal["false", "true", "text", "data", "count"]
Total = Literal["none", "estimate", "accurate"]


@dataclass(frozen=True, slots=True)
class Query:
    """A search that was understood.

    All `criteria` must hold. `types` are the types searched: one for `GET /Observation?`, several for a
    search of the whole system with `_type`, empty for all types.
    """

    types: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    includes: tuple[Include, ...] = ()
    sort: tuple[SortKey, ...] = ()
    count: int | None = None
    """Results a page; 0 means only the total is wanted; None leaves it to the server."""
    page: str | None = None
    """Opaque token of a page, as the server put it into a link (`_page`)."""
    total: Total | None = None
    summary: Summary = "false"
    elements: tuple[str, ...] = ()
    """Top-level elements wanted (`_elements`); empty means all."""
    unknown: tuple[str, ...] = ()
    """Names of parameters that mean nothing here, cut to 64 characters. A strict server refuses them."""

    @property
    def type(self) -> str | None:
        """The type searched, None if it is several."""
        return self.types[0] if len(self.types) == 1 else None
