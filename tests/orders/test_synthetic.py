"""Orders that are no patient's are signed like every other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from altid.orders.context import Context
from altid.orders.signing import examine
from altid.orders.synthetic import (
    canary_patient,
    is_canary_patient,
    is_test_order,
    mark_of,
    medication_order,
    patient,
    requisition,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_nothing_stands_against_them() -> None:
    order = medication_order("p1", "mark", NOW)
    assert examine(order, Context(patient("p1"), NOW)).findings == ()


def test_nor_against_requisitions() -> None:
    wanted = requisition("p1", "mark", NOW)
    assert examine(wanted, Context(patient("p1"), NOW)).findings == ()
    assert mark_of(wanted) == "mark"


def test_orders_of_different_days_are_no_doubles() -> None:
    first, second = (
        {**medication_order("p1", "mark", NOW, starts=NOW + timedelta(days=2 * day)), "id": f"o{day}"}
        for day in (1, 2)
    )
    assert examine(second, Context(patient("p1"), NOW, current=[first])).findings == ()


def test_a_test_order_is_known_by_its_tag_and_others_are_none() -> None:
    assert is_test_order(medication_order("p1", "mark", NOW, is_test=True))
    assert not is_test_order(medication_order("p1", "mark", NOW))
    assert not is_test_order({"resourceType": "MedicationRequest"})


def test_a_version_is_known_by_its_latest_mark() -> None:
    order = medication_order("p1", "first", NOW)
    assert mark_of(order) == "first"
    assert mark_of({**order, "note": [*order["note"], {"text": "second"}]}) == "second"
    assert mark_of({"resourceType": "MedicationRequest"}) == ""


def test_a_canarys_patient_is_known_by_the_id() -> None:
    assert is_canary_patient(canary_patient("A", "server-1"))
    assert not is_canary_patient("p1")
