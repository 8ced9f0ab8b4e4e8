"""The limits of one process's journal, each with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """Those of appending."""

    bytes_max: int
    """Of all segments on disk: then nothing is taken any more."""
    segment_bytes: int
    """A file of the journal; deleted as a whole."""
    waiting_max: int = 4096
    """Bodies that may wait for the disk at once."""
    group_max: int = 512
    """Those that wait and share one sync."""
    sync_s: float = 2.0
    """A disk takes milliseconds. After so long it is refused rather than kept waiting."""
    close_s: float = 3.0
    """At a stop: for what is underway."""
