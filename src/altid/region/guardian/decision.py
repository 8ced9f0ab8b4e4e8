"""When the guardian acts: a pure state machine from facts to a verdict with its reasons.

```
        unseen (or unanswered) by me      by the witness too, and local is fit
 WATCHING ---------------> SUSPECTING -----------------------------------------------> HANDING_OVER
    ^                          |  seen again                                               |
    |<-------------------------+            <--------------- CALM <------------------------+
                                              calm_s over            done (or refused: back to SUSPECTING)
```
A leader that says itself that it can't write its disk needs no witness. The verdict decides only *when* a
handover is tried, never whether it is safe: `handover` proves that itself.

The damper. After a change of lead the region has one site for the 6 to 10 s that the other needs to become
synchronous, and a loss in that time stops all writes. So a blip soon after a change is given more time. But a
second real loss must not wait long either: a pause that is ridden out costs what it lasts, one that is ended
by a handover costs the patience and half a second, so patience beyond what a handover takes gains nothing.
Hence half as much again within a minute of a change of lead, whichever way it went; and only a fourth change
within the minute, which no two losses make, meets three times the patience.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

ANSWER_AGE_S_MAX = 0.5
"""An older answer of another guardian says nothing about now."""

_FLAP_WINDOW_S = 60.0
_FLAP_FACTORS = (1.0, 1.5, 1.5, 3.0)
"""By how often the lead has changed within the window: the patience before it may change again."""

_CALM_S = 5.0
"""After a handover nothing is decided for so long: the promotion and the old leader's end take their time."""


class Phase(Enum):
    WATCHING = "watching"
    SUSPECTING = "suspecting"
    HANDING_OVER = "handing over"
    CALM = "calm"


class Verdict(Enum):
    NOTHING = "nothing"
    HAND_OVER = "hand over"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known now. Seconds; None where something isn't known, which never speaks for acting."""

    now_s: float
    own_unseen_s: float | None
    """For how long this place has not seen the other site."""
    own_unanswered_s: float | None
    """For how long the other site's PostgreSQL has not answered this place."""
    witness_unseen_s: float | None
    witness_unanswered_s: float | None
    """The same for the witness, when it last answered."""
    witness_age_s: float | None
    """How old that answer is."""
    unfit: str
    """Why the local database could not take the lead, or nothing when it could."""
    confessed_s: float | None = None
    """For how long the other site has said itself that it can't write; None when it doesn't say so now."""
    full: str = ""
    """Why this site can't write either, or nothing. It still takes the lead from a site that is lost."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The region's limits, in seconds: without any sign, with connections but no answer, and with a leader
    that says that it can't write."""

    unseen_s: float
    unanswered_s: float
    unwritable_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept from one decision to the next."""

    phase: Phase = Phase.WATCHING
    calm_since_s: float = 0.0
    """When this guardian handed over."""
    changes_s: tuple[float, ...] = ()
    """When the lead has changed, whoever did it; the newest last."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict and why: numbers and names, nothing else."""

    verdict: Verdict
    reasons: tuple[str, ...]


def patience_now(memory: Memory, patience: Patience, now_s: float) -> Patience:
    """More patience when the lead has changed recently, so a flapping line doesn't throw it to and fro."""
    recent = sum(1 for at in memory.changes_s if now_s - at < _FLAP_WINDOW_S)
    factor = _FLAP_FACTORS[min(recent, len(_FLAP_FACTORS) - 1)]
    # A disk doesn't flap with the line, so one that is full is given no more time.
    return Patience(patience.unseen_s * factor, patience.unanswered_s * factor, patience.unwritable_s)


def decide(memory: Memory, facts: Facts, patience: Patience) -> tuple[Memory, Decision]:
    """What to do now."""
    if memory.phase is Phase.CALM:
        if facts.now_s - memory.calm_since_s < _CALM_S:
            return memory, _nothing("a handover was made a moment ago")
        memory = replace(memory, phase=Phase.WATCHING)
    limits = patience_now(memory, patience, facts.now_s)
    signs = (
        ("seen", facts.own_unseen_s, facts.witness_unseen_s, limits.unseen_s),
        ("answering", facts.own_unanswered_s, facts.witness_unanswered_s, limits.unanswered_s),
    )
    suspicions = [sign for sign in signs if sign[1] is not None and sign[1] >= sign[3] / 2]
    found = [_weigh(facts, *sign) for sign in suspicions]
    if facts.confessed_s is not None and facts.confessed_s > 0:
        found.append(_weigh_confession(facts, facts.confessed_s, limits.unwritable_s))
    if not found:
        known = facts.own_unseen_s is not None
        why = "the other site is seen" if known else "this place doesn't know what it sees"
        return replace(memory, phase=Phase.WATCHING), _nothing(why)
    lost = next((one for one in found if one.verdict is Verdict.HAND_OVER), None)
    if lost is None:
        return replace(memory, phase=Phase.SUSPECTING), found[0]
    return replace(memory, phase=Phase.HANDING_OVER), lost


def _weigh(facts: Facts, kind: str, own_s: float | None, witness_s: float | None, limit_s: float) -> Decision:
    """One kind of sign: lost only when both this place and the witness have missed it for the whole limit."""
    assert own_s is not None
    own = f"not {kind} from here for {own_s:.2f} s of {limit_s:.2f} s"
    if own_s < limit_s:
        return _nothing(own)
    if facts.unfit:
        return _nothing(own, facts.unfit)
    if witness_s is None or facts.witness_age_s is None:
        return _nothing(own, "the witness doesn't say what it sees")
    if facts.witness_age_s > ANSWER_AGE_S_MAX:
        return _nothing(own, f"the witness answered {facts.witness_age_s:.2f} s ago")
    witness = f"not {kind} from the witness for {witness_s:.2f} s"
    if witness_s < limit_s:
        return _nothing(own, f"{witness}: not yet, or only the line between the sites is cut")
    return Decision(Verdict.HAND_OVER, (own, witness))


def _weigh_confession(facts: Facts, confessed_s: float, limit_s: float) -> Decision:
    """The leader's own word, which no witness could know better."""
    own = f"the other site says that it can't write, for {confessed_s:.2f} s of {limit_s:.2f} s"
    if confessed_s < limit_s:
        return _nothing(own)
    if facts.unfit or facts.full:
        return _nothing(own, facts.unfit or facts.full)
    return Decision(Verdict.HAND_OVER, (own, "this site can"))


def handed_over(memory: Memory, now_s: float) -> Memory:
    """The handover was done: be calm for a while."""
    return replace(memory, phase=Phase.CALM, calm_since_s=now_s)


def lead_changed(memory: Memory, now_s: float) -> Memory:
    """Another site leads than before, by whoever's doing."""
    kept = tuple(at for at in memory.changes_s if now_s - at < _FLAP_WINDOW_S)
    return replace(memory, changes_s=(*kept, now_s))


def refused(memory: Memory) -> Memory:
    """The handover was not done: go on suspecting, and try again if the facts still say so."""
    return replace(memory, phase=Phase.SUSPECTING)


def _nothing(*reasons: str) -> Decision:
    return Decision(Verdict.NOTHING, reasons)
