"""Who rings where orders do not leave, and when that is an event of the region."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from altid.gateway.canary.leaving import alarms_of
from altid.orders.downstream.alarm import Bell, Health

DEAD = Health((), 1, True, ("held",))
NOBODY = Health((), 0, False, ("not-sending",))


def rung(caplog: pytest.LogCaptureFixture) -> list[str]:
    texts = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return texts


def test_the_one_who_sends_rings_and_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "altid.orders.downstream")
    leader, other = Bell(lambda: 0.0), Bell(lambda: 0.0)
    leader.ring(DEAD, leads=True)
    assert len(rung(caplog)) == 1
    other.ring(DEAD, leads=False)
    assert rung(caplog) == []
    other.ring(DEAD, leads=True)  # it has taken over
    assert len(rung(caplog)) == 1
    leader.ring(DEAD, leads=False)
    leader.ring(Health((), 0, True, ()), leads=False)
    assert rung(caplog) == []  # the end is told by who sends


def test_where_nobody_sends_everybody_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "altid.orders.downstream")
    Bell(lambda: 0.0).ring(NOBODY, leads=False)
    assert len(rung(caplog)) == 1


def told(alarms: list[str], *, leads: bool = False, sending: bool = True) -> dict[str, Any]:
    return {"alarms": alarms, "leads": leads, "sending": sending}


def test_the_site_that_sends_tells_of_an_alarm_and_of_its_end() -> None:
    ours = [told(["held"]), told(["held", "dead pharmacy"], leads=True)]
    assert alarms_of(ours, ()) == ("dead pharmacy", "held")
    assert alarms_of([told([], leads=True)], ("held",)) == ()


def test_the_other_site_tells_only_the_end_of_what_it_has_told() -> None:
    assert alarms_of([told(["held"])], ()) == ()
    assert alarms_of([told(["held", "late"])], ("held",)) == ("held",)
    assert alarms_of([told([])], ("held",)) == ()


def test_where_nobody_sends_every_site_tells() -> None:
    assert alarms_of([told(["not-sending"], sending=False)], ()) == ("not-sending",)


def test_what_nobody_answers_changes_nothing() -> None:
    assert alarms_of([], ("held",)) == ("held",)
    assert alarms_of([], ()) == ()
