"""What the bar says: that this is for reading, of when the data are, how old, and what that means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from altid.lookup.age import Age, State
from altid.lookup.settings import Thresholds
from altid.screen.words import Words

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_TICKING = (State.CURRENT, State.LATE, State.OLD, State.VERY_OLD)


@dataclass(frozen=True, slots=True)
class Bar:
    """`before`, `age` and `after` are one sentence; `age` ticks, "" where it isn't known. `advice` says what
    the state means for whoever reads. `ticking`: for the script, "" where nothing ticks."""

    state: str
    before: str
    age: str
    after: str
    advice: str
    at: datetime | None
    ticking: str
    place: str
    record: tuple[str, ...] = ()
    """Addresses of the record's sites, which a page that came from there goes back to."""

    @property
    def sentence(self) -> str:
        """All of it, for paper and for programs."""
        return f"{self.before}{self.age}{self.after}"


def bar_of(words: Words, age: Age, thresholds: Thresholds, place: str) -> Bar:
    at = words.instant(age.at) if age.at else ""
    advice = words.text(f"lookup.advice.{age.state}")
    if age.age_s is None:
        said = words.text(f"lookup.bar.{age.state}", at=at) if at else words.text("lookup.bar.unknown")
        return Bar(age.state, said, "", "", advice, age.at, "", place)
    before, after = words.text("lookup.bar.known", at=at, age="\0").split("\0")
    said = age_text(words, age.age_s)
    return Bar(age.state, before, said, after, advice, age.at, _ticking(words, age.age_s, thresholds), place)


def loading(words: Words, bar: Bar, told: Mapping[str, Any]) -> Bar:
    """The bar of a copy that is being filled for the first time: whoever isn't there yet may still come."""
    total = max(told["total"], 1)
    share = min(99, 100 * told["done"] // total)
    return replace(bar, advice=words.text("lookup.advice.loading", share=share))


def age_text(words: Words, age_s: int) -> str:
    """`under 1 min`, `17 min`, `3 t 5 min`, `2 døgn 4 t`: the two largest parts, rounded down."""
    if age_s < _MINUTE:
        return words.text("lookup.age.less")
    if age_s < _HOUR:
        return words.text("lookup.age.minutes", minutes=age_s // _MINUTE)
    if age_s < _DAY:
        return words.text("lookup.age.hours", hours=age_s // _HOUR, minutes=age_s % _HOUR // _MINUTE)
    return words.text("lookup.age.days", days=age_s // _DAY, hours=age_s % _DAY // _HOUR)


def _ticking(words: Words, age_s: int, thresholds: Thresholds) -> str:
    """What the script needs to say the same as time goes by."""
    forms = {
        "less": words.text("lookup.age.less"),
        "minutes": words.text("lookup.age.minutes", minutes="{minutes}"),
        "hours": words.text("lookup.age.hours", hours="{hours}", minutes="{minutes}"),
        "days": words.text("lookup.age.days", days="{days}", hours="{hours}"),
    }
    limits = (0, thresholds.late_s, thresholds.old_s, thresholds.very_old_s)
    states = [
        {"state": state.value, "from_s": limit, "advice": words.text(f"lookup.advice.{state}")}
        for state, limit in zip(_TICKING, limits, strict=True)
    ]
    return json.dumps({"age_s": age_s, "forms": forms, "states": states}, ensure_ascii=False)
