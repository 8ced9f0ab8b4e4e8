"""`_include` and `_revinclude`: what else a page of results brings along (R4 search.html#include)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from altid.fhir.search.criteria import Include
from altid.fhir.search.parameters import reference_codes
from altid.record.database import Connection
from altid.record.keys import term_key
from altid.record.search_sql import Conditions
from altid.record.stored import Found, Stored
from altid.record.visibility import Visible

INCLUDED_MAX = 2_000
"""Resources that one page may bring along; more would be an export."""
_ITERATIONS_MAX = 5
"""Rounds of :iterate; also what ends a circle of references."""

Key = tuple[str, str]

_COLUMNS = "r.type, r.id, r.version, r.last_updated, r.body, r.refs"


async def included(
    connection: Connection, includes: Sequence[Include], results: Sequence[Found], visible: Visible
) -> tuple[list[Found], bool]:
    """What the includes add to these results, each resource once and only what may be shown, and whether the
    limit cut something off. Nothing is followed through what may not be shown."""
    seen = {(found.stored.type, found.stored.id) for found in results}
    added: list[Found] = []
    fresh, rules = list(results), list(includes)
    for _ in range(_ITERATIONS_MAX):
        fresh = await _round(connection, rules, fresh, seen, visible, INCLUDED_MAX + 1 - len(added))
        added += fresh
        rules = [rule for rule in includes if rule.iterate]
        if not fresh or not rules or len(added) > INCLUDED_MAX:
            break
    return added[:INCLUDED_MAX], len(added) > INCLUDED_MAX


async def _round(
    connection: Connection,
    rules: Sequence[Include],
    fresh: Sequence[Found],
    seen: set[Key],
    visible: Visible,
    room: int,
) -> list[Found]:
    added: list[Found] = []
    for rule in rules:
        rows = await (_reverse if rule.reverse else _forward)(
            connection, rule, fresh, seen, visible, room - len(added)
        )
        for found in rows:
            key = (found.stored.type, found.stored.id)
            if key not in seen:
                seen.add(key)
                added.append(found)
    return added


async def _forward(
    connection: Connection,
    rule: Include,
    fresh: Sequence[Found],
    seen: set[Key],
    visible: Visible,
    room: int,
) -> list[Found]:
    keys = {key for found in fresh if found.stored.type == rule.source for key in _targets(rule, found.refs)}
    shown_types = visible.types
    wanted = sorted(key for key in keys - seen if key[0] in shown_types)
    if not wanted or room <= 0:
        return []
    types, ids = zip(*wanted, strict=True)
    conditions = Conditions(visible)
    pairs = f"{conditions.placeholder(list(types), 'text[]')}, {conditions.placeholder(list(ids), 'text[]')}"
    shown = conditions.shown(sorted(set(types)), "r")
    return _found(
        await connection.fetch(
            f"SELECT {_COLUMNS} FROM unnest({pairs}) AS wanted (type, id) "
            f"JOIN resource r ON r.type = wanted.type AND r.id = wanted.id "
            f"WHERE r.body IS NOT NULL AND {shown} LIMIT {room}",
            *conditions.values,
        )
    )


def _targets(rule: Include, refs: Iterable[str]) -> Iterable[Key]:
    for ref in refs:
        code, _, target = ref.partition("=")
        type_, _, id_ = target.partition("/")
        if (not rule.codes or code in rule.codes) and (not rule.targets or type_ in rule.targets):
            yield type_, id_


async def _reverse(
    connection: Connection,
    rule: Include,
    fresh: Sequence[Found],
    _seen: set[Key],
    visible: Visible,
    room: int,
) -> list[Found]:
    codes = rule.codes or reference_codes(rule.source)
    terms = [
        term_key(f"{rule.source}.{code}={found.stored.type}/{found.stored.id}")
        for found in fresh
        if not rule.targets or found.stored.type in rule.targets
        for code in codes
    ]
    if not terms or room <= 0:
        return []
    conditions = Conditions(visible)
    type_, keys = conditions.placeholder(rule.source), conditions.placeholder(terms, "uuid[]")
    shown = conditions.shown([rule.source], "r")
    return _found(
        await connection.fetch(
            f"SELECT {_COLUMNS} FROM resource r WHERE r.type = {type_} AND r.terms && {keys} "
            f"AND r.body IS NOT NULL AND {shown} ORDER BY r.id LIMIT {room}",
            *conditions.values,
        )
    )


def _found(rows: Iterable[Sequence[object]]) -> list[Found]:
    return [Found(Stored(*row[:5]), row[5]) for row in rows]  # type: ignore[arg-type]
