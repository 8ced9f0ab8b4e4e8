"""What the pages of orders show beside the chart: how far requisitions are, and what has a receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from altid.record.database import Connection
from altid.record.read import read_many
from altid.screen.views.chart import Chart
from altid.screen.views.elements import Resource
from altid.web.loading import content

TYPES = ("MedicationRequest", "ServiceRequest")
_SHOWN_MAX = 1_000
"""Orders of one patient whose receipts are asked for: three times what the fullest charts hold."""

# By the identity of the write that made the newest version: `order_key` is looked up by its primary key.
_RECEIPTS = """
SELECT r.type || '/' || r.id, k.version, k.at
  FROM unnest($1::text[], $2::text[]) AS wanted (type, id)
       JOIN resource r ON r.type = wanted.type AND r.id = wanted.id
       JOIN order_key k ON k.identity = key_identity(r.write_key)
 WHERE r.write_key IS NOT NULL AND k.version = r.version
"""


@dataclass(frozen=True, slots=True)
class Receipted:
    """The record's word that a version is registered."""

    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Beside:
    """`tasks` by the id of their requisition, `receipts` by the order's reference. An order without a receipt
    came from another system, or by another way than this screen."""

    tasks: Mapping[str, Resource]
    receipts: Mapping[str, Receipted]


async def read_beside(connection: Connection, chart: Chart, *, with_tasks: bool) -> Beside:
    """Raises one of `UNREACHABLE`."""
    asked = [str(one["id"]) for one in chart.of("ServiceRequest")] if with_tasks else []
    found = await read_many(connection, [("Task", each) for each in asked])
    tasks = {one.id: content(one) for one in found if one.body is not None}
    return Beside(tasks, await read_receipts(connection, _references(chart)))


async def read_receipts(
    connection: Connection, references: Sequence[tuple[str, str]]
) -> dict[str, Receipted]:
    """Of the newest version of each order, where that was made under a key."""
    types, ids = [one for one, _ in references], [other for _, other in references]
    rows = await connection.fetch(_RECEIPTS, types, ids)
    return {reference: Receipted(version, at) for reference, version, at in rows}


def _references(chart: Chart) -> list[tuple[str, str]]:
    return [(kind, str(one["id"])) for kind in TYPES for one in chart.of(kind)][:_SHOWN_MAX]
