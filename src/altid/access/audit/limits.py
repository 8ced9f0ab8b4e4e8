"""The limits of the audit, each with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass

from altid.access.journal.limits import JournalLimits


@dataclass(frozen=True, slots=True)
class AuditLimits:
    """Of one process."""

    journal_bytes_max: int = 512 * 1024 * 1024
    """Events of about 450 bytes: a million. A process that answers 10 looks a second fills it in 30 hours
    without a database; then it shows no patient any more."""
    segment_bytes: int = 8 * 1024 * 1024
    """A file of the journal; deleted as a whole. It is read at the next start: a fifth of a second."""
    waiting_max: int = 4096
    """Events that may wait for the disk at once."""
    group_max: int = 512
    """Events that one sync is for: half a megabyte at most in the usual case."""
    record_s: float = 2.0
    """A disk takes milliseconds. After so long the look is refused rather than kept waiting."""
    ship_every_s: float = 0.5
    """How late the table may show an event when all is well."""
    batch_events: int = 500
    batch_s: float = 10.0
    """One batch takes some 20 ms; across a failover, seconds."""
    retry_s_max: float = 10.0
    orphans_every_s: float = 30.0
    """How soon the journal of a process that died, and did not come back, is looked for."""
    checkpoint_every_s: float = 60.0
    """A tail that is cut off the table is found by the checkpoints of others: no older than this."""
    close_s: float = 3.0
    """At a stop: to ship what is left. What isn't is shipped at the next start."""

    @property
    def journal(self) -> JournalLimits:
        return JournalLimits(
            self.journal_bytes_max,
            self.segment_bytes,
            self.waiting_max,
            self.group_max,
            self.record_s,
            self.close_s,
        )
