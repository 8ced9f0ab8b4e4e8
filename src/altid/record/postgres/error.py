"""The one exception of this room's PostgreSQL part."""

from __future__ import annotations


class PostgresError(RuntimeError):
    """PostgreSQL cannot be run or used. The message is one line that says what is wrong and what to do.

    It names folders, users and versions, never a password and never a value from the record.
    """
