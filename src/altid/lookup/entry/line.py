"""The line to the record's feed, as much as entry needs of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple


class Answer(NamedTuple):
    """`status` is HTTP's."""

    status: int
    body: bytes


class LineDownError(Exception):
    """No source of the feed could be asked. What was to be sent is sent later."""


Line = Callable[[str, str, bytes | None], Awaitable[Answer]]
"""(method, path, JSON or None) -> what the first source that can be reached has answered. Whoever makes one
sees to certificates, tokens and time limits. Raises `LineDownError`."""
