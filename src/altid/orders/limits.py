"""The limits of the way of an order, each with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass

from altid.access.journal.limits import JournalLimits


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """Of one process."""

    journal_bytes_max: int = 1024 * 1024 * 1024
    """Intents of about two kilobytes: half a million, days of a server. Full of what nobody knows the end of,
    it takes no more orders."""
    kept_bytes_max: int = 768 * 1024 * 1024
    """What is settled is kept for reconciliation until the journal is so big; likewise what those left that
    died, all together."""
    segment_bytes: int = 8 * 1024 * 1024
    look_every_s: float = 1.0
    """How soon the journal of a process that died is looked for: half of what may pass until it is."""
    settle_after_s: float = 15.0
    """Longer than any write is tried. Then the outcome of an own intent is looked up."""
    young_s: float = 300.0
    """An order that was not registered is sent again for so long; older, a person sees it first."""
    lookup_s: float = 10.0

    @property
    def journal(self) -> JournalLimits:
        return JournalLimits(self.journal_bytes_max, self.segment_bytes)
