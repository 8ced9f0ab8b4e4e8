"""What places of work are called, from their Organization resources."""

from __future__ import annotations

from collections.abc import Sequence

from altid.fhir import json
from altid.record.database import Connection
from altid.record.keys import term_keys
from altid.record.stored import Stored, compose

_FIND = """
SELECT type, id, version, last_updated, body FROM resource
 WHERE type = 'Organization' AND body IS NOT NULL AND terms && $1::uuid[]
 LIMIT $2
"""
_SAME_MAX = 4
"""Resources that hold the same SOR number by mistake."""


async def names(connection: Connection, organisations: Sequence[str]) -> dict[str, str]:
    """Names by SOR id; those of which nobody has said a name are missing."""
    keys = term_keys([f"Organization.identifier={each}" for each in organisations])
    found: dict[str, str] = {}
    for row in await connection.fetch(_FIND, keys, len(organisations) * _SAME_MAX):
        resource = json.loads(compose(Stored(*row)))
        name = resource.get("name")
        for identifier in resource.get("identifier", ()):
            if isinstance(name, str) and identifier.get("value") in organisations:
                found[identifier["value"]] = name
    return found
