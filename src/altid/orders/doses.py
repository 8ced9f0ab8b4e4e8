"""The same dose is not given twice: what stands against a dose, looked at under the lock of its order.

To give a drug makes no new version of its order, so the order's version stops nobody. A dose tells which one
its author saw as the last of the order. If there is another by now, nothing is given: whoever gives looks
again. If the last one was seen, and is of the same time of the schedule, a second one needs a reason. What is
told afterwards, from paper, is a fact and is always kept; where it may be a double, it says of which.

What a dose says of this is kept with it, so it is checked alike when a server's journal is recovered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from altid.fhir import json
from altid.orders.elements import Resource, target
from altid.record.database import Connection
from altid.record.keys import term_key
from altid.record.read import read_to_write
from altid.record.stored import Found, Stored, compose
from altid.screen.views.dosage import Dosage, dosages_of
from altid.screen.views.doses import EXTENSION
from altid.screen.views.elements import first_moment
from altid.screen.views.medication import begins
from altid.screen.views.moments import Moment
from altid.screen.views.slots import is_same_dose

KIND = "MedicationAdministration"
LOOKED_AT_MAX = 200
"""Doses of one order that were noted last: seven weeks of four a day."""

_NOT_GIVEN = ("not-done", "entered-in-error")


class Telling(NamedTuple):
    """What an author says of a dose beside what was given."""

    after: str = ""
    """Reference of the dose of the same order that they saw as the last; "" where they saw none."""
    reason: str = ""
    """Why it is given although one of the same time was."""
    is_afterwards: bool = False
    """It was given before it is told, and noted on paper or by a device until now."""


class Refusal(NamedTuple):
    """Why a dose is not given. `conflict`: the order is at version `version` by now; `dose-since`: `dose` was
    told since the author looked; `dose-given`: `dose` is of the same time."""

    why: Literal["conflict", "dose-since", "dose-given"]
    version: int = 0
    dose: Found | None = None


def told(dose: Resource, telling: Telling) -> Resource:
    """The dose with what its author says."""
    parts: list[Resource] = []
    if telling.after:
        parts.append({"url": "after", "valueReference": {"reference": telling.after}})
    if telling.reason:
        parts.append({"url": "reason", "valueString": telling.reason})
    if telling.is_afterwards:
        parts.append({"url": "afterwards", "valueBoolean": True})
    return _with_parts(dose, parts)


def telling_of(dose: Resource) -> Telling:
    """What its author has said."""
    parts = {part["url"]: part for part in _parts(dose)}
    return Telling(
        target(parts.get("after", {}).get("valueReference")) or "",
        parts.get("reason", {}).get("valueString", ""),
        parts.get("afterwards", {}).get("valueBoolean", False),
    )


async def checked(
    connection: Connection, dose: Resource, order_version: int | None, *, is_decided: bool = False
) -> Resource | Refusal:
    """The dose as it is to be written, in the transaction that writes it: until that ends, no other dose of
    the order is. `order_version`: of the order that was seen; None where that does not matter any more.
    `is_decided`: a person has decided that it is kept."""
    order = target(dose["request"]) or ""
    held = await read_to_write(connection, *order.split("/", 1))
    rows = await connection.fetch(_LAST, term_key(f"{KIND}.request={order}"), LOOKED_AT_MAX)
    earlier = [Found(Stored(*row[:5]), row[5]) for row in rows]
    if any(one.stored.id == dose["id"] for one in earlier):
        return dose  # sent again: its key finds it
    telling = telling_of(dose)
    keeps = telling.is_afterwards or is_decided
    version = held.version if held is not None and held.body is not None else 0
    if order_version not in (None, version):
        return Refusal("conflict", version)
    if not keeps and (earlier[0].stored.reference if earlier else "") != telling.after:
        return Refusal("dose-since", dose=earlier[0] if earlier else None)
    double = _double(dose, held, earlier)
    if double is None:
        return dose
    if keeps or telling.reason:
        doubles = {"url": "doubles", "valueReference": {"reference": double.stored.reference}}
        return _with_parts(dose, [*_parts(dose), doubles])
    return Refusal("dose-given", dose=double)


async def last_of_each(connection: Connection, patient: str) -> dict[str, str]:
    """Reference of the dose that was told last, of each order of the patient that is in force and has one.

    Read it before what is shown of the doses: then what is told in between is not taken for seen.
    """
    in_force = [
        term_key(f"MedicationRequest.{term}") for term in (f"subject=Patient/{patient}", "status=active")
    ]
    return dict(await connection.fetch(_LAST_OF_EACH, in_force))


def _double(dose: Resource, order: Stored | None, earlier: Sequence[Found]) -> Found | None:
    """The last of the earlier ones that was given at the same time of the schedule."""
    at = _at(dose)
    if at is None or dose.get("status") in _NOT_GIVEN:
        return None
    lines = _lines(order)
    for one in earlier:
        other = json.loads(compose(one.stored))
        moment = _at(other)
        if moment and other.get("status") not in _NOT_GIVEN and is_same_dose(lines, at.at, moment.at):
            return one
    return None


def _lines(order: Stored | None) -> Sequence[Dosage]:
    if order is None or order.body is None:
        return ()
    resource = json.loads(compose(order))
    return dosages_of(resource.get("dosageInstruction"), begins(resource))


def _at(dose: Resource) -> Moment | None:
    return first_moment(dose, "effectiveDateTime", "effectivePeriod")


def _parts(dose: Resource) -> list[Resource]:
    ours = (one for one in dose.get("extension", ()) if one.get("url") == EXTENSION)
    return [part for one in ours for part in one.get("extension", ())]


def _with_parts(dose: Resource, parts: Sequence[Resource]) -> Resource:
    others = [one for one in dose.get("extension", ()) if one.get("url") != EXTENSION]
    ours = [{"url": EXTENSION, "extension": list(parts)}] if parts else []
    rest = {name: value for name, value in dose.items() if name != "extension"}
    return {**rest, "extension": [*others, *ours]} if others or ours else rest


# The row number grows with each resource, and under the order's lock in the order of the commits. First all
# of the order, then the last of them: else the planner might go through the whole record backwards.
_LAST = """
WITH given AS MATERIALIZED (
    SELECT rid, type, id, version, last_updated, body, refs
      FROM resource WHERE terms @> ARRAY[$1::uuid] AND body IS NOT NULL
)
SELECT type, id, version, last_updated, body, refs FROM given ORDER BY rid DESC LIMIT $2
"""
_LAST_OF_EACH = """
WITH in_force AS MATERIALIZED (
    SELECT 'MedicationRequest/' || id AS name FROM resource WHERE terms @> $1::uuid[] AND body IS NOT NULL
)
SELECT o.name, 'MedicationAdministration/' || given.id
  FROM in_force o CROSS JOIN LATERAL (
       SELECT id FROM (SELECT rid, id FROM resource
                        WHERE terms @> ARRAY[term('MedicationAdministration.request=' || o.name)]
                          AND body IS NOT NULL OFFSET 0) of_order
        ORDER BY rid DESC LIMIT 1) given
"""
