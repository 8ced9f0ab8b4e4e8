"""The databases of the room access, which these tests share the ways of."""

from __future__ import annotations

from tests.access.conftest import fresh, shared

__all__ = ["fresh", "shared"]
