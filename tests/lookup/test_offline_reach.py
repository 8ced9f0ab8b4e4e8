"""Whom somebody may see at a place: by the record's rules, from what the copy knows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from altid.access.grounds import Grounds
from altid.access.identity import Identity, Level, Role
from altid.lookup.copy import Copy
from altid.lookup.entry import people
from altid.lookup.entry.people import EntryAnswerError
from altid.lookup.entry.person import Person, Way
from altid.lookup.entry.reach import Reaches
from tests.lookup.places import (
    HERS,
    HOSPITAL,
    NEXT_DOOR,
    REGION,
    THEIRS,
    WARD,
    account,
    admission,
    in_hours,
    keep,
    leave,
    new_copy,
    organisation,
    told,
)


@pytest.fixture
def file(tmp_path: Path) -> Copy:
    return new_copy(tmp_path / "copy.db")


def tell(file: Copy, **changed: Any) -> None:
    with file.writing() as connection:
        people.replace(connection, told(**changed))


def somebody(place: str = WARD, role: Role = Role.NURSE, *, code: str | None = None) -> Person:
    identity = Identity("id-of-nina", "Nina Nør", role, place, (), Level.LOW, "s", "pc", 0)
    return Person(identity, Way.PASSWORD if code is None else Way.CODE, code=code)


def grounds(file: Copy, person: Person, patient: str) -> Grounds | None:
    return Reaches(file, lambda: random.random() * 1e9).sight(person, patient).grounds


def test_a_ward_has_its_own_patients_and_not_those_next_door(file: Copy) -> None:
    assert grounds(file, somebody(), HERS) is Grounds.ADMITTED
    assert grounds(file, somebody(), THEIRS) is None
    assert grounds(file, somebody(NEXT_DOOR), THEIRS) is Grounds.ADMITTED


def test_a_hospital_has_those_of_all_its_wards_and_the_region_has_nobody(file: Copy) -> None:
    assert grounds(file, somebody(HOSPITAL), HERS) is Grounds.ADMITTED
    assert grounds(file, somebody(HOSPITAL), THEIRS) is Grounds.ADMITTED
    assert grounds(file, somebody(REGION), HERS) is None


def test_whoever_does_not_treat_has_grounds_for_nobody(file: Copy) -> None:
    assert grounds(file, somebody(role=Role.OPERATIONS), HERS) is None


def test_a_discharge_ends_the_grounds(file: Copy) -> None:
    keep(file, admission("one", HERS, location="bed", status="finished"))
    assert grounds(file, somebody(), HERS) is None


def test_what_the_copy_does_not_keep_any_more_makes_no_grounds(file: Copy) -> None:
    leave(file, "Encounter", "one")
    assert grounds(file, somebody(), HERS) is None


@pytest.mark.parametrize(("days", "expected"), [(-60, None), (-10, Grounds.REFERRED), (5, Grounds.REFERRED)])
def test_an_appointment_makes_grounds_until_a_month_after_its_day(
    file: Copy, days: int, expected: Grounds | None
) -> None:
    start = datetime.now(UTC) + timedelta(days=days)
    keep(
        file,
        {
            "resourceType": "Appointment",
            "id": "visit",
            "status": "booked",
            "start": start.isoformat(timespec="seconds"),
            "participant": [
                {"actor": {"reference": "Patient/booked"}},
                {"actor": {"reference": "Location/bed"}},
            ],
        },
    )
    assert grounds(file, somebody(), "booked") is expected


def test_ones_list_and_broken_glass_are_for_this_role_and_place(file: Copy) -> None:
    mine = {"account": "id-of-nina", "role": "nurse", "organisation": WARD, "until": in_hours(3)}
    glass = {**mine, "id": "glass", "patient": "seen"}
    tell(file, lists=[{**mine, "patient": "listed"}], overrides=[glass])
    assert grounds(file, somebody(), "listed") is Grounds.LISTED
    assert grounds(file, somebody(), "seen") is Grounds.OVERRIDE
    assert grounds(file, somebody(NEXT_DOOR), "listed") is None
    assert grounds(file, somebody(role=Role.DOCTOR), "seen") is None


def test_what_has_ended_opens_nothing(file: Copy) -> None:
    past = {"account": "id-of-nina", "role": "nurse", "organisation": WARD, "until": in_hours(-1)}
    tell(file, lists=[{**past, "patient": "listed"}], overrides=[{**past, "id": "glass", "patient": "seen"}])
    assert grounds(file, somebody(), "listed") is None
    assert grounds(file, somebody(), "seen") is None


def block(**changed: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("account", "organisation", "low", "high", "until"))
    return {"id": "block", "patient": HERS, **nothing, **changed}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"account": "id-of-nina"},
        {"organisation": WARD},
        {"organisation": HOSPITAL},
        {"organisation": "an unknown place"},
    ],
)
def test_a_block_takes_the_grounds_away(file: Copy, changed: dict[str, Any]) -> None:
    tell(file, blocks=[block(**changed)])
    assert grounds(file, somebody(), HERS) is None


@pytest.mark.parametrize(
    "changed", [{"account": "id-of-another"}, {"organisation": NEXT_DOOR}, {"until": "2020-01-01T00:00:00Z"}]
)
def test_a_block_against_others_does_not(file: Copy, changed: dict[str, Any]) -> None:
    tell(file, blocks=[block(**changed)])
    assert grounds(file, somebody(), HERS) is Grounds.ADMITTED


def test_where_it_is_not_told_what_a_place_is_part_of_every_block_by_place_covers_it(file: Copy) -> None:
    keep(file, organisation("ward", WARD, "nobody-knows", "Afsnit A"))
    tell(file, blocks=[block(organisation=NEXT_DOOR)])
    assert grounds(file, somebody(), HERS) is None


def test_a_blocked_period_hides_itself_and_broken_glass_opens_it(file: Copy) -> None:
    tell(file, blocks=[block(low="2020-01-01T00:00:00+00:00")])
    sight = Reaches(file, lambda: 0.0).sight(somebody(), HERS)
    assert sight.grounds is Grounds.ADMITTED
    assert [period.low.year for period in sight.hidden] == [2020]
    glass = {"account": "id-of-nina", "role": "nurse", "organisation": WARD, "until": in_hours(3)}
    tell(
        file,
        blocks=[block(low="2020-01-01T00:00:00+00:00")],
        overrides=[{**glass, "id": "g", "patient": HERS}],
    )
    opened = Reaches(file, lambda: 0.0).sight(somebody(), HERS)
    assert (opened.grounds, opened.hidden) == (Grounds.OVERRIDE, ())


def test_a_code_opens_the_ward_and_nothing_beyond_it(file: Copy) -> None:
    by_code = somebody(code="a code")
    assert grounds(file, by_code, HERS) is Grounds.ADMITTED
    assert grounds(file, by_code, THEIRS) is None
    tell(file, blocks=[block()])
    assert grounds(file, by_code, HERS) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"accounts": None},
        {"accounts": [{"id": "x"}]},
        {"accounts": [account(roles=["king"])]},
        {"blocks": [{}]},
        {"lists": [{"until": "soon"}]},
    ],
)
def test_an_answer_that_is_not_whole_changes_nothing(file: Copy, broken: dict[str, Any]) -> None:
    tell(file, blocks=[block()])
    with pytest.raises(EntryAnswerError), file.writing() as connection:
        people.replace(connection, told(**broken))
    assert grounds(file, somebody(), HERS) is None
