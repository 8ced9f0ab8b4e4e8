"""Which versions of orders one site holds, for reconciliation: those that a key has made, and all others.

What came without a key (a plain FHIR create or update, an import) has no row in `order_key`. It is compared
all the same, found in the change feed; its identity is then the version itself.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from altid.orders.evidence import Version
from altid.orders.synthetic import TAG_SYSTEM, TEST_ORDER
from altid.record.database import Connection

KEYED = frozenset(
    {"MedicationRequest", "ServiceRequest", "MedicationAdministration", "Task", "DiagnosticReport"}
)
"""Types whose versions have a row in `order_key`, if a key has made them."""
_KEY_BYTES = 10
"""Of an identity that is a key's."""


async def versions_in(connection: Connection, since: datetime, until: datetime, most: int) -> list[Version]:
    """Those written from `since` on and before `until`. More than `most`: there may be still more."""
    keyed = await connection.fetch(_KEYED_IN, TAG_SYSTEM, TEST_ORDER, since, until, most + 1)
    plain = await connection.fetch(_PLAIN_IN, TAG_SYSTEM, TEST_ORDER, since, until, most + 1, list(KEYED))
    return [Version(*row) for row in (*keyed, *plain)]


async def versions_of(connection: Connection, identities: Collection[bytes]) -> list[Version]:
    """Those with these identities, whenever they were written."""
    keys = [one for one in identities if len(one) == _KEY_BYTES]
    names = [one.decode().split("/") for one in identities if len(one) != _KEY_BYTES]
    keyed = await connection.fetch(_KEYED_OF, TAG_SYSTEM, TEST_ORDER, keys) if keys else []
    columns = [name[0] for name in names], [name[1] for name in names], [int(name[2]) for name in names]
    plain = await connection.fetch(_PLAIN_OF, TAG_SYSTEM, TEST_ORDER, *columns) if names else []
    return [Version(*row) for row in (*keyed, *plain)]


# The body of a version is in `resource` while it is current, then in `resource_history`. Patient and tag are
# those of the newest version: neither ever changes.
_ABOUT = """
       CASE WHEN c.version = k.version THEN sha256(COALESCE(c.body, ''))
            WHEN h.version IS NOT NULL THEN sha256(COALESCE(h.body, '')) ELSE '' END,
       COALESCE((SELECT split_part(ref, '/', 2) FROM unnest(c.refs) ref
                  WHERE ref ^@ 'subject=Patient/' LIMIT 1), ''),
       COALESCE(c.terms @> ARRAY[term(k.type || '._tag=' || $1::text || '|' || $2::text)], false)
"""
_KEYED = f"""
SELECT k.identity, k.key::text, k.type || '/' || k.id, k.version, k.at, {_ABOUT}
  FROM order_key k
       LEFT JOIN resource c ON c.rid = k.rid
       LEFT JOIN resource_history h ON h.rid = k.rid AND h.version = k.version
"""
_KEYED_IN = f"{_KEYED} WHERE k.at >= $3 AND k.at < $4 LIMIT $5"
_KEYED_OF = f"{_KEYED} WHERE k.identity = ANY($3::bytea[])"
# A row of the feed and one of `order_key` that are of one version have the moment of its writing.
_PLAIN = f"""
SELECT convert_to(k.type || '/' || c.id || '/' || k.version, 'UTF8'), '', k.type || '/' || c.id,
       k.version, k.at, {_ABOUT}
  FROM change k
       JOIN resource c ON c.rid = k.rid
       LEFT JOIN resource_history h ON h.rid = k.rid AND h.version = k.version
 WHERE NOT EXISTS (SELECT FROM order_key o WHERE o.at = k.at AND o.rid = k.rid AND o.version = k.version)
"""
_PLAIN_IN = f"{_PLAIN} AND k.type = ANY($6::text[]) AND k.at >= $3 AND k.at < $4 LIMIT $5"
_PLAIN_OF = f"""{_PLAIN} AND (c.type, c.id, k.version) IN (
    SELECT * FROM unnest($3::text[], $4::text[], $5::integer[]))"""
