"""A journey to a provider and back: what must be known at the return, sealed, in a cookie of the browser.

Whoever comes back must be the browser that left. So the answer names the journey (`state`, or RelayState and
InResponseTo), and the cookie has what belongs to it. It is encrypted: the verifier of PKCE and the nonce are
secrets. Any server of either site can open it. It opens no door: who is in it proves nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
from dataclasses import asdict, dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from altid.access.federation.limits import OUT_S_MAX
from altid.access.secret import AccessSecret, equal
from altid.access.settings import LEEWAY_S

COOKIE_CHARACTERS_MAX = 3_584
"""With the longest question of an application that one may be on the way to; browsers keep 4,096."""
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Journey:
    """One logon that is underway."""

    provider: str
    id: str = field(repr=False)
    """What the answer must name: 128 random bits, good once."""
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    origin: str
    """Our address, as this browser reaches us: it must come back to where its cookie is."""
    wanted: str = field(repr=False)
    """Where in our house to go afterwards. Whoever redirects there checks it once more."""
    began_s: float
    is_shared: bool
    """From a PC that many use: whoever the provider remembers there may be somebody else."""

    @property
    def expires_s(self) -> float:
        return self.began_s + OUT_S_MAX

    @property
    def proved_since_s(self) -> float | None:
        """Somebody must have proved who they are after that; None where the provider may remember them."""
        return self.began_s - LEEWAY_S if self.is_shared else None

    @property
    def oidc_callback(self) -> str:
        """Where the provider sends people back to. One for each, so that an answer of one is never taken for
        another's."""
        return f"{self.origin}/logon/oidc/{self.provider}"

    @property
    def saml_consumer(self) -> str:
        return f"{self.origin}/logon/saml/{self.provider}"

    @property
    def request_id(self) -> str:
        """Of a SAML request: an XML name, so it begins with no digit."""
        return f"_{self.nonce}"


def begun(
    provider: str, origin: str, wanted: str, now_s: float, rng: random.Random, *, is_shared: bool = False
) -> Journey:
    return Journey(
        provider=provider,
        id=rng.randbytes(16).hex(),
        nonce=rng.randbytes(16).hex(),
        verifier=rng.randbytes(32).hex(),
        origin=origin,
        wanted=wanted,
        began_s=now_s,
        is_shared=is_shared,
    )


class Seal:
    """Closes and opens journeys with a key of the region's access secret."""

    def __init__(self, secret: AccessSecret) -> None:
        self._cipher = AESGCM(secret.derive("seal journeys to identity providers"))

    def close(self, journey: Journey, rng: random.Random) -> str:
        nonce = rng.randbytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, json.dumps(asdict(journey)).encode(), journey.provider.encode())
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode("ascii")

    def open(self, cookie: str, provider: str, id_: str, now_s: float) -> Journey | None:
        """The journey, if it was to this provider, has this id and isn't over."""
        if len(cookie) > COOKIE_CHARACTERS_MAX or not cookie.isascii() or not id_.isascii():
            return None
        try:
            content = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
            opened = self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], provider.encode())
            journey = Journey(**json.loads(opened))
        except (InvalidTag, binascii.Error, ValueError, TypeError):
            return None
        is_same = equal(journey.id.encode(), id_.encode()) and journey.provider == provider
        return journey if is_same and now_s < journey.expires_s else None
