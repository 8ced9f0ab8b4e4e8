"""A reach says the same of its patients one by one and all together, whatever is known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from altid.access.grounds import NOBODY, Grounds, Own, Reach

PATIENTS = [f"p{number}" for number in range(6)]
NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)

some = st.sets(st.sampled_from(PATIENTS))
until = st.dictionaries(
    st.sampled_from(PATIENTS), st.sampled_from([NOW - timedelta(hours=1), NOW + timedelta(hours=1)])
)


@given(some, until, until, some, st.none() | st.sampled_from(PATIENTS))
def test_those_whom_it_names_are_those_for_whom_there_are_grounds(
    here: set[str],
    listed: dict[str, datetime],
    overrides: dict[str, datetime],
    blocked: set[str],
    only: str | None,
) -> None:
    place = replace(NOBODY.place, patients=dict.fromkeys(here, Grounds.ADMITTED))
    reach = Reach(False, place, Own(listed, overrides, frozenset(blocked)), NOW, only)
    named = list(reach.patients)
    assert sorted(named) == [patient for patient in PATIENTS if reach.of(patient) is not None]
    assert len(reach.patients) == len(named)
    assert all(patient in reach.patients for patient in named)
