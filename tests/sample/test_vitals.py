from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from altid.sample.vitals import Charted, early_warning_score

_WELL = Charted(
    at=datetime(2026, 11, 17, 6, tzinfo=UTC),
    breaths=16,
    saturation=97,
    oxygen=0,
    systolic=130,
    diastolic=75,
    pulse=72,
    temperature=36.8,
    mind="A",
    low_target=False,
)


def test_a_well_patient_scores_nothing() -> None:
    assert early_warning_score(_WELL) == 0


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({"breaths": 8}, 3),
        ({"breaths": 11}, 1),
        ({"breaths": 21}, 2),
        ({"breaths": 25}, 3),
        ({"saturation": 95}, 1),
        ({"saturation": 92}, 2),
        ({"saturation": 91}, 3),
        ({"oxygen": 2.0}, 2),
        ({"systolic": 90}, 3),
        ({"systolic": 110}, 1),
        ({"systolic": 111}, 0),
        ({"systolic": 220}, 3),
        ({"pulse": 91}, 1),
        ({"pulse": 111}, 2),
        ({"pulse": 131}, 3),
        ({"mind": "C"}, 3),
        ({"temperature": 35.0}, 3),
        ({"temperature": 36.0}, 1),
        ({"temperature": 38.1}, 1),
        ({"temperature": 39.1}, 2),
    ],
)
def test_each_sign_has_its_points(change: dict[str, Any], points: int) -> None:
    assert early_warning_score(_WELL._replace(**change)) == points


def test_a_patient_with_copd_may_have_a_low_saturation() -> None:
    assert early_warning_score(_WELL._replace(saturation=89, low_target=True)) == 0


def test_too_much_oxygen_counts_for_a_patient_with_copd() -> None:
    assert early_warning_score(_WELL._replace(saturation=97, oxygen=2.0, low_target=True)) == 5
