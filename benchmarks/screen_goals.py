"""What the screen is to keep, and how each measure of a page is rated."""

from __future__ import annotations

from typing import Any, NamedTuple

COLD_MS_MAX, WARM_MS_MAX, SERVER_MS_MAX = 2_500, 1_000, 50
INTERACTION_MS_MAX, FIRST_KB_MAX = 200, 100

_RATED = {
    "fcp": (1_800, 3_000),
    "lcp": (2_500, 4_000),
    "tbt": (200, 600),
    "inp": (200, 500),
    "cls": (0.1, 0.25),
}
"""Good up to the first, poor beyond the second (web.dev; TBT: Lighthouse)."""


class Goal(NamedTuple):
    name: str
    most: float
    value: float
    unit: str

    @property
    def is_kept(self) -> bool:
        return self.value < self.most


def goals(found: dict[str, Any]) -> list[Goal]:
    """Each with what was measured."""
    pages = found["pages"].values()
    seen = [found["pages"]["ward"], found["pages"]["overview"]]
    full = [page["fullest"]["p99_ms"] for page in pages if "fullest" in page]
    answer_ms = max(page["inp_ms"] for page in pages)
    first_kb = found["pages"]["start"]["cold"]["bytes"] / 1_000
    return [
        Goal("ward list and overview usable, cold", COLD_MS_MAX, _usable(seen, "cold"), "ms"),
        Goal("ward list and overview usable, warm", WARM_MS_MAX, _usable(seen, "warm"), "ms"),
        Goal("server p99, any page", SERVER_MS_MAX, max(page["server"]["p99_ms"] for page in pages), "ms"),
        Goal("server p99, any page of a full chart", SERVER_MS_MAX, max(full), "ms"),
        Goal(
            "slowest answer to a key or click",
            INTERACTION_MS_MAX,
            answer_ms,
            "ms",
        ),
        Goal("first page with all its files", FIRST_KB_MAX, first_kb, "kB"),
    ]


def rated(measure: str, value: float) -> str:
    """The value with its mark: by shape, not by colour."""
    good, poor = _RATED[measure]
    mark = "●" if value <= good else "▲" if value <= poor else "■"
    return f"{value:.2f} {mark}" if measure == "cls" else f"{value:.0f} {mark}"


def _usable(pages: list[dict[str, Any]], kind: str) -> float:
    return max(float(page[kind]["usable_ms"]) for page in pages)
