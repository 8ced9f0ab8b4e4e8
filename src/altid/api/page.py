"""Page tokens: where a page ended, opaque to clients, checked when they come back.

A token holds no patient's data beyond sort values that the same client has just seen, and no state is kept
on the server: any server of either site can go on.
"""

from __future__ import annotations

import base64
from typing import Any

import orjson

from altid.api import errors

_TOKEN_CHARACTERS_MAX = 4_096


def encode(parts: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode(token: str, length: int) -> list[Any]:
    """The parts of a token; 400 for what `encode` cannot have made."""
    if len(token) > _TOKEN_CHARACTERS_MAX:
        raise errors.bad_parameter("_page")
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        raise errors.bad_parameter("_page") from None
    if not isinstance(parts, list) or len(parts) != length:
        raise errors.bad_parameter("_page")
    return parts
