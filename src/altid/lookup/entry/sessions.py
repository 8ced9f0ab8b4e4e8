"""Sessions of the place itself: in memory of its one process, a cookie in the browser.

The cookie is 32 random bytes and a mark under a key of the place, so that what somebody made up costs no
look-up; the session is known by the hash of it. In memory, so that nobody who takes the disk takes a session:
a restart logs everybody off, and logging on again needs nothing but this machine.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from altid.access.secret import AccessSecret, equal, tag
from altid.access.settings import Clock
from altid.lookup.entry.person import Person

IDLE_S = 20 * 60
"""A ward's PC stands in the corridor: whoever has left it for so long is out."""
SESSION_S = 13 * 3600
"""The longest shift and its handover, as in the record."""
SESSIONS_MAX = 2_000
"""A hospital's people at once; the one that was used longest ago makes room."""
_TOKEN_BYTES, _MARK_BYTES = 32, 16


@dataclass(slots=True)
class _Session:
    person: Person
    began_s: float
    seen_s: float


class Sessions:
    """All sessions of one process. `clock` is monotonic."""

    def __init__(self, secret: AccessSecret, clock: Clock, rng: random.Random) -> None:
        self._key, self._form_key = secret.derive("lookup sessions"), secret.derive("lookup form tokens")
        self._clock, self._rng = clock, rng
        self._known: OrderedDict[bytes, _Session] = OrderedDict()

    def begin(self, person: Person) -> tuple[Person, str]:
        """The person in their session, and what the browser keeps."""
        token = self._rng.randbytes(_TOKEN_BYTES)
        name = hashlib.sha256(token).digest()
        session = name.hex()[:32]
        mark = _text(tag(self._form_key, session.encode())[:_MARK_BYTES])
        inside = replace(person, identity=replace(person.identity, session=session), form_token=mark)
        now = self._clock()
        self._known[name] = _Session(inside, now, now)
        if len(self._known) > SESSIONS_MAX:
            self._known.popitem(last=False)
        return inside, _text(token + self._mark(token))

    def find(self, cookie: str | None) -> Person | None:
        """Whose session it is, if it goes on; it has then just been used."""
        name = self._name(cookie)
        session = None if name is None else self._known.get(name)
        if name is None or session is None:
            return None
        now = self._clock()
        if now - session.seen_s > IDLE_S or now - session.began_s > SESSION_S:
            del self._known[name]
            return None
        session.seen_s = now
        self._known.move_to_end(name)
        return session.person

    def change(self, cookie: str | None, person: Person) -> None:
        """The same session, as somebody else of the same account: another role or place."""
        name = self._name(cookie)
        if name is not None and name in self._known:
            self._known[name].person = person

    def end(self, cookie: str | None) -> None:
        name = self._name(cookie)
        if name is not None:
            self._known.pop(name, None)

    def end_where(self, is_out: Callable[[Person], bool]) -> int:
        """End all of whom it says so; gives how many."""
        gone = [name for name, session in self._known.items() if is_out(session.person)]
        for name in gone:
            del self._known[name]
        return len(gone)

    def __len__(self) -> int:
        return len(self._known)

    def _name(self, cookie: str | None) -> bytes | None:
        data = _bytes(cookie) if cookie else b""
        token, mark = data[:_TOKEN_BYTES], data[_TOKEN_BYTES:]
        if len(data) != _TOKEN_BYTES + _MARK_BYTES or not equal(mark, self._mark(token)):
            return None
        return hashlib.sha256(token).digest()

    def _mark(self, token: bytes) -> bytes:
        return tag(self._key, token)[:_MARK_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
