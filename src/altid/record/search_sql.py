"""Criteria to SQL. A criterion becomes a condition on a row of `resource` that goes by an alias ("r").

Equality look-ups of all kinds meet in one GIN index over `terms`, so "this patient and this code" is one
index scan that begins with the rarer of the two. Ranges are semi-joins with the range tables; the planner
chooses the direction. Redundant bounds (marked) give it an index range where the standard's comparison
alone would have to look at every entry of the parameter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import count
from typing import Any

from altid.fhir.definitions import resource_types
from altid.fhir.search.about import PATIENT, about_codes
from altid.fhir.search.criteria import (
    AllOf,
    AnyOf,
    ChainCriterion,
    Criterion,
    DateCriterion,
    DateMatch,
    HasCriterion,
    IdCriterion,
    LastUpdatedCriterion,
    MissingCriterion,
    NumberCriterion,
    NumberMatch,
    Prefix,
    QuantityCriterion,
    QuantityMatch,
    Span,
    StringCriterion,
    StringMatch,
    TermCriterion,
    ValueSetCriterion,
)
from altid.fhir.search.hidden import Period
from altid.record.keys import name_key, present_key, term_keys
from altid.record.visibility import Visible, pinned

_DATE_CONDITIONS = {
    Prefix.EQUAL: "e.low >= {low} AND e.high <= {high} AND e.low < {high}",
    Prefix.NOT_EQUAL: "(e.low < {low} OR e.high > {high})",
    Prefix.GREATER: "e.high > {high}",
    Prefix.LESS: "e.low < {low}",
    Prefix.GREATER_OR_EQUAL: "(e.low >= {low} OR e.high > {high}) AND e.high > {low}",
    Prefix.LESS_OR_EQUAL: "(e.high <= {high} OR e.low < {low}) AND e.low < {high}",
    Prefix.STARTS_AFTER: "e.low >= {high}",
    Prefix.ENDS_BEFORE: "e.high <= {low}",
    Prefix.APPROXIMATE: "e.low < {high} AND e.high > {low}",
}
"""The last bound of eq, ge and le follows from the others; it is there for the index."""

_NUMBER_CONDITIONS = {
    Prefix.EQUAL: "e.low >= {low} AND e.high < {high} AND e.low < {high}",
    Prefix.NOT_EQUAL: "(e.low < {low} OR e.high >= {high})",
    Prefix.GREATER: "e.high > {high}",
    Prefix.LESS: "e.low < {low}",
    Prefix.GREATER_OR_EQUAL: "e.high >= {high}",
    Prefix.LESS_OR_EQUAL: "e.low <= {low}",
    Prefix.STARTS_AFTER: "e.low > {high}",
    Prefix.ENDS_BEFORE: "e.high < {low}",
    Prefix.APPROXIMATE: "e.low <= {high} AND e.high >= {low}",
}


_TERMS_MAX = 50_000
"""Terms of patients that a search which names nobody looks up in the index, some microseconds each. Measured
on 300,000 observations of 60,000 patients: one code among the patients of a ward of 50 takes 0.3 ms so, and
270 ms where each row's references are looked at instead; among 20,000 patients 2 s and 10 s."""

_RARE_TERM = re.compile(r"=(Patient|Encounter)/|\.identifier=")


