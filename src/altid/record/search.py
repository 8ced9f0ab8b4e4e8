"""Run a search: one statement for a page, one more for what the page includes.

Pages are cut by the values where the last one ended (keyset), with the resource's id as the last sort key:
page 1,000 costs what page 1 costs, and a write between two pages can neither repeat nor hide a resource
that was not itself changed. What was created after the first page was read does not appear in later ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from altid.fhir import json
from altid.fhir.outcome import refuse
from altid.fhir.periods import EARLIEST, LATEST
from altid.fhir.search.criteria import (
    AllOf,
    AnyOf,
    ChainCriterion,
    Criterion,
    HasCriterion,
    LastUpdatedCriterion,
    Query,
    SortKey,
    TermCriterion,
    ValueSetCriterion,
)
from altid.fhir.search.value_sets import codes, terms_of
from altid.record.database import Connection
from altid.record.keys import name_key, term_key
from altid.record.search_sql import Conditions
from altid.record.stored import Found, Stored, compose
from altid.record.visibility import EVERYTHING, Visible

_TABLES = {
    "dates": ("index_date", "low", "high", "timestamptz"),
    "numbers": ("index_number", "low", "high", "numeric"),
    "quantities": ("index_quantity", "low", "high", "numeric"),
    "strings": ("index_string", "value", "value", "text"),
}
_PLACE = re.compile(r"=(Organization|Location)/")
_COLUMN_SORTS = ("id", "last_updated")
_COLUMNS = "r.type, r.id, r.version, r.last_updated, r.body, r.refs"
_NEWEST = "SELECT last_value FROM resource_rid"
_VALUE_SET = """
SELECT type, id, version, last_updated, body FROM resource WHERE terms @> $1::uuid[] ORDER BY id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Resume:
    """Where the next page goes on: the last resource's sort values, id and type, and the newest row that
    there was when the first page was read."""

    values: tuple[str | None, ...]
    id: str
    type: str
    newest_rid: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of results; `resume` is None at the end."""

    found: Sequence[Found]
    resume: Resume | None


async def search(
    connection: Connection, query: Query, visible: Visible, *, count: int, resume: Resume | None = None
) -> Page:
    """The next `count` resources that match and may be shown, in the query's order."""
    query = await expand_value_sets(connection, query)
    rows, all_found = await _rows(connection, query, visible, count + 1, resume)
    found = all_found[:count]
    if len(rows) <= count:
        return Page(found, None)
    last = rows[count - 1]
    newest = resume.newest_rid if resume else await connection.fetchval(_NEWEST)
    return Page(found, Resume(tuple(_text(value) for value in last[6:]), last[1], last[0], newest))


async def _rows(
    connection: Connection, query: Query, visible: Visible, limit: int, resume: Resume | None
) -> tuple[list[Any], list[Found]]:
    """The first `limit` rows, and what they hold.

    Who asks for a place mostly works there. So these are looked for as if everything might be shown, and
    anew only where they are not all to be shown: a place's patients are cheaper held against a hospital's
    than the other way round.
    """
    for allowed in (EVERYTHING, visible) if _names_a_place(query) else (visible,):
        sql, values = _page_sql(query, allowed, limit, resume)
        rows = await connection.fetch(sql, *values)
        found = [Found(Stored(*row[:5]), row[5]) for row in rows]
        if allowed is visible or all(map(visible.surely_shows, found)):
            break
    return rows, found


def _names_a_place(query: Query) -> bool:
    """One type, of a ward, a clinic or a room, and nothing that would be found through hidden rows."""
    single = [c for c in query.criteria if isinstance(c, TermCriterion) and len(c.terms) == 1]
    return (
        len(query.types) == 1
        and len(single) == len(query.criteria)
        and any(not c.negated and _PLACE.search(c.terms[0]) for c in single)
    )


