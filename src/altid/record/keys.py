"""Index keys: short fixed-size names for terms and parameters, the same in Python and in SQL.

A term such as `Observation.code=http://loinc.org|8480-6` is indexed as the first 16 bytes of its SHA-256:
wide enough that two terms never meet (two patients must never be mixed), and small in the index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from asyncpg.pgproto.pgproto import UUID

_COMMON_TERMS_MAX = 65_536
"""Terms kept ready: codes, statuses and patients recur all the time; about 20 MB when full."""

_COMMON_CHARACTERS_MAX = 200
"""Longer terms don't recur, and must not fill the memory."""


def term_key(term: str) -> UUID:
    """The key of one term; SQL's function `term` computes the same."""
    return _common_key(term) if len(term) <= _COMMON_CHARACTERS_MAX else _key(term)


def _key(term: str) -> UUID:
    return UUID(hashlib.sha256(term.encode()).digest()[:16])


_common_key = lru_cache(maxsize=_COMMON_TERMS_MAX)(_key)


def term_keys(terms: Iterable[str]) -> list[UUID]:
    return [term_key(term) for term in terms]


@lru_cache(maxsize=_COMMON_TERMS_MAX)
def name_key(name: str) -> int:
    """The key of a range parameter ("Observation.date"): a signed 64-bit integer."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


@lru_cache(maxsize=4_096)
def present_key(code: str) -> int:
    """The key of "this parameter has a value": a signed 32-bit integer, unique among all standard codes."""
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:4], "big", signed=True)


def lock_key(term: str) -> int:
    """The advisory lock that guards "at most one resource matches this term"."""
    return name_key("lock:" + term)
