"""The written form of a table: a JSON object, one line per key, sorted, so that a change reads as a diff."""

from __future__ import annotations

import json
from collections.abc import Mapping


def rows(table: Mapping[str, object]) -> bytes:
    """The same table gives the same bytes, always."""
    lines = [f"{_compact(key)}:{_compact(table[key])}" for key in sorted(table)]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8")


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
