"""One reconciliation by an operator, at a terminal or by itself: compare, tell the audit, prove."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from altid.access.audit.event import Action
from altid.access.operator import Operator
from altid.orders.gathering import Site, gather
from altid.orders.proofs.keeping import add, files, give_back
from altid.orders.proofs.sealing import Proof
from altid.orders.reconcile import reconcile
from altid.orders.verdict import Reconciliation
from altid.orders.whereabouts import wards


async def compare(
    operator: Operator, sites: Sequence[Site], since: datetime, until: datetime
) -> Reconciliation:
    """With the wards of what is listed. Raises `TooManyError`, and what the driver raises."""
    found = reconcile(await gather(sites, operator.secret, since, until))
    return found.placed(await wards(operator.connection, found.listed))


async def prove(
    operator: Operator,
    found: Reconciliation,
    by: str,
    folder: Path,
    *,
    patients: Collection[str] = (),
    settled: str = "",
) -> Proof:
    """Into the record, together with the look itself in the audit. `patients`: who is shown to somebody;
    `folder`: where the proofs' files are here."""
    in_folder = await asyncio.to_thread(files, folder)
    async with operator.connection.transaction():
        await give_back(operator.connection, operator.secret, in_folder)
        proof = await add(operator.connection, operator.secret, found, datetime.now(UTC), by, settled)
        event = operator.event(Action.SEARCH, "reconcile", type_="orders", id_=str(proof.number))
        await operator.record(replace(event, patients=tuple(sorted(patients))))
    return proof
