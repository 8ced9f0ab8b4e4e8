"""Moments as programs tell them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment_of(told: object) -> datetime | None:
    """Of ISO 8601 with a zone, or of seconds since 1970; None if it is neither."""
    try:
        if isinstance(told, str):
            at = datetime.fromisoformat(told)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        if isinstance(told, (int, float)) and not isinstance(told, bool):
            return datetime.fromtimestamp(told, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
