"""The figures and the picture of a run."""

from __future__ import annotations

from xml.etree import ElementTree

from altid.drills.figures import Pause, latency_ms, longest_pause
from altid.drills.history import Operation
from altid.drills.picture import Moments, latency_picture


def _acknowledged(*ends_s: float) -> list[Operation]:
    return [Operation(1, "write", "r1", 1, "A", end - 0.01, end, True) for end in ends_s]


def _refused(end_s: float) -> Operation:
    return Operation(1, "read", "r1", None, "A", end_s - 0.01, end_s, False)


def test_the_pause_is_counted_from_the_last_answer_and_the_recovery_from_the_fault() -> None:
    assert longest_pause(_acknowledged(1.0, 1.9, 3.5, 3.6), 2.0, 10.0) == Pause(1.6, 1.5)


def test_a_pause_that_begins_after_the_heal_is_not_the_faults() -> None:
    assert longest_pause(_acknowledged(1.9, 2.1, 9.0, 19.0), 2.0, 5.0) == Pause(6.9, 6.9)


def test_no_answer_after_the_fault_is_the_whole_time() -> None:
    assert longest_pause(_acknowledged(1.0), 2.0, 10.0) == Pause(8.0, 8.0)


def test_latency_of_nothing_is_nothing() -> None:
    assert latency_ms([]) == {"p50": None, "p99": None, "max": None}


def test_latency_is_in_milliseconds() -> None:
    assert latency_ms(_acknowledged(1.0))["p50"] == 10.0


def test_the_picture_is_well_formed_and_shades_the_fault() -> None:
    moments = Moments(start_s=0.0, fault_s=2.0, healed_s=4.0, whole_s=5.0, end_s=6.0)
    text = latency_picture("a < b", [*_acknowledged(1.0, 2.0, 5.0), _refused(2.5)], moments)
    root = ElementTree.fromstring(text)
    shaded = [one for one in root if one.get("fill") == "#f3d9b1"]
    assert len(shaded) == 1
    assert float(shaded[0].get("width", "0")) > 100
