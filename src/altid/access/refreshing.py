"""Refresh tokens: a chain in which each follows from the one before.

A token is `SESSION.NUMBER.SECRET.SEAL`. The secret of number n + 1 is a keyed hash of that of number n, so
the same token sent twice (the first answer was lost) gets the same successor, from any server, without
keeping the old one. The seal shows that it was made here: what isn't genuine never reaches the database, and
can't be used to end somebody's session.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
import re
from dataclasses import dataclass, field

from altid.access.secret import AccessSecret, equal, tag

SECRET_BYTES = 32
_SEAL_BYTES = 16
_FORM = re.compile(r"([0-9a-f-]{36})\.([0-9]{1,9})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Link:
    """One refresh token of a session."""

    session: str
    number: int
    secret: bytes = field(repr=False)

    @property
    def hash(self) -> bytes:
        """As it is stored: 256 random bits need no slow hash."""
        return hashlib.sha256(self.secret).digest()


class Chain:
    """Makes and reads refresh tokens with a key of the region's access secret."""

    def __init__(self, secret: AccessSecret) -> None:
        self._following = secret.derive("next refresh token")
        self._sealing = secret.derive("seal refresh tokens")

    @staticmethod
    def first(session: str, rng: random.Random) -> Link:
        return Link(session, 1, rng.randbytes(SECRET_BYTES))

    def after(self, link: Link) -> Link:
        number = link.number + 1
        secret = tag(self._following, link.session.encode(), str(number).encode(), link.secret)
        return Link(link.session, number, secret)

    def text(self, link: Link) -> str:
        return ".".join((link.session, str(link.number), _text(link.secret), _text(self._seal(link))))

    def read(self, text: str) -> Link | None:
        """The link, if this region made it."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        try:
            link = Link(match[1], int(match[2]), _bytes(match[3]))
            seal = _bytes(match[4])
        except (ValueError, binascii.Error):
            return None
        return link if equal(seal, self._seal(link)) else None

    def _seal(self, link: Link) -> bytes:
        parts = (link.session.encode(), str(link.number).encode(), link.secret)
        return tag(self._sealing, *parts)[:_SEAL_BYTES]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
