"""What the proofs that stand say now, together: for the screen and for programs.

Read from the record, where each proof is as it lies in its file: so the servers of either site can show it,
also where sites are on hosts of their own, and nothing is reconciled because somebody opens a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from altid.access.secret import AccessSecret
from altid.orders.proofs.keeping import newest_first
from altid.orders.proofs.sealing import AlteredError, Proof, opened
from altid.orders.proofs.standing import standing
from altid.orders.todo import Why
from altid.orders.verdict import Reconciliation, Uncertain
from altid.record.database import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest reconciliation, and whatever older ones found and nobody has cleared since."""

    proofs: tuple[Proof, ...]
    """The newest first; none: nothing was reconciled yet."""
    found: Reconciliation | None
    """The newest one's, with the orders of all, each once."""
    altered: tuple[int, ...]
    """Numbers of proofs that were altered: what they say is not shown."""

    @property
    def is_alarm(self) -> bool:
        return any(proof.is_alarm for proof in self.proofs)


async def read_standing(connection: Connection, secret: AccessSecret) -> Standing:
    """As the nearest PostgreSQL has it."""
    proofs = standing(await newest_first(connection))
    results: list[Reconciliation] = []
    altered: list[int] = []
    for proof in proofs:
        try:
            results.append(opened(secret, proof))
        except AlteredError:
            altered.append(proof.number)
    if not results:
        return Standing(tuple(proofs), None, tuple(altered))
    listed = _each_once(one for result in results for one in result.listed)
    uncertain = tuple(one for one in listed if one.why is not Why.NOT_SENT_AGAIN)
    beside = tuple(one for one in listed if one.why is Why.NOT_SENT_AGAIN)
    counts = replace(results[0].counts, uncertain=len(uncertain))
    found = replace(results[0], uncertain=uncertain, not_sent_again=beside, counts=counts)
    return Standing(tuple(proofs), found, tuple(altered))


def _each_once(listed: Iterable[Uncertain]) -> list[Uncertain]:
    """As the newest one says."""
    found: dict[bytes, Uncertain] = {}
    for one in listed:
        found.setdefault(one.identity, one)
    return list(found.values())
