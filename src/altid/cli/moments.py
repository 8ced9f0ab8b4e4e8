"""Times as they are given on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import click


def moment_of(text: str | None, option: str) -> datetime | None:
    """A date or a time, of UTC where it says no zone; None where nothing is given. Raises
    `click.UsageError`, which names the option."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"{option} is a date or a time: 2026-11-22 or 2026-11-22T07:00+01:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
