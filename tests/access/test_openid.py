"""Logon through an OpenID provider: whom it lets in, and the lies that somebody could tell."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from altid.access import logon, sessions
from altid.access.door import Granted
from altid.access.federation.out import depart
from altid.access.identity import Level, Role
from tests.access.desks import WARD, granted
from tests.access.federating import ORIGIN, Beside, beside, code_of
from tests.access.openid_provider import CLIENT_SECRET


def test_whoever_the_provider_knows_is_let_in_as_it_says(fresh: str) -> None:
    async def work(here: Beside) -> None:
        identity = granted(await here.log_on()).identity
        assert (identity.name, identity.role, identity.organisation) == ("Anne Holm", Role.DOCTOR, WARD)
        assert identity.level is Level.SUBSTANTIAL
        async with here.scene.desk.database.reading() as connection:
            began = await sessions.beginning(connection, identity.session)
        assert began is not None
        assert began.idp == "region"

    beside(fresh, work)


def test_a_session_that_a_provider_began_goes_on_by_our_own_tokens(fresh: str) -> None:
    async def work(here: Beside) -> None:
        begun = granted(await here.log_on())
        asked = len(here.provider.asked)
        granted(await logon.with_refresh(here.scene.desk, here.scene.caller(), begun.refresh or ""))
        assert len(here.provider.asked) == asked

    beside(fresh, work)


def test_the_code_goes_to_the_provider_with_our_secret_and_the_verifier(fresh: str) -> None:
    async def work(here: Beside) -> None:
        granted(await here.log_on())
        (form,) = here.provider.forms
        assert form["redirect_uri"] == "http://localhost:8080/logon/oidc/region"
        assert len(form["code_verifier"]) == 64
        pair = base64.b64decode(here.provider.authorizations[-1].removeprefix("Basic ")).decode()
        assert pair == f"altid:{CLIENT_SECRET}"

    beside(fresh, work)


def test_userinfo_adds_claims_and_can_change_none_that_were_signed(fresh: str) -> None:
    async def work(here: Beside) -> None:
        here.provider.userinfo = {"sub": "248289761001", "sor": [WARD], "acr": "High"}
        identity = granted(await here.log_on(sor=None)).identity
        assert (identity.organisation, identity.level) == (WARD, Level.SUBSTANTIAL)
        here.provider.userinfo = {"sub": "somebody-else", "sor": [WARD]}
        assert code_of(await here.log_on(sor=None)) == "provider-refused"

    beside(fresh, work, userinfo=True)


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"iss": "http://127.0.0.1:1"}, "issuer"),
        ({"aud": "another-client"}, "audience"),
        ({"aud": ["altid", "another-client"]}, "authorized party"),
        ({"azp": "another-client"}, "authorized party"),
        ({"exp": 1}, "expired"),
        ({"exp": float("inf")}, "times"),
        ({"exp": float("nan")}, "times"),
        ({"exp": "later"}, "times"),
        ({"exp": True}, "times"),
        ({"iat": 1_800_000_000 + 600}, "not yet"),
        ({"iat": 1_800_000_000 - 3_600}, "too old"),
        ({"nbf": 1_800_000_000 + 600}, "not yet"),
        ({"nonce": "of another logon"}, "nonce"),
        ({"nonce": 5}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 5}, "subject"),
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_logon_opens_nothing(
    shared: str, claims: dict[str, Any], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="altid.access")

    async def work(here: Beside) -> None:
        assert code_of(await here.log_on(**claims)) == "provider-refused"

    beside(shared, work)
    assert f"refused: {fault}" in caplog.text


def _none(claims: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'kid': 'k1'})}.{part(claims)}."


def _other_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "k1"}, claims, ECKey.generate_key("P-256"), ["ES256"])


def _own_key(claims: dict[str, Any]) -> str:
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": "k1", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key, ["ES256"])


def _shared_secret(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), ["HS256"])


def _unknown_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "k2"}, claims, ECKey.generate_key("P-256"), ["ES256"])


@pytest.mark.parametrize(
    ("sign", "fault"),
    [
        (_none, "algorithm"),
        (_other_key, "signature"),
        (_own_key, "header"),
        (_shared_secret, "algorithm"),
        (_unknown_key, "key"),
        (lambda claims: _other_key(claims).rpartition(".")[0] + ".", "signature"),
        (lambda _claims: "no.token.atall", "form"),
        (lambda _claims: "", "form"),
        (lambda _claims: "æ.ø.å", "form"),
    ],
    ids=[
        "none",
        "other-key",
        "own-key",
        "shared-secret",
        "unknown-key",
        "cut",
        "garbage",
        "empty",
        "not-ascii",
    ],
)
def test_only_the_providers_signature_counts(
    shared: str, sign: Callable[[dict[str, Any]], str], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="altid.access")

    async def work(here: Beside) -> None:
        here.provider.sign = sign
        assert code_of(await here.log_on()) == "provider-refused"

    beside(shared, work)
    assert f"refused: {fault}" in caplog.text


def test_a_new_key_of_the_provider_is_found(fresh: str) -> None:
    async def work(here: Beside) -> None:
        granted(await here.log_on())
        here.provider.key = ECKey.generate_key("P-256", {"kid": "k2", "use": "sig"})
        here.provider.header = {"alg": "ES256", "kid": "k2"}
        assert code_of(await here.log_on()) == "provider-refused"  # It was read a moment ago.
        here.scene.clock.forward(31)
        granted(await here.log_on())

    beside(fresh, work)


def test_a_made_up_key_makes_nobody_ask_the_provider_again_and_again(shared: str) -> None:
    async def work(here: Beside) -> None:
        here.provider.sign = _unknown_key
        here.scene.clock.forward(31)
        for _ in range(5):
            await here.log_on()
        assert here.provider.asked.count("/keys") <= 3

    beside(shared, work)


def test_another_browser_cannot_use_the_answer(fresh: str) -> None:
    """Code injection and logon CSRF: an answer is good with the cookie of its own journey only."""

    async def work(here: Beside) -> None:
        victim, attacker = await here.go(), await here.go()
        code, state = here.provider.log_on(attacker.url)
        _, own_state = here.provider.log_on(victim.url)
        assert code_of(await here.come(victim.cookie, code, state)) == "begin-again"
        assert code_of(await here.come("", code, state)) == "begin-again"
        # The attacker's code under the victim's own state: the nonce tells.
        assert code_of(await here.come(victim.cookie, code, own_state)) == "provider-refused"

    beside(fresh, work)


def test_an_answer_is_good_once(fresh: str) -> None:
    async def work(here: Beside) -> None:
        departure = await here.go()
        code, state = here.provider.log_on(departure.url)
        granted(await here.come(departure.cookie, code, state))
        assert code_of(await here.come(departure.cookie, code, state)) == "provider-refused"
        nonce = {"nonce": _nonce_of(departure.url)}
        again, _ = here.provider.log_on(departure.url)
        here.provider.claims |= nonce
        assert code_of(await here.come(departure.cookie, again, state)) == "begin-again"

    beside(fresh, work)


def _nonce_of(url: str) -> str:
    return url.partition("nonce=")[2].partition("&")[0]


@pytest.mark.parametrize(("before_s", "opens"), [(0, True), (29, True), (31, False), (None, False)])
def test_at_a_wards_pc_the_provider_must_ask_who_it_is(
    fresh: str, before_s: int | None, opens: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="altid.access")

    async def work(here: Beside) -> None:
        departure = await here.go(is_shared=True)
        assert "prompt=login" in departure.url
        assert "max_age=0" in departure.url
        if before_s is not None:
            here.provider.claims["auth_time"] = int(here.scene.clock()) - before_s
        answer = await here.come(departure.cookie, *here.provider.log_on(departure.url))
        assert isinstance(answer, Granted) is opens

    beside(fresh, work)
    assert ("refused" in caplog.text) is not opens


def test_a_journey_that_took_too_long_begins_again(fresh: str) -> None:
    async def work(here: Beside) -> None:
        departure = await here.go()
        code, state = here.provider.log_on(departure.url)
        here.scene.clock.forward(601)
        assert code_of(await here.come(departure.cookie, code, state)) == "begin-again"

    beside(fresh, work)


@pytest.mark.parametrize("cookie", ["", "x", "é", "A" * 5_000, "AAAA" * 30])
def test_a_made_up_cookie_is_nobodys_journey(shared: str, cookie: str) -> None:
    async def work(here: Beside) -> None:
        departure = await here.go()
        code, state = here.provider.log_on(departure.url)
        assert code_of(await here.come(cookie, code, state)) == "begin-again"

    beside(shared, work)


def test_an_answer_that_names_another_provider_is_refused(fresh: str) -> None:
    """Issuer mix-up (RFC 9207)."""

    async def work(here: Beside) -> None:
        departure = await here.go()
        code, state = here.provider.log_on(departure.url)
        answer = await here.come(departure.cookie, code, state, issuer="https://evil.example")
        assert code_of(answer) == "provider-refused"
        assert "/token" not in here.provider.asked

    beside(fresh, work)


def test_an_answer_without_a_name_is_refused_of_a_provider_that_names_itself(fresh: str) -> None:
    async def work(here: Beside) -> None:
        here.provider.metadata = {"authorization_response_iss_parameter_supported": True}
        departure = await here.go()
        code, state = here.provider.log_on(departure.url)
        assert code_of(await here.come(departure.cookie, code, state)) == "provider-refused"
        answer = await here.come(departure.cookie, code, state, issuer=here.provider.issuer)
        granted(answer)

    beside(fresh, work)


def test_what_the_provider_refuses_is_told_and_not_repeated(fresh: str) -> None:
    async def work(here: Beside) -> None:
        departure = await here.go()
        _, state = here.provider.log_on(departure.url)
        answer = await here.come(departure.cookie, "", state, error="access_denied")
        assert code_of(answer) == "provider-refused"

    beside(fresh, work)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": ["https://evil.example"]},
    ],
    ids=str,
)
def test_metadata_of_somebody_else_is_none(shared: str, metadata: dict[str, Any]) -> None:
    async def work(here: Beside) -> None:
        here.provider.metadata = metadata
        answer = await depart(here.scene.desk, here.scene.caller(), here.peer, origin=ORIGIN, wanted="/")
        assert code_of(answer) == "provider-down"

    beside(shared, work)


def test_nothing_of_a_logon_is_in_a_log_or_a_repr(fresh: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="altid")

    async def work(here: Beside) -> None:
        departure = await here.go()
        code, state = here.provider.log_on(departure.url)
        begun = granted(await here.come(departure.cookie, code, state))
        await here.come(departure.cookie, code, state)
        shown = repr([departure, here.scene.desk.federation, here.peer, begun]) + caplog.text
        for secret in (CLIENT_SECRET, departure.cookie, code, state, begun.access, "248289761001"):
            assert secret not in shown

    beside(fresh, work)
