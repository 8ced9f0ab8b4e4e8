"""Dosages as Danish wards order them, made up."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from altid.orders.amount import Amount
from altid.orders.dose import (
    AFTER,
    BEFORE,
    MEALS,
    ROUNDS,
    WEEKDAYS,
    WITH,
    AsNeeded,
    Clock,
    Continuous,
    Dosage,
    Every,
    Line,
    Meals,
    Once,
    Rounds,
    Span,
    Weekly,
    tapering,
)

values = st.decimals(Decimal("0.001"), Decimal(100_000), places=3).map(lambda value: value.normalize())
amounts = st.builds(Amount, values, st.sampled_from(("mg", "g", "ug", "[iU]", "mL"))) | st.builds(
    Amount, values, st.just("1"), st.sampled_from(("tablet", "pust"))
)


def _some(choices: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """One or more of them, in their order."""
    chosen = st.sets(st.sampled_from(choices), min_size=1)
    return chosen.map(lambda some: tuple(sorted(some, key=choices.index)))


def _meals(relation: str, minutes: st.SearchStrategy[int]) -> st.SearchStrategy[Meals]:
    """At some that are named, or at so many."""
    named = _some(tuple(relation + meal for meal in MEALS))
    at_each = named.flatmap(lambda when: st.builds(Meals, st.just(when), st.just(len(when)), minutes))
    return at_each | st.builds(Meals, st.just((relation,)), st.integers(1, 8), minutes)


CLOCK_TIMES = tuple(f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 30))
schedules = st.one_of(
    st.builds(Rounds, _some(ROUNDS)),
    st.sampled_from((BEFORE, AFTER)).flatmap(lambda at: _meals(at, st.integers(0, 240))),
    _meals(WITH, st.just(0)),
    st.builds(Clock, _some(CLOCK_TIMES)),
    st.builds(Weekly, _some(WEEKDAYS)),
    st.builds(Every, st.integers(1, 12), st.integers(1, 12), st.sampled_from(("h", "d", "wk"))),
    st.just(Once()),
    st.builds(AsNeeded, amounts, st.none() | st.integers(1, 12), st.sampled_from(("", "smerter"))),
    st.builds(AsNeeded, amounts, when=_some(ROUNDS)),
)
spans = st.one_of(
    st.just(Span()),
    st.just(Span("2026-11-17T08:00:00+01:00")),
    st.just(Span("2026-11-17", "2026-11-24")),
    st.builds(Span, days=st.integers(1, 90)),
)
rates = st.none() | st.builds(Amount, values, st.just("mL/h"))
lines = (
    st.builds(Line, amounts, schedules, spans, rate=rates)
    | st.builds(
        Line, st.builds(Amount, values, st.sampled_from(("mL", "[iU]", "mg"))), st.just(Continuous()), spans
    )
    | st.builds(
        lambda most, share, schedule: Line(most, schedule, least=most.times(share)),
        amounts,
        st.sampled_from((Decimal("0.1"), Decimal("0.5"), Decimal("0.9"))),
        st.builds(AsNeeded, amounts, st.none() | st.integers(1, 12)),
    )
)
dosages = st.lists(lines, min_size=1, max_size=4).flatmap(
    lambda made: st.sampled_from((Dosage(tuple(made)), Dosage(tapering(made))))
)
