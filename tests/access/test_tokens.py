"""Access tokens: what is accepted, and every way of forging one that we know."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from altid.access.identity import Level, Role
from altid.access.keys import KeySet, SigningKey, _State
from altid.access.settings import LEEWAY_S
from altid.access.tokens import TOKEN_CHARACTERS_MAX, Fault, Subject, TokenError, Verifier, issue
from tests.access.desks import NOON, SECRET, SETTINGS, WARD, Hands

KEY = ECKey.generate_key("P-256")
OTHER_KEY = ECKey.generate_key("P-256")
KID = "key-1"
SUBJECT = Subject("a-1", "Anne Holm", Role.DOCTOR, WARD, Level.SUBSTANTIAL, "s-1")
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": KID}


def signing(key: ECKey = KEY, kid: str = KID, retired_s: float | None = None) -> SigningKey:
    return SigningKey(kid, ECKey.import_key(key.as_dict(private=False)), key, NOON - 60, retired_s)


def key_set(clock: Hands, *keys: SigningKey, **revoked: frozenset[str]) -> KeySet:
    made = KeySet(SETTINGS, SECRET, clock)
    made._state = _State({key.kid: key for key in keys}, **revoked)
    return made


def verifier(clock: Hands | None = None, **revoked: frozenset[str]) -> Verifier:
    hands = clock or Hands()
    return Verifier(key_set(hands, signing(), **revoked), SETTINGS, hands)


def token(subject: Subject = SUBJECT) -> str:
    return issue(subject, signing(), SETTINGS, NOON, random.Random(1))[0]


def claims(**changed: Any) -> dict[str, Any]:
    given = json.loads(_decoded(token().split(".")[1]))
    given.update(changed)
    return {name: value for name, value in given.items() if value is not None}


def signed(header: dict[str, Any] = HEADER, key: ECKey = KEY, **changed: Any) -> str:
    return jwt.encode(header, claims(**changed), key, algorithms=[header["alg"]], default_type=None)


def fault(text: str, checker: Verifier | None = None) -> Fault:
    with pytest.raises(TokenError) as caught:
        (checker or verifier()).verify(text)
    return caught.value.fault


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_token_says_what_was_put_in() -> None:
    identity = verifier().verify(token(replace(SUBJECT, scopes=("system/Patient.rs", "system/*.r"))))
    assert (identity.subject, identity.name, identity.role) == ("a-1", "Anne Holm", Role.DOCTOR)
    assert (identity.organisation, identity.level, identity.session) == (WARD, Level.SUBSTANTIAL, "s-1")
    assert (identity.site, identity.scopes) == ("A", ("system/Patient.rs", "system/*.r"))


def test_the_issuer_and_the_verifier_agree_on_the_identity() -> None:
    text, identity = issue(SUBJECT, signing(), SETTINGS, NOON, random.Random(2))
    assert verifier().verify(text) == identity


def test_tokens_that_began_together_do_not_end_together() -> None:
    rng = random.Random(3)
    ends = [issue(SUBJECT, signing(), SETTINGS, NOON, rng)[1].expires_s - NOON for _ in range(300)]
    assert min(ends) >= 480
    assert max(ends) <= 720
    assert len(set(ends)) > 100


def test_the_algorithm_none_is_refused() -> None:
    header = {**HEADER, "alg": "none"}
    assert fault(f"{_encoded(header)}.{_encoded(claims())}.") is Fault.ALGORITHM


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    """Key confusion: HS256 with the public key, in each form that somebody could have it in."""
    public = KEY.raw_value.public_key()
    forms = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        json.dumps(KEY.as_dict(private=False)).encode(),
    ]
    text = f"{_encoded({**HEADER, 'alg': 'HS256'})}.{_encoded(claims())}"
    for form in forms:
        mac = hmac.digest(form, text.encode(), hashlib.sha256)
        assert fault(f"{text}.{_encoded(mac)}") is Fault.ALGORITHM


@pytest.mark.parametrize(("curve", "algorithm"), [("P-384", "ES384"), ("P-521", "ES512")])
def test_other_curves_are_refused(curve: str, algorithm: str) -> None:
    key = ECKey.generate_key(curve)
    assert fault(signed({**HEADER, "alg": algorithm}, key)) is Fault.ALGORITHM


def test_another_ones_signature_is_refused() -> None:
    assert fault(signed(key=OTHER_KEY)) is Fault.SIGNATURE


@pytest.mark.parametrize("kid", ["key-2", "", "../key-1", 1, None, ["key-1"]])
def test_an_unknown_or_missing_key_is_refused(kid: object) -> None:
    header = {name: value for name, value in {**HEADER, "kid": kid}.items() if value is not None}
    body = token().split(".")[1:]
    assert fault(".".join([_encoded(header), *body])) is Fault.KEY


@pytest.mark.parametrize(
    "extra",
    [{"jwk": OTHER_KEY.as_dict(private=False)}, {"jku": "https://x.dk"}, {"crit": ["b64"], "b64": False}],
)
def test_a_token_cannot_bring_its_own_key_or_reading(extra: dict[str, Any]) -> None:
    text = f"{_encoded({**HEADER, **extra})}.{_encoded(claims())}"
    assert fault(f"{text}.{token().split('.')[2]}") is Fault.FORM


@pytest.mark.parametrize("typ", ["JWT", "id+jwt", "AT+JWT", ""])
def test_another_kind_of_token_is_refused(typ: str) -> None:
    assert fault(signed({**HEADER, "typ": typ})) is Fault.TYPE


def test_another_regions_token_is_refused() -> None:
    assert fault(signed(iss="altid:sydby")) is Fault.ISSUER


@pytest.mark.parametrize("audience", ["other", ["altid"], None])
def test_a_token_for_others_is_refused(audience: object) -> None:
    assert fault(signed(aud=audience)) is Fault.AUDIENCE


def test_an_expired_token_is_refused_after_the_leeway() -> None:
    clock = Hands()
    checker = verifier(clock)
    text = signed(exp=int(NOON) + 10)
    clock.forward(10 + LEEWAY_S)
    assert checker.verify(text).subject == "a-1"
    clock.forward(1)
    assert fault(text, checker) is Fault.EXPIRED


def test_an_expired_token_is_refused_at_first_sight() -> None:
    assert fault(signed(exp=int(NOON) - LEEWAY_S - 1)) is Fault.EXPIRED


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_token_from_the_future_is_refused(name: str) -> None:
    assert fault(signed(**{name: int(NOON) + LEEWAY_S + 1})) is Fault.NOT_YET
    assert verifier().verify(signed(**{name: int(NOON) + LEEWAY_S})).subject == "a-1"


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [None, "soon", 1.8e9, True, [1]])
def test_times_that_are_no_whole_numbers_are_refused(name: str, value: object) -> None:
    assert fault(signed(**{name: value})) is Fault.CLAIMS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", "king"),
        ("role", None),
        ("acr", "max"),
        ("sub", None),
        ("sid", 7),
        ("scope", None),
        ("name", 1),
    ],
)
def test_claims_that_are_missing_or_strange_are_refused(name: str, value: object) -> None:
    assert fault(signed(**{name: value})) is Fault.CLAIMS


def test_a_token_whose_session_has_ended_is_refused_although_it_was_seen_before() -> None:
    clock = Hands()
    keys = key_set(clock, signing())
    checker = Verifier(keys, SETTINGS, clock)
    text = token()
    checker.verify(text)
    keys.end_now("s-1")
    assert fault(text, checker) is Fault.REVOKED


def test_a_token_of_a_closed_account_is_refused() -> None:
    assert fault(token(), verifier(closed_subjects=frozenset({"a-1"}))) is Fault.REVOKED


def test_a_withdrawn_key_is_refused_although_its_token_was_seen_before() -> None:
    clock = Hands()
    keys = key_set(clock, signing())
    checker = Verifier(keys, SETTINGS, clock)
    text = token()
    checker.verify(text)
    keys._state = _State({KID: signing(retired_s=NOON)})
    assert fault(text, checker) is Fault.KEY


def test_what_was_seen_is_bounded() -> None:
    clock = Hands()
    checker = Verifier(key_set(clock, signing()), SETTINGS, clock, remembered_max=3)
    for number in range(10):
        checker.verify(token(replace(SUBJECT, id=f"a-{number}")))
    assert checker.remembered == 3


def test_the_second_look_asks_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    checker = verifier()
    text = token()
    first = checker.verify(text)
    monkeypatch.setattr("joserfc.jws.validate_compact", lambda *_, **__: pytest.fail("verified again"))
    assert checker.verify(text) == first


@pytest.mark.parametrize("text", ["", "x", "..", "a.b", "a.b.c.d", "é.é.é", "x" * (TOKEN_CHARACTERS_MAX + 1)])
def test_what_is_no_token_is_refused(text: str) -> None:
    assert fault(text) is Fault.FORM


@given(st.text(max_size=200))
def test_no_text_is_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        verifier().verify(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(_JSON, _JSON)
def test_no_header_and_payload_make_a_token_without_the_key(header: Any, payload: Any) -> None:
    parts = [_encoded(json.dumps(part).encode()) for part in (header, payload)]
    with pytest.raises(TokenError):
        verifier().verify(".".join([*parts, token().split(".")[2]]))


@given(st.integers(0, 2), st.data())
def test_no_character_can_be_changed(part: int, data: st.DataObject) -> None:
    """Two signatures of the same bytes differ in no bit that the verifier reads."""
    good = token()
    pieces = good.split(".")
    place = data.draw(st.integers(0, len(pieces[part]) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    pieces[part] = pieces[part][:place] + letter + pieces[part][place + 1 :]
    changed = ".".join(pieces)
    if [_decoded(piece) for piece in pieces] == [_decoded(piece) for piece in good.split(".")]:
        return
    with pytest.raises(TokenError):
        verifier().verify(changed)


def test_an_applications_token_says_so_with_its_scopes_and_its_patient() -> None:
    narrowed = replace(SUBJECT, scopes=("patient/*.rs",), patient="p-1", application="chart")
    identity = verifier().verify(token(narrowed))
    assert (identity.application, identity.patient) == ("chart", "p-1")
    assert identity.scopes == ("patient/*.rs",)
    assert not identity.is_own_session


def test_an_application_without_scopes_is_not_taken_for_the_person() -> None:
    assert fault(signed(client_id="chart")) is Fault.CLAIMS
    with pytest.raises(TokenError):
        token(replace(SUBJECT, application="chart"))


def test_a_closed_application_opens_nothing() -> None:
    narrowed = token(replace(SUBJECT, scopes=("patient/*.rs",), application="chart"))
    assert fault(narrowed, verifier(closed_subjects=frozenset({"chart"}))) is Fault.REVOKED


@pytest.mark.parametrize("changed", [{"client_id": 7}, {"patient": ["p-1"]}], ids=str)
def test_strange_claims_of_an_application_are_refused(changed: dict[str, Any]) -> None:
    assert fault(signed(**changed)) is Fault.CLAIMS
