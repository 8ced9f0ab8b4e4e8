"""An application's question as the forms of its page carry it: sealed, so that a yes is to what was shown.

The seal binds it to the session in which it was shown and to the time. Nothing is kept here meanwhile, so any
server of either site can take the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from altid.access.secret import AccessSecret, equal, tag
from altid.screen.forms import Form

SHOWN_S_MAX = 600
"""Somebody has read it by then; what lies on a screen for longer may be answered by somebody else."""
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Question:
    """What a form has in its hidden fields."""

    query: str = field(repr=False)
    until_s: int
    seal: str = field(repr=False)


def shown(secret: AccessSecret, session: str, query: str, now_s: float) -> Question:
    """A question that is shown to somebody now."""
    until_s = int(now_s) + SHOWN_S_MAX
    return Question(query, until_s, _seal(secret, session, query, until_s))


def answered(secret: AccessSecret, session: str, form: Form, now_s: float) -> str | None:
    """The query of the question that a form answers; None where it was changed, was shown in another session,
    or too long ago."""
    query, until = form.get("question", ""), form.get("until", "")
    if not _NUMBER.fullmatch(until) or now_s > int(until):
        return None
    expected = _seal(secret, session, query, int(until))
    given = form.get("seal", "").encode("utf-8", "surrogatepass")
    return query if equal(given, expected.encode()) else None


def _seal(secret: AccessSecret, session: str, query: str, until_s: int) -> str:
    key = secret.derive("questions of applications")
    return tag(key, session.encode(), str(until_s).encode(), query.encode("utf-8", "surrogatepass")).hex()