class Conditions:
    """Writes conditions and collects the values of their placeholders, in order."""

    def __init__(self, visible: Visible) -> None:
        self.values: list[Any] = []
        self._visible = visible
        self._aliases = count(1)
        self._reaches: dict[bool, tuple[str, int]] = {}

    def placeholder(self, value: Any, cast: str = "") -> str:
        self.values.append(value)
        return f"${len(self.values)}{'::' + cast if cast else ''}"

    def written_at(self, spans: Sequence[Span], at: str) -> str:
        """The moment in column `at` lies in one of the spans."""
        return self._any(self._span(span, at) for span in spans)

    def rows(self, types: Sequence[str], criteria: Sequence[Criterion], alias: str) -> str:
        """The rows of these types (none: of all) that exist, may be shown, and satisfy every criterion."""
        parts = self._kind(types, criteria, alias) + self._all(types, criteria, alias)
        return " AND ".join(parts + self._shown(types, criteria, alias))

    def shown(self, types: Sequence[str], alias: str) -> str:
        """The rows of these types that may be shown, whatever else is asked of them."""
        return self._join(" AND ", self._shown(types, (), alias), "true")

    def _shown(self, types: Sequence[str], criteria: Sequence[Criterion], alias: str) -> list[str]:
        """What keeps out rows that may not be shown; nothing where the criteria do so themselves."""
        visible = self._visible
        if visible.is_everything or (types and visible.whole.issuperset(types)):
            return []
        if len(types) == 1 and types[0] in visible.bound:
            named = pinned(types[0], criteria)
            if named is not None and all(patient in visible.patients for patient in named):
                if types[0] == PATIENT:
                    return []
                return [
                    self._not_of_period(types[0], patient, visible.hidden[patient], alias)
                    for patient in sorted(named)
                    if patient in visible.hidden
                ]
        asked = set(types) & visible.types if types else visible.types
        ways = [self._about(group, alias) for group in _alike(sorted(asked & visible.bound))]
        whole = sorted(asked & visible.whole)
        if whole:
            ways.append(f"{alias}.type = ANY({self.placeholder(whole, 'text[]')})")
        return [self._any(ways)]

    def _about(self, group: Sequence[str], alias: str) -> str:
        """Rows of types that say alike whom they are about, about one of the patients. Of patients who have
        blocked a period nothing but who they are is found this way: whoever asks for them by name is shown
        the rest."""
        if group[0] == PATIENT:
            # A subquery of its own, so that PostgreSQL looks each id up in a hash.
            return f"({alias}.type = '{PATIENT}' AND {alias}.id IN (SELECT unnest({self._reach()[0]})))"
        codes, (patients, count) = about_codes(group[0]), self._reach(without_hidden=True)
        if len(group) * len(codes) * count <= _TERMS_MAX:
            terms = [f"{type_name}.{code}={PATIENT}/" for type_name in group for code in codes]
            prefix = self.placeholder(terms, "text[]")
            return (
                f"({alias}.terms && ARRAY(SELECT term(prefix || patient) "
                f"FROM unnest({prefix}) prefix CROSS JOIN unnest({patients}) patient))"
            )
        type_ = f"{alias}.type = ANY({self.placeholder(list(group), 'text[]')})"
        begins = self.placeholder([f"{code}={PATIENT}" for code in codes], "text[]")
        return (
            f"({type_} AND EXISTS (SELECT FROM unnest({alias}.refs) ref WHERE split_part(ref, '/', 1) = "
            f"ANY({begins}) AND split_part(ref, '/', 2) IN (SELECT unnest({patients}))))"
        )

    def _reach(self, *, without_hidden: bool = False) -> tuple[str, int]:
        """The placeholder of all patients, or of those who have blocked no period; and how many they are."""
        if without_hidden not in self._reaches:
            hidden: Collection[str] = self._visible.hidden if without_hidden else ()
            shown = [patient for patient in self._visible.patients if patient not in hidden]
            self._reaches[without_hidden] = self.placeholder(shown, "text[]"), len(shown)
        return self._reaches[without_hidden]

    def _not_of_period(self, type_: str, patient: str, periods: Sequence[Period], alias: str) -> str:
        """Rows about this patient only with a date, and with none in a period that is blocked."""
        terms = [f"{type_}.{code}={PATIENT}/{patient}" for code in about_codes(type_)]
        about = f"{alias}.terms && {self.placeholder(term_keys(terms), 'uuid[]')}"
        within = self._any(
            f"(e.low < {self.placeholder(period.high, 'timestamptz')} "
            f"AND e.high > {self.placeholder(period.low, 'timestamptz')})"
            for period in periods
        )
        dated = f"EXISTS (SELECT FROM index_date e WHERE e.rid = {alias}.rid)"
        blocked = f"EXISTS (SELECT FROM index_date e WHERE e.rid = {alias}.rid AND {within})"
        return f"(NOT {about} OR ({dated} AND NOT {blocked}))"

    def _kind(self, types: Sequence[str], criteria: Sequence[Criterion], alias: str) -> list[str]:
        """Type and existence, where the terms do not say both already: a term names its type, and a deleted
        row has none. Each condition less is planning time saved, and a bitmap that need not be made."""
        if any(_is_rare(c) for c in criteria):
            return []
        parts = [f"{alias}.body IS NOT NULL"]
        if len(types) == 1:
            parts.append(f"{alias}.type = {self.placeholder(types[0])}")
        elif types:
            parts.append(f"{alias}.type = ANY({self.placeholder(list(types), 'text[]')})")
        return parts

    def _all(self, types: Sequence[str], criteria: Sequence[Criterion], alias: str) -> list[str]:
        """Conditions of which all must hold; single terms are gathered into one index look-up."""
        single = [c.terms[0] for c in criteria if isinstance(c, TermCriterion) and _is_single_term(c)]
        others = [c for c in criteria if not _is_single_term(c)]
        parts = []
        if any(_is_rare(c) for c in criteria):
            # One condition each: PostgreSQL then expects few rows without looking at the values, and keeps
            # one plan for all patients instead of planning each search anew.
            parts += [f"{alias}.terms @> {self.placeholder(term_keys([t]), 'uuid[]')}" for t in single]
        elif single:
            parts.append(f"{alias}.terms @> {self.placeholder(term_keys(single), 'uuid[]')}")
        narrow = bool(single) or any(_is_narrow(c) for c in others)
        return parts + [self._one(types, c, alias, narrow) for c in others]

    def _one(self, types: Sequence[str], criterion: Criterion, alias: str, narrow: bool) -> str:
        match criterion:
            case TermCriterion(terms, negated):
                return self._not(negated, f"{alias}.terms && {self.placeholder(term_keys(terms), 'uuid[]')}")
            case StringCriterion(alternatives, negated):
                return self._not(
                    negated, self._exists("index_string", alias, map(self._string_match, alternatives))
                )
            case DateCriterion(alternatives):
                return self._exists("index_date", alias, map(self._date_match, alternatives))
            case NumberCriterion(alternatives):
                return self._exists("index_number", alias, map(self._number_match, alternatives))
            case QuantityCriterion(alternatives):
                return self._exists("index_quantity", alias, map(self._number_match, alternatives))
            case IdCriterion(ids, negated):
                return self._not(negated, f"{alias}.id = ANY({self.placeholder(list(ids), 'text[]')})")
            case LastUpdatedCriterion(spans):
                return self.written_at(spans, f"{alias}.last_updated")
            case MissingCriterion(codes, missing):
                keys = self.placeholder([present_key(code) for code in codes], "int[]")
                return self._not(missing, f"{alias}.present && {keys}")
            case ChainCriterion():
                return self._chain(types, criterion, alias)
            case HasCriterion():
                return self._has(criterion, alias, narrow)
            case AllOf(criteria):
                return self._join(" AND ", self._all(types, criteria, alias), "true")
            case AnyOf(criteria):
                return self._any(self._one(types, c, alias, narrow) for c in criteria)
            case ValueSetCriterion():
                raise AssertionError("value sets are expanded before SQL is written")

    def _exists(self, table: str, alias: str, alternatives: Iterable[str]) -> str:
        return f"EXISTS (SELECT FROM {table} e WHERE e.rid = {alias}.rid AND {self._any(alternatives)})"

    def _string_match(self, match: StringMatch) -> str:
        key = self.placeholder(name_key(match.key), "bigint")
        text = self.placeholder(match.text, "text")
        if match.kind == "contains":
            return f"(e.key = {key} AND strpos(e.value, {text}) > 0)"
        # Bounds rather than LIKE: they use the index whatever the text is, and need no escapes.
        beyond = self.placeholder(match.text + "\U0010ffff", "text")
        return f"(e.key = {key} AND e.value >= {text} AND e.value < {beyond})"

    def _date_match(self, match: DateMatch) -> str:
        return self._range(match.key, _DATE_CONDITIONS[match.prefix], match.low, match.high, "timestamptz")

    def _number_match(self, match: NumberMatch | QuantityMatch) -> str:
        condition = self._range(match.key, _NUMBER_CONDITIONS[match.prefix], match.low, match.high, "numeric")
        if isinstance(match, QuantityMatch):
            for column, wanted in (("system", match.system), ("unit", match.code)):
                if wanted is not None:
                    condition += f" AND e.{column} = {self.placeholder(wanted, 'text')}"
        return f"({condition})"

    def _range(self, key: str, condition: str, low: Any, high: Any, cast: str) -> str:
        low_placeholder = self.placeholder(low, cast) if "{low}" in condition else ""
        high_placeholder = self.placeholder(high, cast) if "{high}" in condition else ""
        bounds = condition.format(low=low_placeholder, high=high_placeholder)
        return f"(e.key = {self.placeholder(name_key(key), 'bigint')} AND {bounds})"

    def _span(self, span: Span, at: str) -> str:
        low, high = self.placeholder(span.low, "timestamptz"), self.placeholder(span.high, "timestamptz")
        return f"({at} >= {low} AND {at} < {high})"

    def _chain(self, types: Sequence[str], criterion: ChainCriterion, alias: str) -> str:
        target = f"t{next(self._aliases)}"
        rows = self.rows((criterion.target,), (criterion.criterion,), target)
        sources = types or sorted(resource_types())
        prefixes = [f"{type_}.{code}={criterion.target}/" for type_ in sources for code in criterion.codes]
        prefix = self.placeholder(prefixes, "text[]")
        return (
            f"{alias}.terms && ARRAY(SELECT term(prefix || {target}.id) "
            f"FROM resource {target} CROSS JOIN unnest({prefix}) prefix WHERE {rows})"
        )

    def _has(self, criterion: HasCriterion, alias: str, narrow: bool) -> str:
        source = f"s{next(self._aliases)}"
        rows = self.rows((criterion.source,), (criterion.criterion,), source)
        if narrow:
            # Few rows are asked about: look from each to the rows that point at it.
            pointers = " OR ".join(
                f"{source}.terms @> ARRAY[term("
                f"{self.placeholder(f'{criterion.source}.{code}=', 'text')} "
                f"|| {alias}.type || '/' || {alias}.id)]"
                for code in criterion.codes
            )
            return f"EXISTS (SELECT FROM resource {source} WHERE ({pointers}) AND {rows})"
        # Many are: collect what the source rows point at, once.
        prefix = self.placeholder([f"{code}=" for code in criterion.codes], "text[]")
        return (
            f"({alias}.type, {alias}.id) IN ("
            f"SELECT split_part(split_part(ref, '=', 2), '/', 1), split_part(ref, '/', 2) "
            f"FROM resource {source} CROSS JOIN unnest({source}.refs) ref CROSS JOIN unnest({prefix}) prefix "
            f"WHERE ref ^@ prefix AND {rows})"
        )

    @staticmethod
    def _not(negated: bool, condition: str) -> str:
        return f"NOT ({condition})" if negated else condition

    def _any(self, alternatives: Iterable[str]) -> str:
        return self._join(" OR ", list(alternatives), "false")

    @staticmethod
    def _join(operator: str, parts: list[str], empty: str) -> str:
        return f"({operator.join(parts)})" if parts else empty


