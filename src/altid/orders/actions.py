"""What can be done with an order in which state: the table that `altid.orders.lifecycle` follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from altid.orders.elements import Resource


class State(StrEnum):
    """Where an order is. The names are FHIR's statuses (request-status), but for the way of a requisition."""

    DRAFT = "draft"
    ACTIVE = "active"
    """A drug is given; a requisition is ordered and waits to be accepted."""
    ON_HOLD = "on-hold"
    ACCEPTED = "accepted"
    """A requisition: whoever performs it will do so."""
    TAKEN = "taken"
    """A requisition: the specimen is taken."""
    COMPLETED = "completed"
    STOPPED = "stopped"
    REVOKED = "revoked"
    """A requisition is taken back."""
    CANCELLED = "cancelled"
    """A draft is thrown away."""
    IN_ERROR = "entered-in-error"


class Action(StrEnum):
    """What people do with an order."""

    SIGN = "sign"
    CHANGE = "change"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    RENEW = "renew"
    ADMINISTER = "administer"
    COMPLETE = "complete"
    ACCEPT = "accept"
    SPECIMEN = "specimen"
    RESULT = "result"
    CANCEL = "cancel"
    RETRACT = "retract"
    """It was entered in error."""
    MARK_PRIVATE = "mark-private"
    UNMARK_PRIVATE = "unmark-private"


@dataclass(frozen=True, slots=True)
class Rule:
    """From each of these states; `to` is None where the state stays."""

    starts: frozenset[State]
    to: State | None = None
    needs_reason: bool = False


def _rule(*starts: State, to: State | None = None, reason: bool = False) -> Rule:
    return Rule(frozenset(starts), to, reason)


_D, _A, _H, _C, _T = State.DRAFT, State.ACTIVE, State.ON_HOLD, State.ACCEPTED, State.TAKEN
_ALL_TRUE = tuple(state for state in State if state is not State.IN_ERROR)

RULES: Mapping[str, Mapping[Action, Rule]] = {
    "MedicationRequest": {
        Action.SIGN: _rule(_D, to=_A),
        Action.CHANGE: _rule(_D, _A, _H),
        Action.PAUSE: _rule(_A, to=_H, reason=True),
        Action.RESUME: _rule(_H, to=_A),
        Action.STOP: _rule(_A, _H, to=State.STOPPED, reason=True),
        Action.RENEW: _rule(_A, State.COMPLETED, to=State.COMPLETED),
        Action.ADMINISTER: _rule(_A),
        Action.COMPLETE: _rule(_A, to=State.COMPLETED),
        Action.CANCEL: _rule(_D, to=State.CANCELLED, reason=True),
        Action.RETRACT: _rule(*_ALL_TRUE, to=State.IN_ERROR, reason=True),
        Action.MARK_PRIVATE: _rule(*_ALL_TRUE),
        Action.UNMARK_PRIVATE: _rule(*_ALL_TRUE),
    },
    "ServiceRequest": {
        Action.SIGN: _rule(_D, to=_A),
        Action.CHANGE: _rule(_D, _A),
        Action.ACCEPT: _rule(_A, to=_C),
        Action.SPECIMEN: _rule(_A, _C, to=_T),
        Action.RESULT: _rule(_C, _T, to=State.COMPLETED),
        Action.CANCEL: _rule(_D, _A, _C, to=State.REVOKED, reason=True),
        Action.RETRACT: _rule(*_ALL_TRUE, to=State.IN_ERROR, reason=True),
        Action.MARK_PRIVATE: _rule(*_ALL_TRUE),
        Action.UNMARK_PRIVATE: _rule(*_ALL_TRUE),
    },
}
"""What may be done in which state. Whatever is not in it is refused."""


TOLD_AFTERWARDS = frozenset({_A, _H, State.STOPPED, State.COMPLETED})
"""From these a dose can be told that was given before: the order may have ended since."""


@dataclass(frozen=True, slots=True)
class Done:
    """An action as asked for. `by` refers to who does it (a PractitionerRole)."""

    action: Action
    by: Resource = field(repr=False)
    at: datetime
    identity: str = ""
    """Id of the resource that the action makes: a renewed order, an administration, a specimen, a report."""
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Elements that change, or that the resource made has."""
    remove: tuple[str, ...] = ()
    """Elements that are taken away."""
    reason: str = field(default="", repr=False)
    is_afterwards: bool = False
    """Of a dose: it was given before it is told."""
