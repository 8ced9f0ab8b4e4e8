"""What a downtime asks for first: assessment and plan, and the orders that nobody may rely on yet."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from altid.screen.views.plan import part_of, plans_of
from altid.screen.views.unconfirmed import Waits, unconfirmed_of
from tests.screen.charts import chart


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("Objektivt\nBT 120\n\nVurdering og plan\n1. KAG.\n2. Telemetri.", "1. KAG.\n2. Telemetri."),
        ("Plan: hjem i morgen.", "hjem i morgen."),
        ("Vurdering:\nUkompliceret.\nParaklinik\nCRP 21", "Ukompliceret."),
        ("Konklusion\nNormal.\n\nPlan\nKontrol.", "Normal.\n\nKontrol."),
        ("Assessment and plan:\nStable.", "Stable."),
        ("Planlagt indlæggelse til operation.", ""),
        ("Plan for udskrivelse er ikke lagt endnu.", ""),
        ("", ""),
    ],
)
def test_the_plan_is_what_stands_under_its_headings(body: str, part: str) -> None:
    assert part_of(body) == part


def note(body: str, at: str) -> dict[str, Any]:
    data = base64.b64encode(body.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "date": at,
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }


def test_the_latest_plans_come_first_and_notes_without_one_are_passed_over() -> None:
    found = plans_of(
        chart(
            note("Plan: gammel", "2026-11-15T10:00:00+01:00"),
            note("Sov godt.", "2026-11-17T06:00:00+01:00"),
            note("Plan: ny", "2026-11-16T10:00:00+01:00"),
        )
    )
    assert [plan.body for plan in found.plans] == ["ny", "gammel"]


def test_plans_that_could_not_be_read_are_not_known() -> None:
    assert not plans_of(chart(unread=("DocumentReference",))).is_known


def request(identity: str, status: str = "active") -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": identity,
        "status": status,
        "intent": "order",
        "code": {"text": identity},
    }


def task(status: str, identity: str) -> dict[str, Any]:
    focus = {"reference": f"ServiceRequest/{identity}"}
    return {"resourceType": "Task", "id": f"task-{identity}", "status": status, "focus": focus}


def test_what_is_not_signed_or_not_accepted_is_not_confirmed() -> None:
    found = unconfirmed_of(
        chart(
            request("draft", "draft"),
            request("sent"),
            task("requested", "sent"),
            request("accepted"),
            task("accepted", "accepted"),
            request("plain"),
            request("over", "completed"),
            task("requested", "over"),
            {
                "resourceType": "MedicationRequest",
                "status": "draft",
                "medicationCodeableConcept": {"text": "x"},
            },
        )
    )
    assert {(one.name, one.waits) for one in found.orders} == {
        ("draft", Waits.SIGNATURE),
        ("sent", Waits.ACCEPTANCE),
        ("x", Waits.SIGNATURE),
    }


def test_without_the_tasks_nobody_knows_what_is_confirmed() -> None:
    assert not unconfirmed_of(chart(request("a"), unread=("Task",))).is_known
