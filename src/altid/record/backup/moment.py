"""Moments as people write them: ISO 8601 with a zone, or Danish local time without one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

DENMARK = ZoneInfo("Europe/Copenhagen")

_FORM = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,6})?)?\s?(Z|z|[+-]\d\d(:?\d\d)?)?", re.ASCII)
"""What is taken: a day without a time would leave open which end of it is meant."""


class MomentError(ValueError):
    """The text tells no single moment; the message says what to write instead."""


def parse_moment(text: str) -> datetime:
    """The moment in UTC. Raises `MomentError` for what is no time, or is twice or never on Danish clocks."""
    if not _FORM.fullmatch(text):
        raise MomentError(
            f"{text[:40]!r} is no time: write 2026-03-01T14:30 (Danish time), 2026-03-01T14:30:00+01:00 "
            "or 2026-03-01T13:30:00Z."
        )
    try:
        moment = datetime.fromisoformat(text.replace(",", ".").replace("z", "Z"))
    except ValueError as error:
        raise MomentError(f"{text[:40]!r} is no time: {error}.") from None
    try:
        return (moment if moment.tzinfo else _danish(moment, text)).astimezone(UTC)
    except OverflowError:
        raise MomentError(f"{text[:40]!r} is no time that clocks can show.") from None


def show(moment: datetime) -> str:
    """The moment on Danish clocks, with its zone: "2026-03-01 14:30:00+01:00"."""
    return moment.astimezone(DENMARK).isoformat(sep=" ", timespec="seconds")


def _danish(moment: datetime, text: str) -> datetime:
    first, second = (moment.replace(tzinfo=DENMARK, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    back = first.astimezone(UTC).astimezone(DENMARK).replace(tzinfo=None)
    kind = "is twice" if back == moment else "is never"
    offsets = f"{text}{_offset(first)} or {text}{_offset(second)}"
    raise MomentError(f"{text} {kind} on Danish clocks (summer time): write {offsets}.")


def _offset(moment: datetime) -> str:
    return moment.isoformat()[-6:]
