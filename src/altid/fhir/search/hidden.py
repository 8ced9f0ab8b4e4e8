"""Periods of a patient's record that are not to be shown: which resources are from one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple


class Period(NamedTuple):
    """Half-open."""

    low: datetime
    high: datetime


def is_from(dates: Iterable[tuple[str, datetime, datetime]], periods: Sequence[Period]) -> bool:
    """Whether something with these dates (`Entries.dates`) may be from one of the periods. What has no date
    of its own may be from any time."""
    spans = [(low, high) for _, low, high in dates]
    if not periods or not spans:
        return bool(periods)
    return any(low < period.high and high > period.low for low, high in spans for period in periods)
