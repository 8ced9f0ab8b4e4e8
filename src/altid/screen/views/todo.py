"""What is to be done next for one patient, and what of theirs nobody may rely on yet: for a ward's list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from altid.screen.views.chart import Chart
from altid.screen.views.due import NextDose
from altid.screen.views.moments import Moment, Precision, moment_at
from altid.screen.views.plans import Requisition
from altid.screen.views.unconfirmed import Unconfirmed, Waits
from altid.screen.views.values import Quantity
from altid.screen.views.vitals import vitals_of
from altid.screen.views.warning_score import Risk, Score, measured_within, risk_of

_URGENT = ("stat", "asap", "urgent")
_UNSCORED_AGAIN = timedelta(hours=12)
"""A round without a score says nothing of how the patient is: it counts for as long as any may."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """The early warning score as it stands. `total`: None where the newest round makes none."""

    total: int | None
    risk: Risk | None
    at: Moment
    """When it was measured."""
    due: Moment
    is_late: bool

    @property
    def is_continuous(self) -> bool:
        return self.risk is Risk.HIGH

    def seen_at(self, now: datetime) -> Measuring:
        """The same at another moment."""
        return replace(self, is_late=self.due.at < now)


@dataclass(frozen=True, slots=True)
class Answers:
    """Examinations that were asked for and not answered yet. `late`: those that should have been done."""

    waiting: int
    urgent: int
    late: int
    due: Moment | None
    """When the first of them is wanted, where somebody has said."""


@dataclass(frozen=True, slots=True)
class Todo:
    """None is what could not be read, or is not for whoever looks. `measuring` of a patient who was never
    measured is None as well, with `was_measured` False."""

    doses: tuple[NextDose, ...] | None
    measuring: Measuring | None
    was_measured: bool | None
    answers: Answers | None
    waits: Mapping[Waits, int] | None
    """How many orders wait for what."""

    @property
    def late_doses(self) -> tuple[NextDose, ...]:
        return tuple(dose for dose in self.doses or () if dose.is_overdue)

    @property
    def at(self) -> datetime | None:
        """The first moment at which something is due; None: at none that is known."""
        moments = [dose.at for dose in (self.doses or ())[:1]]
        moments += [self.measuring.due] if self.measuring else []
        moments += [self.answers.due] if self.answers and self.answers.due else []
        return min((moment.at for moment in moments), default=None)


def measuring_of(chart: Chart) -> Measuring | None:
    """From a chart that has the newest round of vital signs; None where there is none."""
    vitals = vitals_of(chart)
    if not vitals.rounds:
        return None
    at, total, risk = vitals.rounds[0], None, None
    charted = next((sign.cells[0] for sign in vitals.signs if sign.known == "ews"), None)
    if charted is not None and isinstance(charted.value, Quantity):
        total = int(charted.value.value)
        risk = risk_of(total)
    elif isinstance(vitals.scores[0], Score):
        total, risk = vitals.scores[0].total, vitals.scores[0].risk
    within = _UNSCORED_AGAIN if total is None or risk is None else measured_within(total, risk)
    due = moment_at(at.at + within)
    return Measuring(total, risk, at, due, due.at < chart.read_at)


def answers_of(pending: Sequence[Requisition], now: datetime) -> Answers:
    """From requisitions that wait; those that are not signed wait for something else."""
    asked = [one for one in pending if one.status != "draft" and not one.is_forbidden]
    wanted = [one.wanted for one in asked if one.wanted]
    return Answers(
        waiting=len(asked),
        urgent=sum(one.priority in _URGENT for one in asked),
        late=sum(_is_past(moment, now) for moment in wanted),
        due=min(wanted, default=None),
    )


def _is_past(moment: Moment, now: datetime) -> bool:
    """A day that is named is past when it is over."""
    if moment.precision is Precision.MINUTE:
        return moment.at < now
    return moment.precision is Precision.DAY and moment.at.date() < now.astimezone(moment.at.tzinfo).date()


def waits_of(found: Unconfirmed) -> Mapping[Waits, int] | None:
    return Counter(order.waits for order in found.orders) if found.is_known else None
