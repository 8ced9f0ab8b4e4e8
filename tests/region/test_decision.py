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
    lead_changed,
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


_FULL = replace(
    _LOST, own_unseen_s=0.05, own_unanswered_s=0.1, witness_unseen_s=None, witness_age_s=None, confessed_s=3.1
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


def test_a_leader_that_says_that_it_cannot_write_is_relieved_without_the_witness() -> None:
    assert _verdict(_FULL) is Verdict.HAND_OVER


@pytest.mark.parametrize(
    "facts",
    [
        replace(_FULL, confessed_s=2.9),
        replace(_FULL, confessed_s=None),
        replace(_FULL, unfit="the local database is not a running replica"),
        replace(_FULL, full="this site's disk can't be written: 0 MB are free"),
    ],
)
def test_a_leader_is_not_relieved_by_one_who_cannot_do_better(facts: Facts) -> None:
    assert _verdict(facts) is Verdict.NOTHING


def test_a_site_that_is_lost_is_relieved_by_one_with_a_full_disk_too() -> None:
    assert _verdict(replace(_LOST, full="this site's disk can't be written")) is Verdict.HAND_OVER


def _changed(*moments_s: float) -> Memory:
    memory = Memory()
    for moment_s in moments_s:
        memory = lead_changed(memory, moment_s)
    return memory


@pytest.mark.parametrize(("changes_s", "factor"), [([990.0], 1.5), ([970.0, 990.0], 1.5)])
def test_after_a_change_of_lead_a_blip_is_given_more_time_and_a_second_loss_little(
    changes_s: list[float], factor: float
) -> None:
    assert patience_now(_changed(*changes_s), _T, 1000.0) == Patience(
        _T.unseen_s * factor, _T.unanswered_s * factor, _T.unwritable_s
    )


def test_a_lead_that_goes_to_and_fro_meets_much_more_patience() -> None:
    memory = _changed(950.0, 970.0, 990.0)
    assert patience_now(memory, _T, 1000.0).unseen_s == 3.0
    assert _verdict(_LOST, memory) is Verdict.NOTHING


def test_old_changes_of_lead_are_forgotten() -> None:
    assert patience_now(_changed(100.0, 200.0, 300.0), _T, 1000.0) == _T


def test_a_refused_handover_is_tried_again_while_the_facts_hold() -> None:
    memory, _ = decide(Memory(), _LOST, _T)
    assert _verdict(_LOST, refused(memory)) is Verdict.HAND_OVER


def test_a_site_that_is_seen_again_ends_the_suspicion() -> None:
    suspecting, _ = decide(Memory(), replace(_LOST, own_unseen_s=0.7), _T)
    watching, _ = decide(suspecting, replace(_LOST, own_unseen_s=0.05), _T)
    assert (suspecting.phase, watching.phase) == (Phase.SUSPECTING, Phase.WATCHING)


_seconds = st.none() | st.floats(0.0, 10.0)


_facts = st.builds(
    Facts,
    now_s=st.floats(0.0, 1000.0),
    own_unseen_s=_seconds,
    own_unanswered_s=_seconds,
    witness_unseen_s=_seconds,
    witness_unanswered_s=_seconds,
    witness_age_s=_seconds,
    unfit=st.sampled_from(["", "not fit"]),
    confessed_s=_seconds,
    full=st.sampled_from(["", "full as well"]),
)
_moments = st.lists(st.floats(0.0, 1000.0), max_size=5).map(lambda found: tuple(sorted(found)))


@given(_facts, st.sampled_from(list(Phase)), st.floats(0.0, 1000.0), _moments)
def test_it_never_acts_while_either_may_have_seen_the_other_site(
    facts: Facts, phase: Phase, calm_since_s: float, changes_s: tuple[float, ...]
) -> None:
    _, made = decide(Memory(phase, calm_since_s, changes_s), facts, _T)
    if made.verdict is Verdict.HAND_OVER:
        unseen = min(facts.own_unseen_s or 0.0, facts.witness_unseen_s or 0.0)
        unanswered = min(facts.own_unanswered_s or 0.0, facts.witness_unanswered_s or 0.0)
        confessed = facts.confessed_s if facts.confessed_s is not None and not facts.full else 0.0
        lost = unseen >= _T.unseen_s or unanswered >= _T.unanswered_s
        assert lost or confessed >= _T.unwritable_s
        assert not facts.unfit
        assert len(made.reasons) == 2


_WHOLE_AGAIN_S = 6.0
"""A site that lost the lead is synchronous again, and can take it back, after so long at the earliest."""


def _flap(cut_s: float, pause_s: float, total_s: float) -> list[float]:
    """When the lead changes while the line of whichever site leads is cut, again and again. Both guardians
    see each change; steps of a tenth of a second."""
    memory, changes = Memory(), [-_WHOLE_AGAIN_S]
    for step in range(int(total_s * 10)):
        now_s = step / 10
        into_s = now_s % (cut_s + pause_s)
        unseen_s = into_s if into_s < cut_s else 0.0
        facts = Facts(now_s, unseen_s, 0.0, unseen_s, 0.0, 0.1, "")
        if now_s - changes[-1] < _WHOLE_AGAIN_S:
            facts = replace(facts, unfit="this site is not synchronous yet")
        memory, made = decide(replace(memory, phase=Phase.WATCHING), facts, _T)
        if made.verdict is Verdict.HAND_OVER:
            changes.append(now_s)
            memory = lead_changed(memory, now_s)
    return changes[1:]


def test_blips_throw_the_lead_once_and_not_to_and_fro() -> None:
    assert len(_flap(cut_s=1.2, pause_s=1.2, total_s=60.0)) == 1


@given(st.floats(0.5, 10.0), st.floats(0.5, 10.0))
def test_whatever_the_line_does_the_lead_changes_a_few_times_a_minute_at_most(
    cut_s: float, pause_s: float
) -> None:
    changes = _flap(cut_s, pause_s, 120.0)
    assert all(changes[number + 5] - changes[number] >= 30.0 for number in range(len(changes) - 5))


@pytest.mark.parametrize("since_s", [8.0, 20.0, 59.0])
def test_a_second_real_loss_within_the_minute_is_decided_in_one_and_a_half_seconds(since_s: float) -> None:
    memory = _changed(1000.0 - since_s)
    assert _verdict(replace(_LOST, own_unseen_s=1.5, witness_unseen_s=1.5), memory) is Verdict.HAND_OVER
