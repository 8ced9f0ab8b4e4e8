"""When the guardian acts, and when it must not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.region.guardian.decision import (
    Facts,
    Memory,
    Patience,
    Phase,
    Verdict,
    decide,
    handed_over,
    patience_now,
    refused,
)

_T = Patience(unseen_s=1.0, unanswered_s=4.0)
_LOST = Facts(
    now_s=1000.0,
    own_unseen_s=1.1,
    own_unanswered_s=1.2,
    witness_unseen_s=1.05,
    witness_unanswered_s=1.1,
    witness_age_s=0.1,
    unfit="",
)
_FROZEN = replace(
    _LOST, own_unseen_s=0.05, witness_unseen_s=0.05, own_unanswered_s=4.2, witness_unanswered_s=4.1
)


def _verdict(facts: Facts, memory: Memory | None = None) -> Verdict:
    return decide(memory or Memory(), facts, _T)[1].verdict


def test_a_site_that_neither_has_seen_is_given_up() -> None:
    assert _verdict(_LOST) is Verdict.HAND_OVER


@pytest.mark.parametrize(
    "facts",
    [
        replace(_LOST, own_unseen_s=0.9),
        replace(_LOST, own_unseen_s=None),
        replace(_LOST, witness_unseen_s=0.9),
        replace(_LOST, witness_unseen_s=None),
        replace(_LOST, witness_age_s=0.6),
        replace(_LOST, witness_age_s=None),
        replace(_LOST, unfit="the local database is not a running replica"),
    ],
)
def test_one_doubt_is_enough_to_wait(facts: Facts) -> None:
    assert _verdict(facts) is Verdict.NOTHING


def test_a_site_that_takes_connections_and_answers_nobody_is_given_up() -> None:
    assert _verdict(_FROZEN) is Verdict.HAND_OVER


@pytest.mark.parametrize(
    "facts",
    [
        replace(_FROZEN, own_unanswered_s=3.9),
        replace(_FROZEN, own_unanswered_s=None),
        replace(_FROZEN, witness_unanswered_s=3.9),
        replace(_FROZEN, witness_unanswered_s=None),
        replace(_FROZEN, own_unanswered_s=0.1, own_unseen_s=1.1),
    ],
)
def test_signs_of_different_kinds_do_not_add_up(facts: Facts) -> None:
    assert _verdict(facts) is Verdict.NOTHING


def test_a_line_that_is_cut_only_between_the_sites_moves_nothing() -> None:
    memory, made = decide(Memory(), replace(_LOST, witness_unseen_s=0.05), _T)
    assert made.verdict is Verdict.NOTHING
    assert memory.phase is Phase.SUSPECTING
    assert "only the line between the sites is cut" in made.reasons[1]


def test_after_a_handover_it_is_calm() -> None:
    memory = handed_over(Memory(Phase.HANDING_OVER), 1000.0)
    assert _verdict(replace(_LOST, now_s=1004.0), memory) is Verdict.NOTHING


def test_a_flapping_line_meets_more_patience_each_time() -> None:
    memory = handed_over(handed_over(Memory(), 980.0), 990.0)
    assert patience_now(memory, _T, 1000.0) == Patience(4.0, 16.0)
    assert _verdict(_LOST, memory) is Verdict.NOTHING


def test_old_handovers_are_forgotten() -> None:
    assert patience_now(handed_over(Memory(), 100.0), _T, 1000.0) == _T


def test_a_refused_handover_is_tried_again_while_the_facts_hold() -> None:
    memory, _ = decide(Memory(), _LOST, _T)
    assert _verdict(_LOST, refused(memory)) is Verdict.HAND_OVER


def test_a_site_that_is_seen_again_ends_the_suspicion() -> None:
    suspecting, _ = decide(Memory(), replace(_LOST, own_unseen_s=0.7), _T)
    watching, _ = decide(suspecting, replace(_LOST, own_unseen_s=0.05), _T)
    assert (suspecting.phase, watching.phase) == (Phase.SUSPECTING, Phase.WATCHING)


_seconds = st.none() | st.floats(0.0, 10.0)


@given(
    st.builds(
        Facts,
        now_s=st.floats(0.0, 1000.0),
        own_unseen_s=_seconds,
        own_unanswered_s=_seconds,
        witness_unseen_s=_seconds,
        witness_unanswered_s=_seconds,
        witness_age_s=_seconds,
        unfit=st.sampled_from(["", "not fit"]),
    ),
    st.sampled_from(list(Phase)),
    st.lists(st.floats(0.0, 1000.0), min_size=1, max_size=4),
)
def test_it_never_acts_while_either_may_have_seen_the_other_site(
    facts: Facts, phase: Phase, handovers_s: list[float]
) -> None:
    _, made = decide(Memory(phase, tuple(sorted(handovers_s))), facts, _T)
    if made.verdict is Verdict.HAND_OVER:
        unseen = min(facts.own_unseen_s or 0.0, facts.witness_unseen_s or 0.0)
        unanswered = min(facts.own_unanswered_s or 0.0, facts.witness_unanswered_s or 0.0)
        assert unseen >= _T.unseen_s or unanswered >= _T.unanswered_s
        assert not facts.unfit
        assert len(made.reasons) == 2
