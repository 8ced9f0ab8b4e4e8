"""Who has looked at a patient, as those see it who treat them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.audit.event import Action, Event, Outcome, Who
from altid.access.audit.store import Entry
from altid.access.identity import Role
from altid.fhir.search.hidden import Period
from altid.screen.words import words
from altid.web.patient import PARTS
from altid.web.patient_looks import looks_of, page_of
from tests.access.desks import WARD
from tests.web.test_rights_on_pages import wait_for
from tests.web.test_wards import browser_of

Store = Callable[..., None]
WHO = Who("account", "Bente Holm", "nurse", WARD, "session")
AT = datetime(2026, 11, 28, 10, 30, tzinfo=UTC)


def event(at: datetime = AT, **more: object) -> Event:
    usual = Event(
        round(at.timestamp() * 1_000_000),
        Action.READ,
        Outcome.DONE,
        WHO,
        patients=("p",),
        grounds=("admitted",),
        operation="page:patient",
    )
    return replace(usual, **more)  # type: ignore[arg-type]


def test_looks_alike_within_an_hour_are_one_line() -> None:
    events = [event(AT - timedelta(minutes=minutes)) for minutes in (0, 10, 20, 50)]
    found = looks_of(events, "p")
    assert [(look.count, look.last, look.first) for look in found] == [
        (3, AT, AT - timedelta(minutes=20)),
        (1, AT - timedelta(minutes=50), AT - timedelta(minutes=50)),
    ]


@pytest.mark.parametrize(
    "other",
    [
        event(grounds=("override",)),
        event(outcome=Outcome.REFUSED),
        event(operation="page:patient-medication"),
        event(action=Action.UPDATE),
        event(who=replace(WHO, subject="another")),
    ],
)
def test_what_differs_has_a_line_of_its_own(other: Event) -> None:
    assert len(looks_of([event(), other], "p")) == 2


def test_broken_glass_is_marked() -> None:
    marks = [look.is_broken_glass for look in looks_of([event(grounds=("override",)), event()], "p")]
    assert marks == [True, False]


@pytest.mark.parametrize("action", [Action.ADMINISTER, Action.FOLLOW_UP, Action.LOGON, Action.CHECKPOINT])
def test_what_is_no_look_is_for_the_auditor(action: Action) -> None:
    """Who set a block for a patient, and who followed up broken glass."""
    assert looks_of([event(action=action)], "p") == ()


def test_a_blocked_period_is_left_out() -> None:
    period = Period(AT - timedelta(hours=1), AT + timedelta(hours=1))
    assert looks_of([event(), event(AT - timedelta(hours=3))], "p", [period])[0].last < period.low


def test_the_grounds_are_those_for_this_patient() -> None:
    [look] = looks_of([event(patients=("other", "p"), grounds=("admitted", "listed"))], "p")
    assert look.why == "listed"


@given(st.lists(st.integers(0, 12)), st.integers(1, 6))
def test_pages_leave_nothing_out(offsets: list[int], count: int) -> None:
    """Whatever the moments, unless what one request noted fills more than a page."""
    moments = sorted(offsets, reverse=True)
    found = [Entry("w", number, "A", event(AT + timedelta(0, at))) for number, at in enumerate(moments)]
    left, shown = found, []
    while left:
        entries, older = page_of(left[: count + 1], count)
        assert entries
        shown += entries
        if older is None:
            break
        left = [one for one in found if one.event.at_us < older]
    if all(moments.count(one) <= count for one in moments):
        assert shown == found


@pytest.mark.parametrize("part", PARTS)
def test_each_page_of_a_patient_has_a_name(part: str) -> None:
    assert words("da").has(f"looked.patient-{part}")


def test_those_who_treat_see_who_else_looked(web_server: str, web_dsn: str, store: Store) -> None:
    place, patient = f"77{secrets.randbelow(10**9):09d}016", f"looked-{secrets.token_hex(4)}"
    store("Patient", patient, name=[{"family": "Set", "given": ["Ida"]}])
    with browser_of(web_server, web_dsn, Role.NURSE, place) as stranger:
        reason = {"kind": "acute", "reason": "Bevidstløs i modtagelsen, ukendt medicin"}
        assert stranger.post(f"/patient/{patient}/override", data=reason).status_code == 303
        assert stranger.get(f"/patient/{patient}/medication").status_code == 200

        def told() -> str | None:
            html = stranger.get(f"/patient/{patient}/looks").text
            return html if "så medicin" in html and "så hvem der har set journalen" in html else None

        html = wait_for(told)
        assert "▲</span> værdispring" in html
        assert "sygeplejerske" in html
        assert "127.0.0.1" not in html
        assert reason["reason"] not in html


def test_who_does_not_treat_sees_no_looks(web_server: str, web_dsn: str, store: Store) -> None:
    place, patient = f"77{secrets.randbelow(10**9):09d}016", f"looked-{secrets.token_hex(4)}"
    store("Patient", patient, name=[{"family": "Set", "given": ["Ida"]}])
    with browser_of(web_server, web_dsn, Role.NURSE, place) as stranger:
        assert "Ingen behandlingsrelation" in stranger.get(f"/patient/{patient}/looks").text
    with browser_of(web_server, web_dsn, Role.SECRETARY, place) as secretary:
        assert secretary.get(f"/patient/{patient}/looks").status_code == 403
        assert f"/patient/{patient}/looks" not in secretary.get(f"/patient/{patient}").text
