"""What is ahead: requisitions that wait for an answer, and appointments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from altid.screen.views.chart import Chart, author_of
from altid.screen.views.elements import (
    Resource,
    concept_text,
    concepts_text,
    element,
    elements,
    first_moment,
    is_changed_in_meaning,
    not_in_error,
    reference_key,
    text,
)
from altid.screen.views.moments import Moment, moment_of, sort_key

PENDING = ("draft", "active", "on-hold", "unknown")
_AHEAD = ("proposed", "pending", "booked", "arrived", "checked-in", "waitlist")
_JUST_NOW = timedelta(hours=12)
"""An appointment stays in sight for the rest of the shift."""
_URGENCY = ("stat", "asap", "urgent", "routine")


@dataclass(frozen=True, slots=True)
class Requisition:
    """A request that waits: what, how urgent, when asked, when wanted, by whom and of whom."""

    name: str | None
    details: tuple[str, ...]
    status: str
    intent: str | None
    priority: str
    asked: Moment | None
    wanted: Moment | None
    by: str | None
    of: str | None
    reasons: tuple[str, ...]
    is_forbidden: bool
    """`doNotPerform`: it is asked that this is not done."""
    has_reservation: bool
    reference: str = ""
    """`Type/id` of what the row is made of."""


@dataclass(frozen=True, slots=True)
class Appointment:
    what: str | None
    status: str
    start: Moment | None
    end: Moment | None
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requisitions:
    is_known: bool
    pending: tuple[Requisition, ...] = ()
    done: tuple[Requisition, ...] = ()
    """Answered, or taken back; the newest first."""

    @property
    def done_count(self) -> int:
        return len(self.done)


@dataclass(frozen=True, slots=True)
class Appointments:
    is_known: bool
    ahead: tuple[Appointment, ...] = ()
    past_count: int = 0


def requisitions_of(chart: Chart) -> Requisitions:
    """From the ServiceRequests (R4 servicerequest.html), the most urgent first, then the newest."""
    if not chart.all_read("ServiceRequest"):
        return Requisitions(is_known=False)
    requests = not_in_error(chart.of("ServiceRequest"))
    pending = [_requisition(chart, r) for r in requests if r.get("status") in PENDING]
    pending.sort(key=lambda r: (_urgency(r.priority), -sort_key(r.asked).timestamp()))
    done = [_requisition(chart, r) for r in requests if r.get("status") not in PENDING]
    done.sort(key=lambda r: -sort_key(r.asked).timestamp())
    return Requisitions(True, tuple(pending), tuple(done))


def appointments_of(chart: Chart) -> Appointments:
    """Those that lie ahead, the soonest first; one without a time comes last."""
    if not chart.all_read("Appointment"):
        return Appointments(is_known=False)
    valid = not_in_error(chart.of("Appointment"))
    ahead = [_appointment(chart, a) for a in valid if a.get("status") in _AHEAD]
    ahead = [a for a in ahead if a.start is None or a.start.at >= chart.read_at - _JUST_NOW]
    ahead.sort(key=lambda a: (a.start is None, sort_key(a.start)))
    return Appointments(True, tuple(ahead), len(valid) - len(ahead))


def _urgency(priority: str) -> int:
    return _URGENCY.index(priority) if priority in _URGENCY else len(_URGENCY)


def _requisition(chart: Chart, request: Resource) -> Requisition:
    reasons = [
        concept_text(chart.referred(request, reference).get("code")) or chart.name_of(request, reference)
        for reference in elements(request.get("reasonReference"))
    ]
    return Requisition(
        name=concept_text(request.get("code")) or next(iter(concepts_text(request.get("category"))), None),
        details=tuple(concepts_text(request.get("orderDetail"))),
        status=text(request.get("status")) or "unknown",
        intent=text(request.get("intent")),
        priority=text(request.get("priority")) or "routine",
        asked=first_moment(request, "authoredOn"),
        wanted=first_moment(request, "occurrenceDateTime", "occurrencePeriod"),
        by=author_of(chart, request, "requester"),
        of=author_of(chart, request, "performer"),
        reasons=tuple(dict.fromkeys([*concepts_text(request.get("reasonCode")), *(r for r in reasons if r)])),
        is_forbidden=request.get("doNotPerform") is True,
        has_reservation=is_changed_in_meaning(request),
        reference=f"{request['resourceType']}/{request.get('id', '')}",
    )


def _appointment(chart: Chart, appointment: Resource) -> Appointment:
    actors = [element(participant.get("actor")) for participant in elements(appointment.get("participant"))]
    others = [actor for actor in actors if not (reference_key(actor) or "").startswith("Patient/")]
    names = (chart.name_of(appointment, actor) for actor in others)
    services = concepts_text(appointment.get("serviceType"))
    what = text(appointment.get("description")) or concept_text(appointment.get("appointmentType"))
    return Appointment(
        what=what or ", ".join(services) or None,
        status=text(appointment.get("status")) or "unknown",
        start=moment_of(appointment.get("start")),
        end=moment_of(appointment.get("end")),
        places=tuple(dict.fromkeys(name for name in names if name)),
    )
