"""What has to be known around an order, read in one look, which also tells whether its key was used before.

One look, so that an order is either seen as done before or not yet among the patient's current ones: sent
again, it is never taken for a double of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from altid.fhir import json
from altid.orders.catalogue import Catalogue, references
from altid.orders.checks import renal
from altid.orders.context import Context
from altid.record.database import Connection
from altid.record.keys import term_key
from altid.record.stored import Stored, compose

Resource = dict[str, Any]

CURRENT_MAX = 200
RESULTS_MAX = 20


class Chart(NamedTuple):
    """`used`: which of the keys made a version before, by their identity."""

    context: Context
    used: frozenset[bytes]


async def read_chart(
    connection: Connection,
    patient: str,
    orders: Sequence[Resource],
    identities: Sequence[bytes],
    signer: Resource | None,
) -> Chart:
    """Read it. `patient`: an id, "" where the order names none."""
    drugs = [name.partition("/")[2] for name in references(orders)]
    rows = await connection.fetch(
        _CHART, patient, *_terms(patient), CURRENT_MAX, RESULTS_MAX, list(identities), drugs
    )
    by: dict[str, list[Resource]] = {}
    used = set()
    for part, type_, id_, version, moment, body in rows:
        if part == "used":
            used.add(bytes(body))
        else:
            by.setdefault(part, []).append(json.loads(compose(Stored(type_, id_, version, moment, body))))
    context = Context(
        patient=next(iter(by.get("patient", ())), None),
        now=datetime.now(UTC),
        allergies=by.get("allergy", ()),
        current=by.get("current", ()),
        results=by.get("result", ()),
        catalogue=Catalogue.of(by.get("medication", ())),
        signer=signer,
    )
    return Chart(context, frozenset(used))


def _terms(patient: str) -> tuple[Any, ...]:
    who = f"Patient/{patient}"
    return (
        term_key(f"AllergyIntolerance.patient={who}"),
        term_key(f"MedicationRequest.subject={who}"),
        [term_key(f"MedicationRequest.status={status}") for status in ("active", "on-hold")],
        term_key(f"Observation.subject={who}"),
        [
            term_key(f"Observation.code={system}|{code}")
            for system, some in renal.CODES.items()
            for code in some
        ],
    )


# Patient and status, or patient and code, are looked up together: each alone may have many.
_CHART = """
WITH current AS MATERIALIZED (
    SELECT r.type, r.id, r.version, r.last_updated, r.body, r.refs
      FROM unnest($4::uuid[]) AS status (term)
           CROSS JOIN LATERAL (SELECT * FROM resource WHERE terms @> ARRAY[$3::uuid, status.term]) r
     WHERE r.body IS NOT NULL
     ORDER BY r.last_updated DESC LIMIT $7
), drug AS (
    SELECT unnest($10::text[]) AS id
    UNION
    SELECT substring(ref FROM '^medication=Medication/(.+)') FROM current, unnest(refs) ref
)
SELECT 'patient', type, id, version, last_updated, body
  FROM resource WHERE type = 'Patient' AND id = $1 AND body IS NOT NULL
UNION ALL
SELECT 'allergy', type, id, version, last_updated, body
  FROM resource WHERE terms @> ARRAY[$2::uuid] AND body IS NOT NULL
UNION ALL
SELECT 'current', type, id, version, last_updated, body FROM current
UNION ALL
SELECT 'medication', r.type, r.id, r.version, r.last_updated, r.body
  FROM drug
       -- Each by its id: how many there are the planner can't know, and would read the whole catalogue.
       CROSS JOIN LATERAL (SELECT * FROM resource
                            WHERE type = 'Medication' AND id = drug.id AND body IS NOT NULL OFFSET 0) r
UNION ALL
(SELECT 'result', r.type, r.id, r.version, r.last_updated, r.body
   FROM unnest($6::uuid[]) AS code (term)
        CROSS JOIN LATERAL (SELECT * FROM resource WHERE terms @> ARRAY[$5::uuid, code.term]) r
  WHERE r.body IS NOT NULL
  ORDER BY r.last_updated DESC LIMIT $8)
UNION ALL
SELECT 'used', type, id, version, at, identity FROM order_key WHERE identity = ANY($9)
"""
