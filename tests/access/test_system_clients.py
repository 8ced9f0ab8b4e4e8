"""Systems that prove themselves by a signed assertion (SMART backend services)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from altid.access import clients, logon
from altid.access.clients import Client, ClientError
from altid.access.identity import Role
from altid.access.refusal import Code, Refusal
from altid.access.scopes import covered, is_scope
from tests.access.desks import SETTINGS, Scene, at_desk, granted

EC, RSA = ECKey.generate_key("P-384"), RSAKey.generate_key(2048)
SCOPES = ("system/Observation.rs", "system/Patient.r")


def public(key: Any, kid: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid}


def short_rsa() -> dict[str, Any]:
    """A key that is too short, which the library itself would not make without a warning."""
    numbers = rsa.generate_private_key(65_537, 1_024).public_key().public_numbers()
    return {"kty": "RSA", "n": _base64(numbers.n.to_bytes(128, "big")), "e": "AQAB", "kid": "k"}


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


JWKS = {"keys": [public(EC, "ec"), public(RSA, "rsa")]}
LAB = Client("lab-1", "Laboratory", "0815", SCOPES, JWKS)


def assertion(scene: Scene, key: Any = EC, header: dict[str, Any] | None = None, **changed: Any) -> str:
    now = int(scene.clock())
    claims = {"iss": "lab-1", "sub": "lab-1", "aud": SETTINGS.token_url, "exp": now + 200, "jti": "a" * 16}
    given = {name: value for name, value in (claims | changed).items() if value is not None}
    full = {"alg": "ES384", "kid": "ec", "typ": "JWT"} | (header or {})
    return jwt.encode(full, given, key, algorithms=[full["alg"]])


async def add(scene: Scene, client: Client = LAB) -> None:
    async with scene.desk.database.writing() as connection:
        await clients.add(connection, client, scene.clock())


async def ask(scene: Scene, text: str, scope: str = "") -> Any:
    return await logon.with_assertion(scene.desk, scene.caller(), text, scope)


def code(answer: object) -> Code:
    assert isinstance(answer, Refusal)
    return answer.code


def test_a_registered_system_gets_a_short_token_with_its_scopes(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        given = granted(await ask(scene, assertion(scene)))
        assert (given.identity.subject, given.identity.role) == ("lab-1", Role.SYSTEM)
        assert given.identity.scopes == SCOPES
        assert given.refresh is None
        assert given.expires_in_s <= 300
        assert scene.desk.verifier.verify(given.access) == given.identity

    at_desk(fresh, work)


def test_rsa_will_do_as_well(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        granted(await ask(scene, assertion(scene, RSA, {"alg": "RS384", "kid": "rsa"})))

    at_desk(fresh, work)


def test_an_assertion_works_once(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        text = assertion(scene)
        granted(await ask(scene, text))
        assert code(await ask(scene, text)) is Code.INVALID_CLIENT
        granted(await ask(scene, assertion(scene, jti="b" * 16)))

    at_desk(fresh, work)


def test_it_is_given_only_what_it_asks_for_and_is_registered_for(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        asked = "system/Observation.r system/Patient.rs system/Condition.r"
        given = granted(await ask(scene, assertion(scene), asked))
        assert given.identity.scopes == ("system/Observation.r",)
        only_others = await ask(scene, assertion(scene, jti="c" * 16), "system/Patient.cud patient/Patient.r")
        assert code(only_others) is Code.INVALID_SCOPE

    at_desk(fresh, work)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"iss": "nobody", "sub": "nobody"},
        {"iss": None},
        {"aud": "https://elsewhere.dk/token"},
        {"aud": None},
        {"jti": None},
        {"jti": "short"},
        {"exp": None},
        {"exp": 1_799_999_000},
        {"exp": 1_800_000_000 + 3_600},
        {"exp": "soon"},
        {"nbf": 1_800_000_000 + 200},
    ],
    ids=str,
)
def test_an_assertion_that_says_something_else_is_refused(fresh: str, changed: dict[str, Any]) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        assert code(await ask(scene, assertion(scene, **changed))) is Code.INVALID_CLIENT

    at_desk(fresh, work)


def test_an_assertion_of_another_key_is_refused(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        for key, header in (
            (ECKey.generate_key("P-384"), {}),
            (EC, {"kid": "unknown"}),
            (EC, {"kid": "rsa"}),
            (ECKey.generate_key("P-256"), {"alg": "ES256"}),
            (OctKey.import_key(b"x" * 48), {"alg": "HS384"}),
        ):
            assert code(await ask(scene, assertion(scene, key, header))) is Code.INVALID_CLIENT

    at_desk(fresh, work)


def test_a_registered_public_key_is_no_secret_to_sign_with(fresh: str) -> None:
    """Key confusion: HS384 with the public key, by hand, since no good library would do it."""

    async def work(scene: Scene) -> None:
        await add(scene)
        _, claims, _ = assertion(scene).split(".")
        header = _base64(json.dumps({"alg": "HS384", "kid": "rsa", "typ": "JWT"}).encode())
        mac = hmac.digest(RSA.as_pem(private=False), f"{header}.{claims}".encode(), hashlib.sha384)
        assert code(await ask(scene, f"{header}.{claims}.{_base64(mac)}")) is Code.INVALID_CLIENT

    at_desk(fresh, work)


@pytest.mark.parametrize("text", ["", "a.b.c", "é", "x" * 9_000, "e30.e30.e30", "W10.W10.W10"])
def test_what_is_no_assertion_is_refused(fresh: str, text: str) -> None:
    async def work(scene: Scene) -> None:
        assert code(await ask(scene, text)) is Code.INVALID_CLIENT

    at_desk(fresh, work)


def test_a_system_with_new_keys_proves_itself_by_those_alone(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        old, new = EC, ECKey.generate_key("P-384")
        kid = JWKS["keys"][0]["kid"]
        async with scene.desk.database.writing() as connection:
            assert await clients.rotate(connection, "lab-1", {"keys": [public(new, kid)]})
            assert not await clients.rotate(connection, "nobody", {"keys": [public(new, kid)]})
            with pytest.raises(ClientError):
                await clients.rotate(connection, "lab-1", {"keys": [public(old, "a"), public(new, "a")]})
        assert code(await ask(scene, assertion(scene))) is Code.INVALID_CLIENT
        granted(await ask(scene, assertion(scene, new, jti="n" * 16)))

    at_desk(fresh, work)


def test_a_closed_system_is_out(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        given = granted(await ask(scene, assertion(scene)))
        async with scene.desk.database.writing() as connection:
            await clients.disable(connection, "lab-1", scene.clock())
            await scene.desk.keys.refresh(connection)
        assert scene.desk.keys.is_revoked(given.identity.session, "lab-1")
        assert code(await ask(scene, assertion(scene, jti="d" * 16))) is Code.INVALID_CLIENT

    at_desk(fresh, work)


@pytest.mark.parametrize(
    "client",
    [
        Client("", "x", "1", SCOPES, JWKS),
        Client("a b", "x", "1", SCOPES, JWKS),
        Client("a", "x", "1", (), JWKS),
        Client("a", "x", "1", ("everything",), JWKS),
        Client("a", "x", "1", SCOPES, {}),
        Client("a", "x", "1", SCOPES, {"keys": []}),
        Client("a", "x", "1", SCOPES, {"keys": [public(EC, "")]}),
        Client("a", "x", "1", SCOPES, {"keys": [public(EC, "k"), public(RSA, "k")]}),
        Client("a", "x", "1", SCOPES, {"keys": [{**EC.as_dict(private=True), "kid": "k"}]}),
        Client("a", "x", "1", SCOPES, {"keys": [{"kty": "oct", "k": "AAAA", "kid": "k"}]}),
        Client("a", "x", "1", SCOPES, {"keys": [public(ECKey.generate_key("P-256"), "k")]}),
        Client("a", "x", "1", SCOPES, {"keys": [short_rsa()]}),
        Client("a", "x", "1", SCOPES, {"keys": [{"kty": "EC", "crv": "P-384", "kid": "k"}]}),
    ],
    ids=range(13),
)
@pytest.mark.filterwarnings("ignore:Key size should be")
def test_what_is_no_safe_registration_is_refused_in_words(fresh: str, client: Client) -> None:
    async def work(scene: Scene) -> None:
        with pytest.raises(ClientError):
            await add(scene, client)

    at_desk(fresh, work)


def test_an_id_is_registered_once(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await add(scene)
        with pytest.raises(ClientError, match="already"):
            await add(scene)

    at_desk(fresh, work)


@pytest.mark.parametrize(
    "scope", ["system/*.cruds", "patient/Observation.rs", "user/Patient.r", "system/Patient.s"]
)
def test_smart_scopes_are_known(scope: str) -> None:
    assert is_scope(scope)


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "system/*.",
        "system/Patient.sr",
        "system/Patient.read",
        "launch",
        "system/*.rs\n",
        "x/*.r",
        "system/.r",
    ],
)
def test_other_texts_are_no_scopes(scope: str) -> None:
    assert not is_scope(scope)


_scopes = st.builds(
    lambda context, type_, letters: f"{context}/{type_}.{''.join(one for one in 'cruds' if one in letters)}",
    st.sampled_from(["system", "patient"]),
    st.sampled_from(["*", "Patient", "Observation"]),
    st.sets(st.sampled_from("cruds"), min_size=1),
)


@given(_scopes, st.lists(_scopes, max_size=4))
def test_nothing_is_covered_that_no_held_scope_has(asked: str, held: list[str]) -> None:
    context, _, rest = asked.partition("/")
    type_, _, letters = rest.partition(".")
    for letter in letters:
        has = any(
            one.startswith((f"{context}/{type_}.", f"{context}/*.")) and letter in one.partition(".")[2]
            for one in held
        )
        if not has:
            assert not covered(asked, held)
            return
    assert covered(asked, held)
