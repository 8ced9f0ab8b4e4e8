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


async def lock_and_match(
    connection: Connection, condition: Condition, base: str, *, hold: bool = False
) -> Match:
    """Lock one condition and look. Call it inside the transaction that acts on the answer.

    `base` is the FHIR base that references in the condition may begin with. With `hold` the row that matches
    is locked too, and matches still: whoever is about to write it needs that.
    """
    return (await lock_and_match_all(connection, [(condition, hold)], base))[0]


async def lock_and_match_all(
    connection: Connection, conditions: Sequence[tuple[Condition, bool]], base: str
) -> list[Match]:
    """Lock all conditions, in one order for all sessions, then look each up. Each comes with its `hold`."""
    queries = [_parse(condition, Context(base=base)) for condition, _ in conditions]
    keys = sorted({key for query in queries for key in _lock_keys(query)})
    if keys:
        await connection.execute(_LOCK, keys)
    return [
        await (_hold(connection, query) if hold else _match(connection, query))
        for query, (_, hold) in zip(queries, conditions, strict=True)
    ]


async def _hold(connection: Connection, query: Query) -> Match:
    """A plain update may change the match until its row is locked; so look again afterwards."""
    match = await _match(connection, query)
    for _ in range(_HOLD_ATTEMPTS_MAX):
        if match.one is None:
            return match
        await connection.execute(_LOCK_ROW, match.type, match.one)
        again = await _match(connection, query)
        if again == match:
            return match
        match = again
    raise refuse(
        409,
        "conflict",
        "The resource that the condition matches keeps changing; try again.",
        "Den ressource, som betingelsen passer på, ændrer sig hele tiden; prøv igen.",
    )


_HOLD_ATTEMPTS_MAX = 5
_LOCK_ROW = "SELECT 1 FROM resource WHERE type = $1 AND id = $2 FOR UPDATE"
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
    """One lock per term that the condition names; a condition without terms locks its whole type.

    `identifier=SYSTEM|VALUE` and `identifier=VALUE` can mean the same resource, so both lock the value.
    """
    terms = {term for criterion in query.criteria for term in terms_of(criterion)}
    bare = {f"{name}={value.rpartition('|')[2]}" for name, _, value in (t.partition("=") for t in terms)}
    return [lock_key(term) for term in terms | bare or query.types]


async def _match(connection: Connection, query: Query) -> Match:
    ids = await find_ids(connection, query, count=2)
    return Match(query.types[0], ids[0] if len(ids) == 1 else None, len(ids) > 1)
