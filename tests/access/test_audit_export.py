"""Stored events as FHIR and as the citizens' access log."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from altid.access.audit.event import (
    NOBODY,
    PATIENTS_MAX,
    Action,
    Event,
    Outcome,
    Who,
    decode,
    encode,
    found_by,
    parts_of,
)
from altid.access.audit.export import as_audit_event, minlog
from altid.access.audit.store import Entry
from altid.fhir.validation import validate
from tests.access.auditing import ANNE, look

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20)
IDS = st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True)
EVENTS = st.builds(
    Event,
    st.integers(0, 4_000_000_000_000_000),
    st.sampled_from(Action),
    st.sampled_from(Outcome),
    st.just(NOBODY) | st.builds(Who, IDS, TEXT, TEXT, TEXT, TEXT),
    st.lists(IDS, max_size=4, unique=True).map(tuple),
    st.lists(st.sampled_from(["admitted", "override"]), max_size=1).map(tuple),
    TEXT,
    st.sampled_from(["", "Observation", "Patient", "page"]),
    st.just("") | IDS,
    st.none() | st.integers(0, 10),
    TEXT,
    st.lists(st.sampled_from(["code", "subject:Patient.name", "_id"]), max_size=3).map(tuple),
    TEXT,
    TEXT,
    TEXT,
    st.sampled_from(["", "two-sites"]),
    st.lists(st.tuples(st.just("A.00000001"), st.integers(1, 9), st.just("00" * 32)), max_size=2).map(tuple),
)


@given(EVENTS)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    body = encode(event, "A")
    assert decode(body) == (event, "A")
    assert encode(decode(body)[0], "A") == body
    assert found_by(body) == (event.at, event.who.subject, event.action, list(event.patients))


@given(EVENTS)
def test_every_event_is_a_valid_audit_event(event: Event) -> None:
    assert validate(as_audit_event(Entry("A.00000001", 7, "A", event)), expected_type="AuditEvent") == []


def test_an_audit_event_tells_who_whom_what_why_when_and_where() -> None:
    event = look(5, grounds=("override",), override="w-1", version=3, workplace="pc-12")
    made = as_audit_event(Entry("A.00000001", 7, "A", event))
    assert made["id"] == "A.00000001.7"
    assert made["recorded"] == "2027-01-15T08:00:00.000005Z"
    assert made["agent"][0]["who"] == {"identifier": {"value": "a-1"}, "display": "Anne Holm"}
    assert made["agent"][0]["network"] == {"address": "10.0.0.7", "type": "2"}
    assert made["purposeOfEvent"][0]["coding"][0]["code"] == "BTG"
    assert [entity.get("what") for entity in made["entity"]] == [
        {"reference": "Patient/p-1"},
        {"reference": "Observation/o-5/_history/3"},
    ]
    assert made["source"]["site"] == "A"


def test_the_citizen_is_told_who_looked_and_why() -> None:
    event = replace(look(5), patients=("p-1", "p-2"), grounds=("admitted", "override"))
    one, two = minlog(Entry("A.00000001", 7, "A", event))
    assert one._asdict() == {
        "patient": "p-1",
        "system": "Altid",
        "activity": "Læst (Observation)",
        "reason": "Indlagt eller i ambulant forløb på stedet",
        "begin": "2027-01-15T08:00:00Z",
        "end": "2027-01-15T08:00:00Z",
        "organisation": "32891000016001",
        "person": "Anne Holm",
        "user": "a-1",
        "role": "Læge",
        "correlation": "r-5",
    }
    assert (two.patient, two.reason) == ("p-2", "Værdispring")


def test_the_citizen_is_not_told_what_showed_nothing() -> None:
    refused = replace(look(1), outcome=Outcome.REFUSED)
    logon = Event(0, Action.LOGON, Outcome.DONE, ANNE)
    assert [minlog(Entry("A.00000001", 7, "A", event)) for event in (refused, logon)] == [[], []]


def test_a_big_event_in_parts_keeps_each_patients_grounds() -> None:
    patients = tuple(f"p-{n}" for n in range(PATIENTS_MAX + 1))
    grounds = tuple("override" if n == PATIENTS_MAX else "admitted" for n in range(PATIENTS_MAX + 1))
    first, second = parts_of(replace(look(), patients=patients, grounds=grounds))
    assert second.patients == (f"p-{PATIENTS_MAX}",)
    assert second.grounds_for(second.patients[0]) == "override"
    assert first.patients + second.patients == patients
