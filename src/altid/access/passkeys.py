"""Passkeys (WebAuthn level 2): registered once, then a finger or a PIN on one's own device opens.

A challenge is kept by the browser, sealed, and works once and for five minutes, so that any server of either
site can take the answer. The sealing binds it to its purpose and, for a registration, to the account.
"""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass, field
from typing import Any

import webauthn
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from altid.access import spent
from altid.access.accounts import Account
from altid.access.secret import AccessSecret
from altid.access.settings import AccessSettings, moment
from altid.record.database import Connection

CHALLENGE_S = 300
CHALLENGE_BYTES = 32
PASSKEYS_MAX = 10
"""Of an account."""
NAME_CHARACTERS_MAX = 60
ANSWER_CHARACTERS_MAX = 16_384
_NONCE_BYTES = 12
_REGISTER, _LOGON = "register", "logon"


class PasskeyError(Exception):
    """The answer is not good. Its text is for logs and holds nothing of the answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`options` for the browser's API, as JSON; `state` to be sent back with its answer."""

    options: str
    state: str = field(repr=False)


class Challenges:
    """Seals and opens what the browser keeps meanwhile."""

    def __init__(self, secret: AccessSecret, rng: random.Random) -> None:
        self._sealing = AESGCM(secret.derive("passkey challenges"))
        self._rng = rng

    def new(self) -> bytes:
        return self._rng.randbytes(CHALLENGE_BYTES)

    def seal(self, purpose: str, account: str, challenge: bytes, now_s: float) -> str:
        text = json.dumps([account, challenge.hex(), now_s + CHALLENGE_S]).encode()
        nonce = self._rng.randbytes(_NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + self._sealing.encrypt(nonce, text, purpose.encode())).decode()

    def open(self, purpose: str, account: str, state: str, now_s: float) -> tuple[bytes, float]:
        """The challenge, and when it expires. Raises `PasskeyError`."""
        try:
            sealed = base64.urlsafe_b64decode(state)
            text = self._sealing.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (ValueError, InvalidTag):
            raise PasskeyError("the state is not ours") from None
        whose, challenge, expires_s = json.loads(text)
        if whose != account or now_s > expires_s:
            raise PasskeyError("the challenge is another's or too old")
        return bytes.fromhex(challenge), expires_s


async def ask_to_register(
    connection: Connection, challenges: Challenges, settings: AccessSettings, account: Account, now_s: float
) -> Asked:
    """For somebody who is logged on. Raises `PasskeyError` where the account has its fill."""
    known = [row["credential"] for row in await connection.fetch(_CREDENTIALS, account.id)]
    if len(known) >= PASSKEYS_MAX:
        raise PasskeyError("the account has all the passkeys it may have")
    challenge = challenges.new()
    options = webauthn.generate_registration_options(
        rp_id=settings.relying_party,
        rp_name="Altid",
        user_name=account.username,
        user_display_name=account.name,
        user_id=account.id.encode(),
        challenge=challenge,
        timeout=CHALLENGE_S * 1000,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=credential) for credential in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    state = challenges.seal(_REGISTER, account.id, challenge, now_s)
    return Asked(webauthn.options_to_json(options), state)


async def register(
    connection: Connection,
    challenges: Challenges,
    settings: AccessSettings,
    account: str,
    *,
    answer: str,
    state: str,
    name: str,
    now_s: float,
) -> bytes:
    """Keep the new passkey; gives its credential id. Raises `PasskeyError`."""
    challenge, expires_s = challenges.open(_REGISTER, account, state, now_s)
    _check_size(answer)
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=settings.relying_party,
            expected_origin=list(settings.origins),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyError(type(error).__name__) from None
    await _spend(connection, challenge, expires_s)
    printable = "".join(sign for sign in name if sign.isprintable())
    kept = printable.strip()[:NAME_CHARACTERS_MAX] or "passkey"
    added = await connection.fetchval(
        _ADD,
        verified.credential_id,
        account,
        verified.credential_public_key,
        verified.sign_count,
        kept,
        moment(now_s),
    )
    if added is None:
        raise PasskeyError("the credential is already known")
    return verified.credential_id


def ask_to_log_on(challenges: Challenges, settings: AccessSettings, now_s: float) -> Asked:
    """For anybody: it names no account, so it tells of none."""
    challenge = challenges.new()
    options = webauthn.generate_authentication_options(
        rp_id=settings.relying_party,
        challenge=challenge,
        timeout=CHALLENGE_S * 1000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Asked(webauthn.options_to_json(options), challenges.seal(_LOGON, "", challenge, now_s))


async def account_of(
    connection: Connection,
    challenges: Challenges,
    settings: AccessSettings,
    *,
    answer: str,
    state: str,
    now_s: float,
) -> str:
    """Whose passkey has answered: the account's id. Raises `PasskeyError`."""
    challenge, expires_s = challenges.open(_LOGON, "", state, now_s)
    credential = _credential_of(answer)
    row = await connection.fetchrow(_FIND, credential)
    if row is None:
        raise PasskeyError("the credential is not known")
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=settings.relying_party,
            expected_origin=list(settings.origins),
            credential_public_key=row["public_key"],
            credential_current_sign_count=row["sign_count"],
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyError(type(error).__name__) from None
    await _spend(connection, challenge, expires_s)
    await connection.execute(_USED, credential, verified.new_sign_count, moment(now_s))
    return str(row["account"])


async def remove(connection: Connection, account: str, credential: bytes) -> bool:
    """True if the account had it."""
    return await connection.fetchval(_REMOVE, account, credential) is not None


async def _spend(connection: Connection, challenge: bytes, expires_s: float) -> None:
    if not await spent.spend(connection, "passkey", challenge.hex(), expires_s):
        raise PasskeyError("the challenge was answered before")


def _credential_of(answer: str) -> bytes:
    _check_size(answer)
    try:
        parsed: Any = json.loads(answer)
        return webauthn.base64url_to_bytes(parsed["rawId"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PasskeyError("the answer has no credential id") from None


def _check_size(answer: str) -> None:
    if len(answer) > ANSWER_CHARACTERS_MAX:
        raise PasskeyError("the answer is too long")


_CREDENTIALS = "SELECT credential FROM passkey WHERE account = $1"
_ADD = """
INSERT INTO passkey (credential, account, public_key, sign_count, name, created)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
RETURNING 1
"""
_FIND = """
SELECT p.account, p.public_key, p.sign_count
FROM passkey AS p
JOIN account AS a ON a.id = p.account AND a.disabled_at IS NULL
WHERE p.credential = $1
"""
_USED = """
UPDATE passkey SET sign_count = greatest(sign_count, $2), last_used = $3 WHERE credential = $1
"""
_REMOVE = "DELETE FROM passkey WHERE account = $1 AND credential = $2 RETURNING 1"
