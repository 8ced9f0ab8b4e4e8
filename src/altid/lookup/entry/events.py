"""Looks as audit events: from where, and what of them says that they were made at this place."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from altid.access.audit.event import Action, Event, Outcome, Who
from altid.lookup.entry.door import CodeUse
from altid.lookup.entry.person import Way

PREFIX = "opslag:"
"""Of what was looked at (`Event.operation`): the audit tells a look at a copy from one at the record."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from."""

    address: str
    place: str

    def event(
        self, who: Who, action: Action, page: str, patients: tuple[str, ...] = (), **more: Any
    ) -> Event:
        """One event, now. `more`: of `Event`."""
        return Event(
            at_us=time.time_ns() // 1_000,
            action=action,
            outcome=more.pop("outcome", Outcome.DONE),
            who=who,
            patients=patients,
            operation=f"{PREFIX}{page}",
            address=self.address,
            workplace=self.place,
            **more,
        )

    def logon(self, who: Who, way: Way, outcome: Outcome) -> Event:
        """What was typed as a user name is kept nowhere: it may be a password in the wrong field."""
        action = Action.EMERGENCY_CODE if way is Way.CODE else Action.LOGON
        return self.event(who, action, f"logon {way}", outcome=outcome)


def origin_of(request: Request | None, place: str) -> Origin:
    """`request`: None for what no browser has asked for, as a scheduled print."""
    address = request.client.host if request is not None and request.client else ""
    return Origin(address, place)


def said_with(use: CodeUse | None) -> dict[str, str] | None:
    """What goes with an emergency code's use, for operations."""
    if use is None:
        return None
    return {"ward": use.ward[:64], "name": use.name[:120], "reason": use.reason[:1_000]}
