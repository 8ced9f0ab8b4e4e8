"""`_include` and `_revinclude`: what else a page of results brings along (R4 search.html#include)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from altid.fhir.search.criteria import Include
from altid.fhir.search.parameters import reference_codes
from altid.record.database import Connection
from altid.record.keys import term_key
from altid.record.search import Found
from altid.record.stored import Stored

INCLUDED_MAX = 2_000
"""Resources that one page may bring along; more would be an export."""
_ITERATIONS_MAX = 5
"""Rounds of :iterate; also what ends a circle of references."""

Key = tuple[str, str]

_FORWARD = """
SELECT r.type, r.id, r.version, r.last_updated, r.body, r.refs
  FROM unnest($1::text[], $2::text[]) AS wanted (type, id)
  JOIN resource r ON r.type = wanted.type AND r.id = wanted.id
 WHERE r.body IS NOT NULL LIMIT $3
"""
_REVERSE = """
SELECT type, id, version, last_updated, body, refs
  FROM resource WHERE type = $1 AND terms && $2::uuid[] AND body IS NOT NULL ORDER BY id LIMIT $3
"""


async def included(
    connection: Connection, includes: Sequence[Include], results: Sequence[Found]
) -> tuple[list[Stored], bool]:
    """What the includes add to these results, each resource once, and whether the limit cut something off."""
    seen = {(found.stored.type, found.stored.id) for found in results}
    added: list[Found] = []
    fresh, rules = list(results), list(includes)
    for _ in range(_ITERATIONS_MAX):
        fresh = await _round(connection, rules, fresh, seen, INCLUDED_MAX + 1 - len(added))
        added += fresh
        rules = [rule for rule in includes if rule.iterate]
        if not fresh or not rules or len(added) > INCLUDED_MAX:
            break
    return [found.stored for found in added[:INCLUDED_MAX]], len(added) > INCLUDED_MAX


async def _round(
    connection: Connection, rules: Sequence[Include], fresh: Sequence[Found], seen: set[Key], room: int
) -> list[Found]:
    added: list[Found] = []
    for rule in rules:
        rows = await (_reverse if rule.reverse else _forward)(
            connection, rule, fresh, seen, room - len(added)
        )
        for found in rows:
            key = (found.stored.type, found.stored.id)
            if key not in seen:
                seen.add(key)
                added.append(found)
    return added


async def _forward(
    connection: Connection, rule: Include, fresh: Sequence[Found], seen: set[Key], room: int
) -> list[Found]:
    keys = {key for found in fresh if found.stored.type == rule.source for key in _targets(rule, found.refs)}
    wanted = sorted(keys - seen)
    if not wanted or room <= 0:
        return []
    types, ids = zip(*wanted, strict=True)
    return _found(await connection.fetch(_FORWARD, list(types), list(ids), room))


def _targets(rule: Include, refs: Iterable[str]) -> Iterable[Key]:
    for ref in refs:
        code, _, target = ref.partition("=")
        type_, _, id_ = target.partition("/")
        if (not rule.codes or code in rule.codes) and (not rule.targets or type_ in rule.targets):
            yield type_, id_


async def _reverse(
    connection: Connection, rule: Include, fresh: Sequence[Found], _seen: set[Key], room: int
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
    return _found(await connection.fetch(_REVERSE, rule.source, terms, room))


def _found(rows: Iterable[Sequence[object]]) -> list[Found]:
    return [Found(Stored(*row[:5]), row[5]) for row in rows]  # type: ignore[arg-type]
