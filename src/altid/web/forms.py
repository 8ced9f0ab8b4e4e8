"""The mark of a session in the forms of its pages."""

from __future__ import annotations

import base64

from altid.access.secret import AccessSecret, tag

_TOKEN_BYTES = 18


def form_token(secret: AccessSecret, session: str) -> str:
    """What every form of a session's pages holds."""
    made = tag(secret.derive("form tokens"), session.encode())
    return base64.urlsafe_b64encode(made[:_TOKEN_BYTES]).decode("ascii")