def _alike(types: Sequence[str]) -> list[list[str]]:
    """The types in groups that say by the same references whom they are about; without those that say it
    by none."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for type_ in types:
        codes = (PATIENT,) if type_ == PATIENT else about_codes(type_)
        if codes:
            groups.setdefault(codes, []).append(type_)
    return list(groups.values())


def terms_of(criterion: Criterion) -> tuple[str, ...]:
    """The terms that a criterion asks for, where it asks for terms."""
    match criterion:
        case TermCriterion(terms, False):
            return terms
        case AllOf(criteria) | AnyOf(criteria):
            return tuple(term for part in criteria for term in terms_of(part))
        case _:
            return ()


def _is_rare(criterion: Criterion) -> bool:
    """A term that names one patient, one admission or one identifier has few rows, so their order by id is
    quickly made. For a common term (`gender=female`) the planner may want the index on type and id, which
    has the order but needs the type."""
    return (
        isinstance(criterion, TermCriterion)
        and _is_single_term(criterion)
        and _RARE_TERM.search(criterion.terms[0]) is not None
    )


def _is_single_term(criterion: Criterion) -> bool:
    return isinstance(criterion, TermCriterion) and len(criterion.terms) == 1 and not criterion.negated


def _is_narrow(criterion: Criterion) -> bool:
    """Does the criterion leave few rows, as far as one can tell without asking the database?"""
    match criterion:
        case TermCriterion(_, negated) | IdCriterion(_, negated) | StringCriterion(_, negated):
            return not negated
        case _:
            return False
