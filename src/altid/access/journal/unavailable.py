"""Why something could not be put into a journal."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Stable: for programs and alarms."""

    DISK = "disk"
    """The journal can't be written."""
    FULL = "full"
    """The journal is as big as it may get."""
    SLOW = "slow"
    """The disk did not answer in time, or more waits for it than may."""
    CLOSED = "closed"
    """The process is ending."""


class JournalUnavailableError(Exception):
    """It is not known to be kept: whoever wanted that goes no further."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(str(cause))
        self.cause = cause
