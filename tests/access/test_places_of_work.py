"""Who is admitted, referred or booked where one works: a ward is a ward, a hospital all its wards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from altid.access import relations
from altid.access.grounds import Grounds, Own, PlaceTooWideError, Reach
from altid.access.relations import APPOINTMENT_DAYS, place_of
from altid.api.failure import failure_response
from altid.record.postgres import Cluster
from tests.access.little_region import (
    ADRIFT,
    HEART,
    KNEE,
    LUNG,
    NORTH,
    NOW,
    PRACTICE,
    REGION,
    SOUTH,
    UNKNOWN,
    Resource,
    empty,
    organisations,
    put,
    told,
)

ALL = (REGION, NORTH, HEART, LUNG, SOUTH, KNEE, PRACTICE, ADRIFT, UNKNOWN)
SERVICE = {
    "resourceType": "HealthcareService",
    "id": "clinic",
    "providedBy": {"reference": f"Organization/o{HEART}"},
}


@pytest.fixture
def region(postgres: Cluster, shared: str) -> str:
    empty(postgres, shared)
    told(shared, lambda connection: put(connection, *organisations(), SERVICE))
    return shared


def _reached_from(dsn: str, *resources: Resource, now: datetime = NOW) -> dict[str, Grounds]:
    """The places that Anna is reached from, and why, when this is in the record."""

    async def story(connection: Any) -> dict[str, Grounds]:
        await put(connection, *resources)
        places = {sor: await place_of(connection, sor, now) for sor in ALL}
        return {sor: place.patients["anna"] for sor, place in places.items() if "anna" in place.patients}

    return told(dsn, story)


def _admitted(
    *, provider: str | None = None, locations: tuple[str, ...] = (), status: str = "in-progress"
) -> Resource:
    where = [{"location": {"reference": f"Location/l{sor}"}} for sor in locations]
    return {
        "resourceType": "Encounter",
        "id": "e",
        "status": status,
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/anna"},
        **({"serviceProvider": {"reference": f"Organization/o{provider}"}} if provider else {}),
        **({"location": where} if where else {}),
    }


def _referred(performer: str, status: str = "active") -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": "s",
        "status": status,
        "intent": "order",
        "subject": {"reference": "Patient/anna"},
        "performer": [{"reference": performer}],
    }


def _booked(actor: str, status: str = "booked", start: datetime | None = None) -> Resource:
    return {
        "resourceType": "Appointment",
        "id": "a",
        "status": status,
        "participant": [
            {"actor": {"reference": reference}, "status": "accepted"} for reference in ("Patient/anna", actor)
        ],
        **({"start": start.isoformat()} if start else {}),
    }


def _why(grounds: Grounds, *places: str) -> dict[str, Grounds]:
    return dict.fromkeys(places, grounds)


@pytest.mark.parametrize(
    ("admitted", "reached_from"),
    [
        (_admitted(provider=HEART), (NORTH, HEART)),
        (_admitted(provider=NORTH), (NORTH,)),
        (_admitted(provider=NORTH, locations=(HEART,)), (NORTH, HEART)),
        (_admitted(locations=(HEART, KNEE)), (NORTH, HEART, SOUTH, KNEE)),
        (_admitted(provider=REGION), (REGION,)),
        (_admitted(provider=PRACTICE), (PRACTICE,)),
        (_admitted(), ()),
    ],
)
def test_an_admission_is_where_it_says_and_above_but_not_at_the_region(
    region: str, admitted: Resource, reached_from: tuple[str, ...]
) -> None:
    assert _reached_from(region, admitted) == _why(Grounds.ADMITTED, *reached_from)


@pytest.mark.parametrize("status", ["finished", "cancelled", "entered-in-error", "unknown"])
def test_an_admission_that_is_over_makes_no_grounds(region: str, status: str) -> None:
    assert _reached_from(region, _admitted(provider=HEART, status=status)) == {}


@pytest.mark.parametrize("status", ["planned", "arrived", "triaged", "in-progress", "onleave"])
def test_one_that_is_planned_or_underway_does(region: str, status: str) -> None:
    assert set(_reached_from(region, _admitted(provider=HEART, status=status))) == {NORTH, HEART}


@pytest.mark.parametrize("performer", [f"Organization/o{HEART}", "HealthcareService/clinic"])
def test_a_referral_makes_grounds_where_it_goes_until_it_is_answered(region: str, performer: str) -> None:
    assert _reached_from(region, _referred(performer)) == _why(Grounds.REFERRED, NORTH, HEART)
    for status in ("completed", "revoked", "entered-in-error"):
        assert _reached_from(region, _referred(performer, status)) == {}


@pytest.mark.parametrize("actor", [f"Location/l{HEART}", "HealthcareService/clinic"])
@pytest.mark.parametrize("start", [None, NOW, NOW + timedelta(days=200)])
def test_an_appointment_makes_grounds_where_it_is(region: str, actor: str, start: datetime | None) -> None:
    assert _reached_from(region, _booked(actor, start=start)) == _why(Grounds.REFERRED, NORTH, HEART)
    for status in ("fulfilled", "cancelled", "noshow", "entered-in-error"):
        assert _reached_from(region, _booked(actor, status, start)) == {}


def test_an_appointment_that_nobody_closed_makes_grounds_no_longer_than_for_writing_up(region: str) -> None:
    booked = _booked(f"Location/l{HEART}", start=NOW)
    almost, over = (NOW + timedelta(days=APPOINTMENT_DAYS + days) for days in (-1, 1))
    assert set(_reached_from(region, booked, now=almost)) == {NORTH, HEART}
    assert _reached_from(region, booked, now=over) == {}


def test_a_place_with_too_many_patients_says_so_and_leaves_nobody_out(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relations, "OPEN_MAX", 2)
    own = Own(listed={"anna": NOW + timedelta(hours=1)}, overrides={"bo": NOW + timedelta(hours=1)})

    async def story(connection: Any) -> None:
        for number, whom in enumerate(("anna", "bo", "carl")):
            admitted = {**_admitted(provider=HEART), "id": f"e{number}"}
            await put(connection, {**admitted, "subject": {"reference": f"Patient/{whom}"}})
            place = await place_of(connection, HEART, NOW)
            assert (place.is_too_wide, len(place.patients)) == (
                (False, number + 1) if number < 2 else (True, 0)
            )
        patients = Reach(False, place, own, NOW).patients
        assert "anna" in patients
        assert "bo" in patients
        for ask in (lambda: "carl" in patients, lambda: list(patients)):
            with pytest.raises(PlaceTooWideError):
                ask()

    told(region, story)


def test_that_is_told_in_words() -> None:
    answer = failure_response(PlaceTooWideError(), "GET", "da", "r")
    assert answer.status == 403
    assert "log ind på det afsnit, hvor du arbejder" in answer.body.decode()


def test_who_is_admitted_and_referred_is_admitted(region: str) -> None:
    both = _admitted(provider=HEART), _referred(f"Organization/o{HEART}")
    assert _reached_from(region, *both) == _why(Grounds.ADMITTED, NORTH, HEART)
