"""What a supervisor does and tells about certificates while everything runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from altid.region import certificates, renewal
from altid.region.layout import Layout
from altid.region.renewal import Renewal, Standing
from altid.region.topology import Place
from tests.region.certified import Certified


class _Watched:
    """A place's renewal, with what it tells."""

    def __init__(self, made: Certified, place: Place) -> None:
        self.told: list[tuple[str, str]] = []
        self._renewal = Renewal(made.where, made.region, place, _write, self._event)

    def look(self, days_from_now: float) -> bool:
        return self._renewal.look(datetime.now(UTC) + timedelta(days=days_from_now))

    def _event(self, event: str, **detail: Any) -> None:
        self.told.append((event, detail["holder"]))


def _write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.fixture
def own(tmp_path: Path) -> Certified:
    return Certified(tmp_path / "data")


def _without_authority(made: Certified) -> None:
    for key in made.where.pki.glob("*.key"):
        key.unlink()


def test_a_fresh_certificate_is_left_and_nothing_is_told(own: Certified) -> None:
    site = _Watched(own, own.region.sites[0])
    assert (site.look(0), site.told) == (False, [])


def test_a_site_renews_its_own_and_no_other(own: Certified) -> None:
    site = _Watched(own, own.region.sites[0])
    assert site.look(300)
    assert site.told == [("certificate renewed", "A"), ("certificate renewed", "A-lookup")]


def test_the_witness_renews_those_of_people_too(own: Certified) -> None:
    witness = _Watched(own, own.region.witness)
    assert witness.look(300)
    assert witness.told == [("certificate renewed", holder) for holder in ("W", "operator", "monitoring")]


def test_where_it_cannot_be_renewed_that_is_told_once(own: Certified) -> None:
    _without_authority(own)
    site = _Watched(own, own.region.sites[0])
    assert [site.look(day) for day in (300, 301, 302)] == [False, False, False]
    assert sorted(site.told) == [("certificate due", "A"), ("certificate due", "A-lookup")]


def test_a_certificate_that_has_expired_is_told(own: Certified) -> None:
    _without_authority(own)
    site = _Watched(own, own.region.sites[0])
    site.look(300)
    site.look(398)
    own_one = [told for told in site.told if told[1] == "A"]
    assert own_one == [("certificate due", "A"), ("certificate expired", "A")]


def test_an_authority_that_cannot_be_used_is_told(own: Certified) -> None:
    (own.where.pki / "authority.key").write_text("nonsense")
    site = _Watched(own, own.region.sites[0])
    site.look(0)
    assert site.told == [("certificate not renewed", "A"), ("certificate not renewed", "A-lookup")]


@pytest.mark.parametrize(
    ("days", "standing"), [(0, Standing.GOOD), (300, Standing.DUE), (398, Standing.EXPIRED)]
)
def test_the_picture_says_how_it_is_with_the_next_to_end(
    certified: Certified, days: int, standing: Standing
) -> None:
    moment = datetime.now(UTC) + timedelta(days=days)
    told = renewal.next_end(certified.where, certified.region, moment)
    assert told is not None
    assert told["standing"] == standing.value


def test_without_certificates_there_is_nothing_in_the_picture(tmp_path: Path, certified: Certified) -> None:
    assert renewal.next_end(Layout(tmp_path), certified.region) is None


def test_one_that_cannot_be_read_is_as_good_as_expired(own: Certified) -> None:
    certificates.identity(own.where.place("B").pki).write_text("nonsense")
    told = renewal.next_end(own.where, own.region)
    assert told == {"holder": "B", "ends": None, "standing": "expired"}
