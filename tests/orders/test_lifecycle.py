"""What can be done with an order, and that nothing else changes by it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from altid.fhir import json
from altid.fhir.validation import validate
from altid.orders.actions import RULES, Action, Done, State
from altid.orders.findings import RefusedError
from altid.orders.lifecycle import PRIVATE, Write, act, allowed, begun, is_private, state
from tests.orders.orders import DOCTOR, NOW, Resource, order, requisition

NURSE = {"reference": "PractitionerRole/nurse"}
STATUS_ALONE = {"status", "statusReason"}
TASK_OF = {"active": "requested", "accepted": "accepted", "taken": "in-progress"}


def done(action: Action, **said: Any) -> Done:
    return Done(action, NURSE, NOW, **{"identity": "made", "reason": "derfor", **said})


def active(**elements: Any) -> Resource:
    return order(**{"status": "active", **elements})


def first(written: tuple[Write, ...]) -> Resource:
    return written[0].resource


def refused(content: Resource, asked: Done) -> list[tuple[str, str]]:
    with pytest.raises(RefusedError) as error:
        act(content, asked)
    return [(finding.code, finding.field) for finding in error.value.findings]


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("before", State)
def test_the_table_is_all_there_is(kind: str, action: Action, before: State) -> None:
    content = order() if kind == "MedicationRequest" else requisition()
    task = None
    if kind == "ServiceRequest" and before in TASK_OF:
        task = {"resourceType": "Task", "id": "asked", "status": TASK_OF[before]}
        content["status"] = "active"
    else:
        content["status"] = str(before)
    if state(content, task) is not before:
        return  # a state that only a requisition has
    known = RULES[kind].get(action)
    if known is None or before not in known.starts:
        with pytest.raises(RefusedError):
            act(content, done(action), task)
        return
    was = copy.deepcopy((content, task))
    written = act(content, done(action), task)
    assert (content, task) == was, "what is current is not touched"
    after = {write.resource["resourceType"]: write.resource for write in reversed(written)}
    assert state(after.get(kind, content), after.get("Task", task)) is (known.to or before)
    assert action in allowed(content, task)


def test_a_change_leaves_what_it_does_not_name() -> None:
    before = active(note=[{"text": "x"}], priority="routine")
    after = first(act(before, done(Action.CHANGE, fields={"priority": "asap"})))
    assert after == {**before, "priority": "asap"}


def test_a_change_takes_away_only_what_is_named() -> None:
    before = active(note=[{"text": "x"}], priority="routine")
    assert first(act(before, done(Action.CHANGE, remove=("note",)))) == active(priority="routine")


def test_a_change_of_the_drug_by_code_replaces_the_reference() -> None:
    concept = {"text": "andet"}
    after = first(act(active(), done(Action.CHANGE, fields={"medicationCodeableConcept": concept})))
    assert "medicationReference" not in after


@pytest.mark.parametrize("element", ["status", "subject", "meta", "intent", "id", "detectedIssue", "_status"])
def test_a_change_does_not_touch_who_and_what_the_order_is(element: str) -> None:
    field = f"MedicationRequest.{element.removeprefix('_')}"
    assert refused(active(), done(Action.CHANGE, fields={element: "x"})) == [("not-changeable", field)]
    assert refused(active(), done(Action.CHANGE, remove=(element,))) == [("not-changeable", field)]


def test_an_element_is_not_both_given_and_removed() -> None:
    asked = done(Action.CHANGE, fields={"note": []}, remove=("note",))
    assert refused(active(), asked) == [("not-changeable", "MedicationRequest.note")]


@pytest.mark.parametrize("action", [Action.PAUSE, Action.STOP, Action.RETRACT])
def test_holding_back_and_ending_need_a_reason(action: Action) -> None:
    assert refused(active(), done(action, reason="  ")) == [("required", "MedicationRequest.statusReason")]
    assert first(act(active(), done(action)))["statusReason"] == {"text": "derfor"}


def test_the_reason_of_a_pause_ends_with_the_pause() -> None:
    held = first(act(active(), done(Action.PAUSE)))
    assert first(act(held, done(Action.RESUME, reason=""))) == active()


def test_a_change_of_a_paused_order_does_not_resume_it() -> None:
    held = first(act(active(), done(Action.PAUSE)))
    changed = first(act(held, done(Action.CHANGE, fields={"note": [{"text": "x"}]})))
    assert changed["status"] == "on-hold"
    assert changed["statusReason"] == {"text": "derfor"}


def test_a_renewed_order_refers_to_the_old_and_ends_it() -> None:
    before = active(
        meta={"versionId": "3", "security": [PRIVATE]},
        contained=[{"resourceType": "DetectedIssue", "id": "w"}],
        detectedIssue=[{"reference": "#w"}],
        identifier=[{"value": "old"}],
        note=[{"text": "x"}],
    )
    old, new = (
        write.resource for write in act(before, done(Action.RENEW, fields={"priority": "asap"}, reason=""))
    )
    assert old == {**before, "status": "completed", "statusReason": {"text": "Fornyet"}}
    assert new["priorPrescription"] == {"reference": "MedicationRequest/order"}
    assert (new["id"], new["status"], new["requester"], new["priority"]) == ("made", "active", NURSE, "asap")
    assert new["note"] == before["note"]
    assert new["meta"] == {"security": [PRIVATE]}
    assert not {"contained", "detectedIssue", "identifier", "statusReason"} & new.keys()


def test_what_is_given_is_told_beside_the_order() -> None:
    dose = {"dosage": {"dose": {"value": 500, "code": "mg"}}}
    (write,) = act(active(), done(Action.ADMINISTER, fields=dose))
    given = write.resource
    assert write.is_new
    assert given["request"] == {"reference": "MedicationRequest/order"}
    assert given["effectiveDateTime"] == "2026-11-17T10:00:00+00:00"
    assert given["subject"] == active()["subject"]
    assert valid(given)


def test_what_was_not_given_is_told_too_but_not_of_somebody_else() -> None:
    fields = {
        "status": "not-done",
        "statusReason": [{"text": "faster"}],
        "subject": {"reference": "Patient/2"},
    }
    (write,) = act(active(), done(Action.ADMINISTER, fields=fields))
    assert write.resource["status"] == "not-done"
    assert write.resource["subject"] == {"reference": "Patient/1"}


def test_a_requisition_on_its_way() -> None:
    asked, task = (write.resource for write in begun(requisition(status="active"), DOCTOR, NOW))
    assert (task["id"], task["status"], task["focus"]) == (
        "asked",
        "requested",
        {"reference": "ServiceRequest/asked"},
    )
    (accepted,) = act(asked, done(Action.ACCEPT, reason=""), task)
    assert (accepted.resource["status"], accepted.is_new) == ("accepted", False)
    assert accepted.resource["owner"] == NURSE
    asked, specimen, taken = (
        w.resource for w in act(asked, done(Action.SPECIMEN, reason=""), accepted.resource)
    )
    assert asked["specimen"] == [{"reference": "Specimen/made"}]
    assert specimen["collection"]["collectedDateTime"] == "2026-11-17T10:00:00+00:00"
    assert taken["status"] == "in-progress"
    ended, report, task = (w.resource for w in act(asked, done(Action.RESULT, reason=""), taken))
    assert (ended["status"], task["status"]) == ("completed", "completed")
    assert report["basedOn"] == [{"reference": "ServiceRequest/asked"}]
    assert all(map(valid, (asked, specimen, taken, ended, report, task)))


@pytest.mark.parametrize("status", ["registered", "partial", "preliminary", "cancelled", "entered-in-error"])
def test_a_report_that_is_not_the_result_leaves_its_requisition_open(status: str) -> None:
    asked, task = (write.resource for write in begun(requisition(status="active"), DOCTOR, NOW))
    (accepted,) = act(asked, done(Action.ACCEPT, reason=""), task)
    (write,) = act(asked, done(Action.RESULT, fields={"status": status}, reason=""), accepted.resource)
    assert (write.is_new, write.resource["status"]) == (True, status)
    assert write.resource["basedOn"] == [{"reference": "ServiceRequest/asked"}]
    ended, _, _ = act(asked, done(Action.RESULT, fields={"status": "amended"}), accepted.resource)
    assert ended.resource["status"] == "completed"


def test_a_requisition_without_a_task_gets_one_when_it_is_accepted() -> None:
    (write,) = act(requisition(status="active"), done(Action.ACCEPT))
    assert write.is_new
    assert (write.resource["resourceType"], write.resource["status"]) == ("Task", "accepted")


def test_a_requisition_that_is_taken_back_says_why() -> None:
    asked, task = (write.resource for write in begun(requisition(status="active"), DOCTOR, NOW))
    revoked, ended = (write.resource for write in act(asked, done(Action.CANCEL), task))
    assert revoked == {**asked, "status": "revoked"}
    assert (ended["status"], ended["statusReason"]) == ("cancelled", {"text": "derfor"})


@pytest.mark.parametrize("status", ["completed", "on-hold", "stopped", "entered-in-error"])
def test_an_order_begins_as_a_draft_or_signed(status: str) -> None:
    with pytest.raises(RefusedError):
        begun(order(status=status), DOCTOR, NOW)


def test_an_unknown_status_is_refused_and_not_guessed() -> None:
    assert refused(order(status="unknown"), done(Action.SIGN)) == [("state", "MedicationRequest.status")]


def valid(resource: Resource) -> bool:
    return validate(json.loads(json.dumps(resource))) == []


class Orders(RuleBasedStateMachine):
    """Any sequence of actions, tried whether they are allowed or not."""

    @initialize(is_drug=st.booleans(), signed=st.booleans(), private=st.booleans())
    def begin(self, is_drug: bool, signed: bool, private: bool) -> None:
        status = "active" if signed else "draft"
        content = order(status=status) if is_drug else requisition(status=status)
        content["note"] = [{"text": "bliver"}]
        if private:
            content["meta"] = {"security": [PRIVATE]}
        self.private = private
        self.task: Resource | None = None
        self.take(begun(content, DOCTOR, NOW))
        self.notes = 1

    def take(self, written: tuple[Write, ...]) -> None:
        for write in written:
            assert valid(write.resource)
            if write.resource["resourceType"] == "Task":
                self.task = write.resource
            elif not write.is_new or not hasattr(self, "content"):
                self.content = write.resource

    @rule(action=st.sampled_from(Action), reason=st.sampled_from(("", "derfor")))
    def any_action(self, action: Action, reason: str) -> None:
        before, state_before = self.content, state(self.content, self.task)
        may = action in allowed(before, self.task)
        known = RULES[before["resourceType"]].get(action)
        try:
            written = act(before, done(action, reason=reason), self.task)
        except RefusedError:
            assert not may or (known is not None and known.needs_reason and not reason)
            return
        assert may
        assert known is not None
        self.take(written)
        assert state(self.content, self.task) is (known.to or state_before)
        owned = STATUS_ALONE | ({"meta"} if "private" in action else set())
        owned |= {"specimen"} if action is Action.SPECIMEN else set()
        owned |= {"requester"} if action is Action.SIGN else set()
        for element in (before.keys() | self.content.keys()) - owned:
            assert self.content.get(element) == before.get(element), "what is not named stays"
        if "private" in action:
            self.private = action is Action.MARK_PRIVATE

    @precondition(lambda self: Action.CHANGE in allowed(self.content, self.task))
    @rule()
    def one_more_note(self) -> None:
        notes = [*self.content["note"], {"text": "mere"}]
        self.take(act(self.content, done(Action.CHANGE, fields={"note": notes}), self.task))
        self.notes += 1

    @invariant()
    def the_private_mark_survives_and_says_nothing_of_the_status(self) -> None:
        assert is_private(self.content) is self.private
        without = {key: value for key, value in self.content.items() if key != "meta"}
        assert state(without, self.task) is state(self.content, self.task)

    @invariant()
    def the_notes_stay(self) -> None:
        assert len(self.content["note"]) == self.notes


TestOrders = Orders.TestCase
TestOrders.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
