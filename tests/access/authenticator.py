"""An authenticator in software (WebAuthn level 2, section 6): makes and uses passkeys as a device does."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN = "http://localhost:8080"
_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One device with one passkey. What is asked of it comes as the browser's API gets it."""

    origin: str = ORIGIN
    verifies_user: bool = True
    counts: bool = True
    relying_party: str | None = None
    """Overrides the one that it is asked for, as no honest device would."""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    count: int = 0

    def create(self, options: str) -> str:
        """The answer to `navigator.credentials.create()`."""
        asked = json.loads(options)
        data = self._authenticator_data(asked["rp"]["id"], with_key=True)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client_data("webauthn.create", asked["challenge"])
        return self._answer({"clientDataJSON": _text(client), "attestationObject": _text(attestation)})

    def get(self, options: str) -> str:
        """The answer to `navigator.credentials.get()`."""
        asked = json.loads(options)
        data = self._authenticator_data(asked["rpId"], with_key=False)
        client = self._client_data("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": _text(client),
                "authenticatorData": _text(data),
                "signature": _text(signature),
            }
        )

    def _authenticator_data(self, relying_party: str, *, with_key: bool) -> bytes:
        self.count += self.counts
        flags = _PRESENT | (_VERIFIED if self.verifies_user else 0) | (_HAS_KEY if with_key else 0)
        digest = hashlib.sha256((self.relying_party or relying_party).encode()).digest()
        head = digest + struct.pack(">BI", flags, self.count)
        if not with_key:
            return head
        return head + bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + self._cose_key()

    def _cose_key(self) -> bytes:
        point = self.key.public_key().public_numbers()
        coordinates = {-2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        return cbor2.dumps({1: 2, 3: -7, -1: 1, **coordinates})

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        name = _text(self.credential)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
