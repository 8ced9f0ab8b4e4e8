"""Parts of the region's own logon that stand alone: journeys, claims, health; and that they tell nothing."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import altid.access.federation
from altid.access.federation import claims
from altid.access.federation.claims import Lack, Person
from altid.access.federation.health import Health
from altid.access.federation.journey import COOKIE_CHARACTERS_MAX, Journey, Seal, begun
from altid.access.federation.limits import FAILURES_MAX, OUT_S_MAX, PAUSE_S_MAX, VALUES_MAX
from altid.access.federation.saml.response import Expected, ResponseError, read_response
from altid.access.federation.saml.xml import XmlError, parsed
from altid.access.identity import Level, Role
from altid.access.secret import AccessSecret
from tests.access.desks import NOON, SECRET, WARD
from tests.access.openid_provider import READING
from tests.access.saml_provider import CONSUMER, posted, saml_provider

SEAL = Seal(SECRET)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def journey() -> Journey:
    return begun("region", "https://altid.example", "/patient/1", NOON, random.SystemRandom())


def test_a_journey_comes_back_as_it_left() -> None:
    gone = journey()
    sealed = SEAL.close(gone, random.SystemRandom())
    assert len(sealed) < COOKIE_CHARACTERS_MAX / 2
    assert SEAL.open(sealed, "region", gone.id, NOON) == gone


def test_a_journey_is_good_for_its_provider_its_answer_and_its_time_only() -> None:
    gone = journey()
    sealed = SEAL.close(gone, random.SystemRandom())
    assert SEAL.open(sealed, "other", gone.id, NOON) is None
    assert SEAL.open(sealed, "region", journey().id, NOON) is None
    assert SEAL.open(sealed, "region", gone.id, NOON + OUT_S_MAX) is None
    assert Seal(AccessSecret(bytes(32))).open(sealed, "region", gone.id, NOON) is None


@given(cookie=st.text(max_size=200), id_=st.text(max_size=40))
def test_no_made_up_cookie_is_a_journey(cookie: str, id_: str) -> None:
    assert SEAL.open(cookie, "region", id_, NOON) is None


@given(place=st.integers(0, 300), bit=st.integers(0, 5))
def test_no_part_of_a_sealed_journey_can_be_changed(place: int, bit: int) -> None:
    gone = journey()
    sealed = SEAL.close(gone, random.SystemRandom())
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = place % (len(sealed) - 1)  # The last sign has bits that mean nothing.
    other = signs[signs.index(sealed[at]) ^ (1 << bit)]
    assert SEAL.open(sealed[:at] + other + sealed[at + 1 :], "region", gone.id, NOON) is None


@given(told=st.dictionaries(st.sampled_from(["groups", "sor", "acr", "name", "preferred_username"]), JSON))
def test_whatever_is_claimed_a_person_has_only_what_the_file_maps(told: dict[str, Any]) -> None:
    found = claims.person(
        "https://idp", "1", {name: claims.texts(value) for name, value in told.items()}, READING
    )
    if isinstance(found, Person):
        assert set(found.roles) <= {Role.DOCTOR, Role.NURSE}
        assert found.organisations
        assert 0 < len(found.name) <= 120
        assert found.name.isprintable()
    else:
        assert found in Lack


def test_the_first_role_is_the_one_that_the_file_puts_first() -> None:
    told = {"groups": ("EPJ-Sygeplejerske", "EPJ-Laege"), "sor": (WARD,)}
    found = claims.person("https://idp", "1", told, READING)
    assert isinstance(found, Person)
    assert found.roles == (Role.DOCTOR, Role.NURSE)


def test_names_of_places_are_mapped_and_others_are_none() -> None:
    reading = replace(READING, organisation_of={"NSH-Kardiologi": WARD})
    told = {"groups": ("EPJ-Laege",), "sor": ("NSH-Kardiologi", "32891000016009")}
    found = claims.person("https://idp", "1", told, reading)
    assert isinstance(found, Person)
    assert found.organisations == (WARD,)


def test_whoever_has_too_low_a_level_lacks_it() -> None:
    told = {"groups": ("EPJ-Laege",), "sor": (WARD,), "acr": ("Low",)}
    reading = replace(READING, level_min=Level.SUBSTANTIAL)
    assert claims.person("https://idp", "1", told, reading) is Lack.LEVEL


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\nb", "\u0000"])
def test_a_subject_that_could_be_two_is_none(subject: str) -> None:
    told = {"groups": ("EPJ-Laege",), "sor": (WARD,)}
    assert claims.person("https://idp", subject, told, READING) is Lack.SUBJECT


def test_a_claim_has_no_more_values_than_it_may() -> None:
    assert len(claims.texts(["x"] * (VALUES_MAX + 1))) == VALUES_MAX
    assert claims.texts({"a": 1}) == claims.texts(True) == claims.texts("y" * 2_000) == ()


def test_a_provider_is_down_after_some_failures_in_a_row_and_up_after_one_answer() -> None:
    health = Health(lambda: 0.0)
    for _ in range(FAILURES_MAX - 1):
        health.failed()
    assert not health.is_down
    health.succeeded()
    health.failed()
    assert not health.is_down
    for _ in range(50):
        health.failed()
    assert health.is_down
    assert 0 < health.next_look_s(random.Random(1)) <= PAUSE_S_MAX
    health.succeeded()
    assert not health.is_down


@given(content=st.binary(max_size=400) | st.text("<>/=\"'& abAs:xmlns!-[]?", max_size=400).map(str.encode))
def test_whatever_is_posted_it_is_read_or_refused(content: bytes) -> None:
    try:
        assert parsed(content) is not None
    except XmlError as error:
        told = str(error)
        assert told.isascii()
    with pytest.raises(ResponseError):
        read_response(posted(content), saml_provider(), Expected("_1", CONSUMER), NOON)


def kinds() -> list[type[Any]]:
    found: list[type[Any]] = []
    prefix = "altid.access.federation."
    for module in pkgutil.walk_packages(altid.access.federation.__path__, prefix):
        members = vars(importlib.import_module(module.name)).values()
        found += [one for one in members if inspect.isclass(one) and dataclasses.is_dataclass(one)]
    return list(dict.fromkeys(one for one in found if one.__module__.startswith(prefix)))


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_no_repr_shows_a_secret(kind: type[Any]) -> None:
    secrets = {
        "access_token", "certificates", "claims", "code", "cookie", "fetcher", "id_token", "key", "keys",
        "nonce", "relay_state", "response", "seal", "secret", "state", "subject", "url", "value", "verifier",
        "wanted",
    }  # fmt: skip
    allowed = {"Reading": {"subject"}, "Endpoints": {"keys"}, "IdpMetadata": {"certificates"}}
    shown = {one.name for one in dataclasses.fields(kind) if one.repr}
    assert shown & secrets - allowed.get(kind.__name__, set()) == set()
