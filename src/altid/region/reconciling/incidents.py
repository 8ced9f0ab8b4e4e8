"""What is an incident, and when the time has come to reconcile because of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from altid.orders.proofs.sealing import Proof

CALM = timedelta(seconds=30)
"""After the last incident of several. An order is retried for 8 s, and what a dead server left is looked for
every second."""
UNCALM_MAX = timedelta(minutes=5)
"""Where one incident follows another for so long, it is reconciled all the same."""
BEFORE = timedelta(minutes=10)
"""So long before the first incident an order may have been signed whose end it has changed: a browser sends
one again for minutes."""
UNDER_WAY = timedelta(seconds=20)
"""An order that is being written has no outcome yet, and is no case."""
HEARD_OF_MAX = timedelta(days=7)
"""Older incidents, which are still among the events when a process begins, are let alone."""
TAKEN_IN = timedelta(days=1)
"""What was uncertain and is younger is looked at again together with a new incident."""
_AGAIN_MIN, _AGAIN_MAX = timedelta(seconds=20), timedelta(minutes=5)
"""Between two looks while something is uncertain or not read: doubled, within these bounds."""

_ALWAYS = frozenset(
    {
        "place killed",
        "place started",
        "server out",
        "server back",
        "live",
        "not live",
        "orders are not registered by any server",
        "orders are again registered by any server",
    }
)
_DYING = ("server-", "patroni")
"""Parts whose death may have cost an order."""


def incident(event: Mapping[str, Any], site: str) -> datetime | None:
    """When it happened, if the region's event is an incident of that site: its lead or its life has changed,
    or a server of it died or was taken out."""
    name, part = event.get("event"), str(event.get("part") or "")
    is_one = (
        name in _ALWAYS
        or (name == "handover" and event.get("outcome") == "done")
        or (name == "part died" and part.startswith(_DYING))
    )
    if not is_one or event.get("place") != site:
        return None
    try:
        return datetime.fromisoformat(event["time"])
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Pending:
    """Incidents that wait to be reconciled, or are looked at again because something is not certain."""

    first: datetime
    last: datetime
    due: datetime
    waits_since: datetime
    """When the first incident came that nobody has looked at."""
    until: datetime | None = None
    """The end of the time that was looked at; None: nobody has looked yet."""
    looks: int = 0

    @property
    def since(self) -> datetime:
        return self.first - BEFORE


def happened(pending: Pending | None, at: datetime) -> Pending:
    """Another incident: look when it is calm again."""
    if pending is None:
        return Pending(at, at, at + CALM, at)
    waits_since = at if pending.looks else pending.waits_since
    first, last = min(pending.first, at), max(pending.last, at)
    return Pending(first, last, min(last + CALM, waits_since + UNCALM_MAX), waits_since)


def looked(pending: Pending, now: datetime, until: datetime, *, is_certain: bool) -> Pending | None:
    """What is left to do after a look: nothing once all is certain, else to look at the same time again."""
    if is_certain:
        return None
    pause = min(_AGAIN_MIN * 2 ** min(pending.looks, 10), _AGAIN_MAX)
    return replace(pending, until=until, looks=pending.looks + 1, due=now + pause)


def postponed(pending: Pending, now: datetime) -> Pending:
    """It could not be done now."""
    return replace(pending, due=now + _AGAIN_MIN)


def is_done(pending: Pending, proofs: Sequence[Proof]) -> bool:
    """Whether somebody else has reconciled all of it: whole, or a person has said that it was seen to. (What
    both sites have seen, neither has seen first by minutes.)"""
    until = pending.until or pending.last
    return any(
        _is_about(proof, pending.first, until) and not (pending.looks and proof.is_alarm) for proof in proofs
    )


def left_over(incidents: Sequence[datetime], proofs: Sequence[Proof]) -> list[datetime]:
    """Those that an earlier process has not reconciled, or not to an end."""
    clear = [proof for proof in proofs if not proof.is_alarm]
    return [at for at in incidents if not any(_is_about(proof, at, at) for proof in clear)]


def _is_about(proof: Proof, first: datetime, until: datetime) -> bool:
    is_whole = bool(proof.settled) or not proof.summary["unread"]
    return is_whole and proof.since <= first - BEFORE / 2 and proof.until >= until


def since_of(pending: Pending, alarms: Sequence[Proof], now: datetime) -> datetime:
    """From when on to look: what is an alarm already is looked at again, unless it is old."""
    return min([pending.since, *(one.since for one in alarms if one.is_alarm and now - one.until < TAKEN_IN)])
