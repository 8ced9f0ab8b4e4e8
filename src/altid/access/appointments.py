"""A time to come back at, sealed: whoever has waited comes before those who have not.

Bound to what was typed as user name, so that it can't be handed on. No server keeps anything.
"""

from __future__ import annotations

import base64
import re

from altid.access.secret import AccessSecret, equal, tag

EARLY_S, LATE_S = 1.0, 60.0
"""Browsers come a little early, and people are called away."""
_SEAL_BYTES = 12
_FORM = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{16})", re.ASCII)


class Appointments:
    """Made by one server, honoured by all."""

    def __init__(self, secret: AccessSecret) -> None:
        self._key = secret.derive("appointments")

    def make(self, username: str, due_s: float) -> str:
        """`due_s` is epoch seconds."""
        due = str(int(due_s))
        return f"{due}.{self._seal(username, due)}"

    def is_due(self, appointment: str | None, username: str, now_s: float) -> bool:
        """It is genuine, this one's, and its time has come and not gone."""
        match = _FORM.fullmatch(appointment or "")
        if match is None or not equal(match[2].encode(), self._seal(username, match[1]).encode()):
            return False
        return int(match[1]) - EARLY_S <= now_s <= int(match[1]) + LATE_S

    def _seal(self, username: str, due: str) -> str:
        sealed = tag(self._key, username.encode("utf-8", "surrogatepass"), due.encode())
        return base64.urlsafe_b64encode(sealed[:_SEAL_BYTES]).decode("ascii")
