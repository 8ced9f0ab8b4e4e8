"""What became of what was sent, in the words of MedCom's acknowledgement, and one of our own."""

from __future__ import annotations

from enum import StrEnum


class Word(StrEnum):
    OK = "ok"
    """The order is registered."""
    TRANSIENT_ERROR = "transient-error"
    """It is not known to be registered: safe to send again with the same key."""
    FATAL_ERROR = "fatal-error"
    """It is not registered, and sending it again would change nothing."""
    NEVER_SEEN = "never-seen"
    """The record has nothing of this key."""
