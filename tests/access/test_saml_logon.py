"""Logon through a SAML provider, from our request to the session."""

from __future__ import annotations

import base64
import zlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from altid.access.door import Answer
from altid.access.federation.back import Posted, with_saml
from altid.access.federation.out import Departure, depart
from altid.access.federation.providers import SamlPeer
from altid.access.federation.saml.metadata import our_metadata, read_metadata
from altid.access.identity import Level, Role
from tests.access.desks import WARD, Scene, at_desk, granted
from tests.access.federating import ORIGIN, code_of
from tests.access.saml_provider import (
    CONSUMER,
    IDP,
    OURS,
    SSO,
    Telling,
    idp_metadata,
    pair,
    posted,
    saml_provider,
    with_signed_assertion,
)


def peer_of(scene: Scene) -> SamlPeer:
    (peer,) = scene.desk.federation.peers
    assert isinstance(peer, SamlPeer)
    return peer


async def go(scene: Scene) -> tuple[Departure, dict[str, str]]:
    departure = await depart(scene.desk, scene.caller(), peer_of(scene), origin=ORIGIN, wanted="/")
    assert isinstance(departure, Departure), departure
    return departure, {name: found[0] for name, found in parse_qs(urlsplit(departure.url).query).items()}


def request_in(values: dict[str, str]) -> Any:
    return etree.fromstring(zlib.decompress(base64.b64decode(values["SAMLRequest"]), -15))


async def come(scene: Scene, cookie: str, relay_state: str, telling: Telling) -> Answer:
    answer = Posted(posted(with_signed_assertion(telling)), relay_state)
    return await with_saml(scene.desk, scene.caller(), peer_of(scene), cookie, answer)


def test_whoever_the_provider_knows_is_let_in_as_it_says(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        departure, values = await go(scene)
        answer = await come(
            scene, departure.cookie, values["RelayState"], Telling(request_in(values).get("ID"))
        )
        identity = granted(answer).identity
        assert (identity.name, identity.role, identity.organisation) == ("Anne Holm", Role.DOCTOR, WARD)
        assert identity.level is Level.SUBSTANTIAL

    at_desk(fresh, work, providers=(saml_provider(),))


def test_our_request_is_signed_and_says_where_to_answer(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        departure, values = await go(scene)
        assert departure.url.startswith(f"{SSO}?SAMLRequest=")
        request = request_in(values)
        assert request.get("Destination") == SSO
        assert request.get("AssertionConsumerServiceURL") == CONSUMER
        assert request.find("{*}Issuer").text == OURS
        query, _, _ = urlsplit(departure.url).query.partition("&Signature=")
        key = pair("ours").certificate.public_key()
        key.verify(base64.b64decode(values["Signature"]), query.encode(), PKCS1v15(), SHA256())  # type: ignore[union-attr,call-arg,arg-type]

    at_desk(fresh, work, providers=(saml_provider(),))


def test_an_assertion_is_good_once_also_in_another_journey(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        departure, values = await go(scene)
        telling = Telling(request_in(values).get("ID"))
        granted(await come(scene, departure.cookie, values["RelayState"], telling))
        assert code_of(await come(scene, departure.cookie, values["RelayState"], telling)) == "begin-again"
        other, others = await go(scene)
        again = Telling(request_in(others).get("ID"))
        assert code_of(await come(scene, other.cookie, others["RelayState"], again)) == "begin-again"

    at_desk(fresh, work, providers=(saml_provider(),))


def test_another_browser_cannot_use_the_answer(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        victim, victims = await go(scene)
        _, attackers = await go(scene)
        stolen = Telling(request_in(attackers).get("ID"))
        assert code_of(await come(scene, victim.cookie, attackers["RelayState"], stolen)) == "begin-again"
        assert code_of(await come(scene, "", attackers["RelayState"], stolen)) == "begin-again"
        answer = await come(scene, victim.cookie, victims["RelayState"], stolen)
        assert code_of(answer) == "provider-refused"

    at_desk(fresh, work, providers=(saml_provider(),))


def test_the_session_ends_when_the_providers_does(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        departure, values = await go(scene)
        telling = Telling(request_in(values).get("ID"), session_ends_s=600)
        begun = granted(await come(scene, departure.cookie, values["RelayState"], telling))
        async with scene.desk.database.reading() as connection:
            ends = await connection.fetchval(
                "SELECT expires FROM session WHERE sid = $1", begun.identity.session
            )
        assert ends.timestamp() == scene.clock() + 600

    at_desk(fresh, work, providers=(saml_provider(),))


def test_our_metadata_says_what_a_provider_must_know() -> None:
    root = etree.fromstring(our_metadata(saml_provider(), CONSUMER))
    assert root.get("entityID") == OURS
    service = root.find("{*}SPSSODescriptor/{*}AssertionConsumerService")
    assert service.get("Location") == CONSUMER
    assert {key.get("use") for key in root.findall("{*}SPSSODescriptor/{*}KeyDescriptor")} == {
        "signing",
        "encryption",
    }


def test_metadata_of_a_provider_is_read() -> None:
    found = read_metadata(idp_metadata().encode())
    assert (found.entity_id, found.sso_url) == (IDP, SSO)
    assert found.certificates == (pair("idp").certificate,)
