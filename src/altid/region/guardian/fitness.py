"""Whether this site, as a standby, is fit to be waited for: a pure state machine, like `decision`.

```
        behind, disk full, or the stream breaks off again and again       for the limit's time
 WAITED_FOR ------------------------------------------------------------------------> SET_ASIDE
     ^                                                                                    |
     +------------------------------------------------------------------------------------+
                          well for `well_s`, which doubles with every relapse
```
Commits wait for the standby. One that holds them up takes itself out of those who are waited for, by
Patroni's own tag `nosync` (see `tag`): the leader then goes on alone, says so, and no write waits. It can't
take the lead meanwhile, since it doesn't stand in `/sync`. Whoever doesn't know how it is changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

UNFIT_S = 3.0
"""A standby that is behind for so long, or can't write, holds up writes for longer than a handover does."""

_BREAKS_MAX = 3
"""A stream that has broken off so often within half a minute breaks again, each with a pause of writes."""

_WELL_S_MIN, _WELL_S_MAX = 5.0, 60.0
"""So long it must be well before it is waited for again: doubled at each relapse, within these bounds."""

_RELAPSE_S = 300.0
"""Fit for so long, and the next time counts as the first again."""

_BEHIND_S_FEW = 1.0
"""Less than this behind is well: the log is applied as it comes."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is known now of this site as a standby; None where something isn't known."""

    now_s: float
    standby: bool
    behind_s: float | None
    unwritable_s: float | None
    breaks: int
    streams: bool


@dataclass(frozen=True, slots=True)
class Fitness:
    """What is kept from one judgement to the next."""

    aside: bool = False
    changed_s: float = -1e9
    """When it was set aside or waited for again."""
    well_since_s: float | None = None
    times: int = 0
    """How many times in a row it was set aside."""
    reason: str = ""


def judge(fitness: Fitness, health: Health) -> Fitness:
    """The state now. `reason` says why when it was set aside."""
    if not health.standby:
        return replace(fitness, aside=False, well_since_s=None) if fitness.aside else fitness
    if fitness.aside:
        return _aside(fitness, health)
    reason = _trouble(health)
    if not reason:
        return fitness
    again = health.now_s - fitness.changed_s < _RELAPSE_S
    return Fitness(True, health.now_s, None, fitness.times + 1 if again else 1, reason)


def well_s(times: int) -> float:
    """For how long it must be well before it is waited for again."""
    return min(_WELL_S_MIN * 2.0 ** max(0, times - 1), _WELL_S_MAX)


def _aside(fitness: Fitness, health: Health) -> Fitness:
    if not _is_well(health):
        return replace(fitness, well_since_s=None)
    since_s = fitness.well_since_s if fitness.well_since_s is not None else health.now_s
    if health.now_s - since_s < well_s(fitness.times):
        return replace(fitness, well_since_s=since_s)
    return Fitness(False, health.now_s, None, fitness.times, "")


def _trouble(health: Health) -> str:
    if health.behind_s is not None and health.behind_s >= UNFIT_S:
        return f"what was received {health.behind_s:.1f} s ago is not applied"
    if health.unwritable_s is not None and health.unwritable_s >= UNFIT_S:
        return f"the disk can't be written for {health.unwritable_s:.1f} s"
    if health.breaks >= _BREAKS_MAX:
        return f"the stream has broken off {health.breaks} times within half a minute"
    return ""


def _is_well(health: Health) -> bool:
    return (
        health.streams
        and health.behind_s is not None
        and health.behind_s < _BEHIND_S_FEW
        and health.unwritable_s is not None
        and health.unwritable_s == 0.0
        and health.breaks < _BREAKS_MAX
    )