async def total(connection: Connection, query: Query, visible: Visible) -> int:
    """How many match and may be shown, counted exactly."""
    query = await expand_value_sets(connection, query)
    conditions = Conditions(visible)
    where = _where(query, conditions)
    counted: int = await connection.fetchval(
        f"SELECT count(*) FROM {_from(query)} WHERE {where}", *conditions.values
    )
    return counted


async def count_up_to(connection: Connection, query: Query, visible: Visible, most: int) -> int:
    """How many match and may be shown, but no more than `most`: counting goes no further."""
    query = await expand_value_sets(connection, query)
    conditions = Conditions(visible)
    where = _where(query, conditions)
    counted: int = await connection.fetchval(
        f"SELECT count(*) FROM (SELECT FROM {_from(query)} WHERE {where} LIMIT {most}) found",
        *conditions.values,
    )
    return counted


async def estimate(connection: Connection, query: Query, visible: Visible) -> int:
    """How many match, as the planner thinks: quick whatever the size of the record."""
    query = await expand_value_sets(connection, query)
    conditions = Conditions(visible)
    where = _where(query, conditions)
    plan = await connection.fetchval(
        f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {_from(query)} WHERE {where}", *conditions.values
    )
    return int(json.loads(plan.encode())[0]["Plan"]["Plan Rows"])


async def find_ids(connection: Connection, query: Query, *, count: int) -> list[str]:
    """Ids of at most `count` matches, whoever may see them: all that a condition needs to know."""
    query = await expand_value_sets(connection, query)
    conditions = Conditions(EVERYTHING)
    where = _where(query, conditions)
    rows = await connection.fetch(
        f"SELECT r.id FROM {_from(query)} WHERE {where} LIMIT {count}", *conditions.values
    )
    return [row[0] for row in rows]


def _page_sql(query: Query, visible: Visible, limit: int, resume: Resume | None) -> tuple[str, list[Any]]:
    conditions = Conditions(visible)
    where = _where(query, conditions)
    sorts = [_sort_value(key, conditions) for key in query.sort]
    columns = "".join(f", {sort} AS s{number}" for number, sort in enumerate(sorts))
    order = [_order(key, number) for number, key in enumerate(query.sort)] + _last_order(query)
    page = f"SELECT {_COLUMNS}{columns} FROM {_from(query)} WHERE {where}"
    if resume is not None:
        newest = conditions.placeholder(resume.newest_rid, "bigint")
        after = _after(query, resume, conditions)
        page = f"SELECT * FROM ({page} AND r.rid <= {newest}) page WHERE {after}"
    return f"{page} ORDER BY {', '.join(order)} LIMIT {limit}", conditions.values


def _from(query: Query) -> str:
    """`change` is in order of time and `resource` is not, so questions of time are asked of `change`."""
    if _asks_for_time(query):
        return "resource r JOIN change c ON c.rid = r.rid AND c.version = r.version AND c.type = r.type"
    return "resource r"


def _asks_for_time(query: Query) -> bool:
    return any(key.table == "last_updated" for key in query.sort) or any(
        isinstance(criterion, LastUpdatedCriterion) for criterion in query.criteria
    )


def _where(query: Query, conditions: Conditions) -> str:
    where = conditions.rows(query.types, query.criteria, "r")
    if not _asks_for_time(query):
        return where
    for criterion in query.criteria:
        if isinstance(criterion, LastUpdatedCriterion):
            where += f" AND {conditions.written_at(criterion.spans, 'c.at')}"
    if len(query.types) == 1:
        where += f" AND c.type = {conditions.placeholder(query.types[0])}"
    return where


def _sort_value(key: SortKey, conditions: Conditions) -> str:
    if key.table == "id":
        return "r.id"
    if key.table == "last_updated":
        return "c.at"
    table, low, high, _ = _TABLES[key.table]
    keys = conditions.placeholder([name_key(name) for name in key.keys], "bigint[]")
    value = f"max(e.{high})" if key.descending else f"min(e.{low})"
    return f"(SELECT {value} FROM {table} e WHERE e.rid = r.rid AND e.key = ANY({keys}))"


