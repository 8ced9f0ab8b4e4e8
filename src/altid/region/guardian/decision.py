"""When the guardian acts: a pure state machine from facts to a verdict with its reasons.

```
        unseen (or unanswered) by me      by the witness too, and local is fit
 WATCHING ---------------> SUSPECTING -----------------------------------------------> HANDING_OVER
    ^                          |  seen again                                               |
    |<-------------------------+            <--------------- CALM <------------------------+
                                              calm_s over            done (or refused: back to SUSPECTING)
```
The verdict decides only *when* a handover is tried, never whether it is safe: `handover` proves that itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

_WITNESS_AGE_S_MAX = 0.5
"""An older answer of the witness says nothing about now."""

_FLAP_WINDOW_S = 60.0
_FLAP_FACTOR_MAX = 4.0
"""Each handover within the window doubles the patience before the next, up to this factor."""

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


@dataclass(frozen=True, slots=True)
class Patience:
    """The region's limits, in seconds: without any sign, and with connections but no answer."""

    unseen_s: float
    unanswered_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept from one decision to the next."""

    phase: Phase = Phase.WATCHING
    handovers_s: tuple[float, ...] = ()
    """When this guardian handed over, newest last."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict and why: numbers and names, nothing else."""

    verdict: Verdict
    reasons: tuple[str, ...]


def patience_now(memory: Memory, patience: Patience, now_s: float) -> Patience:
    """More patience when this guardian has handed over recently, so that a flapping line doesn't throw the
    lead to and fro."""
    recent = sum(1 for at in memory.handovers_s if now_s - at < _FLAP_WINDOW_S)
    factor = min(2.0**recent, _FLAP_FACTOR_MAX)
    return Patience(patience.unseen_s * factor, patience.unanswered_s * factor)


def decide(memory: Memory, facts: Facts, patience: Patience) -> tuple[Memory, Decision]:
    """What to do now."""
    if memory.phase is Phase.CALM:
        if facts.now_s - memory.handovers_s[-1] < _CALM_S:
            return memory, _nothing("a handover was made a moment ago")
        memory = replace(memory, phase=Phase.WATCHING)
    limits = patience_now(memory, patience, facts.now_s)
    signs = (
        ("seen", facts.own_unseen_s, facts.witness_unseen_s, limits.unseen_s),
        ("answering", facts.own_unanswered_s, facts.witness_unanswered_s, limits.unanswered_s),
    )
    suspicions = [sign for sign in signs if sign[1] is not None and sign[1] >= sign[3] / 2]
    if not suspicions:
        known = facts.own_unseen_s is not None
        why = "the other site is seen" if known else "this place doesn't know what it sees"
        return replace(memory, phase=Phase.WATCHING), _nothing(why)
    found = [_weigh(facts, *sign) for sign in suspicions]
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
    if facts.witness_age_s > _WITNESS_AGE_S_MAX:
        return _nothing(own, f"the witness answered {facts.witness_age_s:.2f} s ago")
    witness = f"not {kind} from the witness for {witness_s:.2f} s"
    if witness_s < limit_s:
        return _nothing(own, f"{witness}: not yet, or only the line between the sites is cut")
    return Decision(Verdict.HAND_OVER, (own, witness))


def handed_over(memory: Memory, now_s: float) -> Memory:
    """The handover was done: be calm for a while."""
    kept = tuple(at for at in memory.handovers_s if now_s - at < _FLAP_WINDOW_S)
    return Memory(Phase.CALM, (*kept, now_s))


def refused(memory: Memory) -> Memory:
    """The handover was not done: go on suspecting, and try again if the facts still say so."""
    return replace(memory, phase=Phase.SUSPECTING)


def _nothing(*reasons: str) -> Decision:
    return Decision(Verdict.NOTHING, reasons)
