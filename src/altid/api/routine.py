"""The canary's looks at its own synthetic patients: counted, and in the audit once a minute.

They are no looks at anybody: some hundred thousand a day would hide those that are. What counts as one is
told by the token that was verified, and by what was shown: of the built-in system, which nobody can register;
bound to one patient; that patient is nobody, by its id; and nothing else was shown. Whatever is not all of
that is kept one by one, as are the canary's writes, which also prove that the audit takes events.
"""

from __future__ import annotations

from collections.abc import Sequence

from altid.access.audit.event import Action, Event, Outcome
from altid.access.clients import BUILT_IN
from altid.access.identity import Identity, Role
from altid.orders.synthetic import is_canary_patient

_EVERY_US = 60_000_000
_LOOKS = (Action.READ, Action.VREAD)
_TYPE = "MedicationRequest"


class RoutineLooks:
    """One process's. What it has counted when it ends is lost: less than a minute of looks at nobody."""

    def __init__(self) -> None:
        self._first: Event | None = None
        self._patients: set[str] = set()
        self._count = 0

    def sift(self, identity: Identity, events: Sequence[Event], now_us: int) -> list[Event]:
        """What is to be kept now: all that is no routine, and where a minute is over what was counted."""
        kept: list[Event] = []
        for event in events:
            if is_routine(identity, event):
                self._note(event)
            else:
                kept.append(event)
        if self._first is not None and now_us - self._first.at_us >= _EVERY_US:
            kept.append(self._summary(self._first, now_us))
        return kept

    def _note(self, event: Event) -> None:
        self._first = self._first or event
        self._patients.update(event.patients)
        self._count += 1

    def _summary(self, first: Event, now_us: int) -> Event:
        patients, count = tuple(sorted(self._patients)), self._count
        self._first, self._patients, self._count = None, set(), 0
        return Event(
            now_us,
            Action.READ,
            Outcome.DONE,
            first.who,
            patients,
            type=_TYPE,
            operation="canary",
            count=count,
        )


def is_routine(identity: Identity, event: Event) -> bool:
    """Whether it is one of the canary's looks at the patient that its token is bound to."""
    return (
        identity.subject == BUILT_IN
        and identity.role is Role.SYSTEM
        and identity.patient is not None
        and is_canary_patient(identity.patient)
        and event.patients == (identity.patient,)
        and event.action in _LOOKS
        and event.outcome is Outcome.DONE
        and event.type == _TYPE
        and not (event.override or event.operation)
    )