def _order(key: SortKey, number: int) -> str:
    direction = "DESC" if key.descending else "ASC"
    # Columns are never null, and only without the clause does their index have the order.
    return f"s{number} {direction}" + ("" if key.table in _COLUMN_SORTS else " NULLS LAST")


def _last_order(query: Query) -> list[str]:
    """What decides between equals; the order of the index on type and id."""
    return ["id"] if len(query.types) == 1 else ["type", "id"]


def _after(query: Query, resume: Resume, conditions: Conditions) -> str:
    """Rows behind the last one shown: beyond it in the first sort value, or equal there and so on."""
    keys = query.sort
    condition = f"id > {conditions.placeholder(resume.id, 'text')}"
    if len(query.types) != 1:
        type_ = conditions.placeholder(resume.type, "text")
        condition = f"(type > {type_} OR (type = {type_} AND {condition}))"
    for number in reversed(range(len(keys))):
        value = resume.values[number]
        if value is None:
            condition = f"(s{number} IS NULL AND {condition})"
            continue
        cast = _cast(keys[number])
        # As text in the statement: the token holds text, and PostgreSQL reads every type from it.
        at = f"({conditions.placeholder(value, 'text')})::{cast}"
        beyond = "<" if keys[number].descending else ">"
        nulls = "" if keys[number].table in _COLUMN_SORTS else f"OR s{number} IS NULL "
        condition = f"(s{number} {beyond} {at} {nulls}OR (s{number} = {at} AND {condition}))"
    return condition


def _cast(key: SortKey) -> str:
    match key.table:
        case "id":
            return "text"
        case "last_updated":
            return "timestamptz"
        case _:
            return _TABLES[key.table][3]


def _text(value: datetime | Decimal | str | None) -> str | None:
    """A sort value as PostgreSQL writes it; an open period's end comes back as the last of all moments."""
    if not isinstance(value, datetime):
        return None if value is None else str(value)
    if value.replace(tzinfo=UTC) in (EARLIEST, LATEST):
        return "infinity" if value.year == LATEST.year else "-infinity"
    return value.isoformat()


async def expand_value_sets(connection: Connection, query: Query) -> Query:
    """Replace `:in` criteria by the terms of the codes that their stored value sets list."""
    if not any(_mentions_value_set(criterion) for criterion in query.criteria):
        return query
    return replace(query, criteria=tuple([await _expand(connection, c) for c in query.criteria]))


def _mentions_value_set(criterion: Criterion) -> bool:
    match criterion:
        case ValueSetCriterion():
            return True
        case ChainCriterion(criterion=inner) | HasCriterion(criterion=inner):
            return _mentions_value_set(inner)
        case AllOf(criteria) | AnyOf(criteria):
            return any(_mentions_value_set(part) for part in criteria)
        case _:
            return False


async def _expand(connection: Connection, criterion: Criterion) -> Criterion:
    match criterion:
        case ValueSetCriterion():
            return await _expand_one(connection, criterion)
        case ChainCriterion(criterion=inner) | HasCriterion(criterion=inner):
            return replace(criterion, criterion=await _expand(connection, inner))
        case AllOf(criteria) | AnyOf(criteria):
            return replace(criterion, criteria=tuple([await _expand(connection, c) for c in criteria]))
        case _:
            return criterion


async def _expand_one(connection: Connection, criterion: ValueSetCriterion) -> TermCriterion:
    url, _, version = criterion.value_set.partition("|")
    keys = [term_key(f"ValueSet.url={url}")] + ([term_key(f"ValueSet.version={version}")] if version else [])
    row = await connection.fetchrow(_VALUE_SET, keys)
    if row is None:
        raise refuse(
            400,
            "not-found",
            "The value set of :in is not known to this record.",
            "Værdisættet i :in kendes ikke af denne journal.",
        )
    return TermCriterion(terms_of(criterion, codes(json.loads(compose(Stored(*row))))), criterion.negated)
