"""Conditions on what is stored: "the one resource that matches", held still until the transaction ends.

Two sessions that ask for the same thing take the same advisory locks, so the second one searches only after
the first has committed. This is what makes of two concurrent conditional creates one resource.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from altid.fhir.outcome import refuse
from altid.fhir.references import Condition
from altid.fhir.search.grammar import Context
from altid.fhir.search.query import Query, parse
from altid.record.database import Connection
from altid.record.keys import lock_key
from altid.record.search import find_ids
from altid.record.search_sql import terms_of


class Match(NamedTuple):
    """What a condition met: nothing, one id, or several resources."""

    type: str
    one: str | None
    several: bool


async def lock_and_match(connection: Connection, condition: Condition, base: str) -> Match:
    """Lock one condition and look. Call it inside the transaction that acts on the answer.

    `base` is the FHIR base that references in the condition may begin with.
    """
    return (await lock_and_match_all(connection, [condition], base))[0]


async def lock_and_match_all(
    connection: Connection, conditions: Sequence[Condition], base: str
) -> list[Match]:
    """Lock all conditions, in one order for all sessions, then look each up."""
    queries = [_parse(condition, Context(base=base)) for condition in conditions]
    keys = sorted({key for query in queries for key in _lock_keys(query)})
    if keys:
        await connection.execute(_LOCK, keys)
    return [await _match(connection, query) for query in queries]


_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) key"


def _parse(condition: Condition, context: Context) -> Query:
    type_, parameters = condition
    query = parse(type_, parameters, context)
    if query.unknown or not query.criteria:
        raise refuse(
            412,
            "invalid",
            "The condition must consist of search parameters that {type} has.",
            "Betingelsen skal bestå af søgeparametre, som {type} har.",
            type=type_,
        )
    return query


def _lock_keys(query: Query) -> list[int]:
    """One lock per term that the condition names; a condition without terms locks its whole type."""
    terms = [term for criterion in query.criteria for term in terms_of(criterion)]
    return [lock_key(term) for term in terms or query.types]


async def _match(connection: Connection, query: Query) -> Match:
    ids = await find_ids(connection, query, count=2)
    return Match(query.types[0], ids[0] if len(ids) == 1 else None, len(ids) > 1)
