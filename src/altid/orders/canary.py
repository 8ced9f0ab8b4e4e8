"""When a server goes out of work because its test orders fail: a pure state machine from trials to states.

```
           a trial failed                  a fellow did what it could not, and it failed again
 HEALTHY ----------------> SUSPECT ----------------------------------------------------------> OUT
    ^                         |  the next trial was good                                        |
    |<------------------------+<---- good often enough in a row (and started anew, if it lost) -+
```
A *trial* is one test order that was signed at one server and looked for at the other site. One failure is no
proof: a failover, a line that is cut or a record that is full make every server fail. So a server goes out
only on the evidence of a fellow at the same site whose trial was good between two failures of its own. While
all fail alike nobody goes out: then it is the record, and that is told instead (`is_record`). The last server
at work never goes out. One that comes and goes must be good for longer each time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Fault(StrEnum):
    """What was wrong with a trial."""

    SILENT = "silent"
    """No answer in time, or no connection."""
    REFUSED = "refused"
    """An answer, and no receipt that says ok."""
    SLOW = "slow"
    """A good receipt, later than anybody should wait."""
    CERTIFICATE = "certificate"
    """Its certificate isn't good: of a gateway."""
    CLOCK = "clock"
    """Its clock is far from its fellows'."""
    NOT_REGISTERED = "not-registered"
    """A good receipt of an order that the record doesn't hold, or holds with another content."""
    UNREAD = "unread"
    """A good receipt, and no site could be asked for the order. Says nothing of the server."""
    NOT_LIVE = "not-live"
    """The server says that its site is not the live record, so its gateway asks the other site. Neither."""


_NOT_THE_SERVERS = (Fault.UNREAD, Fault.NOT_LIVE)


class State(StrEnum):
    HEALTHY = "healthy"
    SUSPECT = "suspect"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is needed for a change of mind."""

    failures: int = 2
    """In a row until a server goes out. An order that was lost is enough alone."""
    successes: int = 3
    """In a row until it is back."""
    successes_max: int = 24
    flap_s: float = 600.0
    """Each earlier time that it went out within so long doubles the successes that are needed."""
    usual_s: float = 3.0
    """From one trial of a healthy server to the next."""
    out_s: float = 1.0
    """Of one that is out: it waits for being found well."""
    again_s: float = 0.1
    """Of one that is suspect, and of a fellow whose evidence is needed."""
    jitter: float = 0.2
    """By so much of itself a pause is longer or shorter, so that trials don't march in step."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One test order at one server. Times are of a clock that never goes back, in seconds."""

    server: str
    began_s: float
    ended_s: float
    fault: Fault | None = None
    process: int | None = None
    """Which process answered for the server, as far as it is known."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of one server."""

    state: State = State.HEALTHY
    fault: Fault | None = None
    """Of the latest trial that failed; none of a healthy server."""
    since_s: float = 0.0
    """Since when it has this state."""
    failed_s: float | None = None
    """When the first of the latest failures in a row began."""
    failed_again_s: float = -math.inf
    """When the latest failure began."""
    failures: int = 0
    successes: int = 0
    refuted_s: float | None = None
    """When a fellow had first done, since `failed_s`, what this one could not: it is not the record."""
    loser: int | None = None
    """The process that lost an order. It is not taken back: only another one is."""
    lost: bool = False
    """An order was lost: one good trial doesn't make up for it."""
    outs_s: tuple[float, ...] = ()
    """When it went out, within `flap_s`."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The servers of one site."""

    servers: Mapping[str, Watched] = field(default_factory=dict)

    @property
    def out(self) -> frozenset[str]:
        return frozenset(name for name, one in self.servers.items() if one.state is State.OUT)

    @property
    def losers(self) -> dict[str, int | None]:
        """Those who have lost an order and are not cleared of it, each with the process that has."""
        return {name: one.loser for name, one in self.servers.items() if one.lost}

    @property
    def is_record(self) -> bool:
        """Nobody at work can have an order registered, and it has been tried twice: it is not the servers."""
        at_work = [one for one in self.servers.values() if one.state is not State.OUT]
        fail = all(one.state is State.SUSPECT and (one.failures > 1 or one.lost) for one in at_work)
        return bool(at_work) and fail and any(one.fault is not Fault.NOT_LIVE for one in at_work)


def watch_of(
    names: Iterable[str],
    now_s: float,
    out: Collection[str] = (),
    lost: Mapping[str, int | None] | None = None,
) -> Watch:
    """The beginning: everybody is taken to be well until the first trial, but for those who are `out` and for
    those who have `lost` an order (with the process that has)."""
    states = {name: State.OUT if name in out else State.HEALTHY for name in names}
    if all(state is State.OUT for state in states.values()):
        states = dict.fromkeys(states, State.HEALTHY)
    known = {name: Watched(state, since_s=now_s) for name, state in states.items()}
    losers = {name: _loser(known[name], process) for name, process in (lost or {}).items() if name in known}
    return Watch({**known, **losers})


def _loser(one: Watched, process: int | None) -> Watched:
    """As after the trial that found it."""
    return replace(
        one,
        state=State.OUT if one.state is State.OUT else State.SUSPECT,
        fault=Fault.NOT_REGISTERED,
        failed_s=one.since_s,
        failures=1,
        lost=True,
        loser=process,
    )


def after(watch: Watch, trial: Trial, patience: Patience) -> Watch:
    """What is known after a trial of one of the servers."""
    before = watch.servers[trial.server]
    noted = _good(before, trial, patience) if trial.fault is None else _failed(before, trial)
    servers = {**watch.servers, trial.server: noted}
    if trial.fault is None and not noted.lost:
        servers = {name: _refuted(one, trial) for name, one in servers.items()}
    for name in servers:
        if _goes_out(name, servers, patience):
            servers[name] = _out(servers[name], trial.ended_s, patience)
    return Watch(servers)


def forgotten(watch: Watch, server: str, now_s: float) -> Watch:
    """What is known of a server that is being exchanged: one that was suspect is not accused of the pause.
    That an order was lost is not forgotten: only another process is cleared of it."""
    one = watch.servers[server]
    if one.state is State.OUT or one.lost:
        return watch
    fresh = replace(
        one, state=State.HEALTHY, fault=None, since_s=now_s, failed_s=None, refuted_s=None, failures=0
    )
    return Watch({**watch.servers, server: fresh})


def pause_s(watch: Watch, server: str, patience: Patience) -> float:
    """From the end of a server's trial to its next, without jitter."""
    one = watch.servers[server]
    if one.state is State.OUT:
        return patience.out_s
    if one.state is State.SUSPECT:
        return patience.out_s if one.refuted_s is None else patience.again_s
    is_asked = any(_is_accused(fellow) and fellow.refuted_s is None for fellow in watch.servers.values())
    return patience.again_s if is_asked else patience.usual_s


def _is_accused(one: Watched) -> bool:
    return one.state is State.SUSPECT and one.fault not in _NOT_THE_SERVERS


def _refuted(suspect: Watched, trial: Trial) -> Watched:
    """A good trial of a fellow says that what the suspect could not do could be done."""
    if suspect.failed_s is None or suspect.refuted_s is not None or trial.began_s <= suspect.failed_s:
        return suspect
    return replace(suspect, refuted_s=trial.ended_s)


def _good(before: Watched, trial: Trial, patience: Patience) -> Watched:
    known = replace(
        before,
        failed_s=None,
        refuted_s=None,
        failures=0,
        successes=before.successes + 1,
    )
    if before.state is State.HEALTHY:
        return known
    if before.lost and before.loser in (None, trial.process):
        return replace(known, failed_s=before.failed_s, refuted_s=before.refuted_s)
    if before.state is State.OUT and known.successes < _successes_needed(known, trial.ended_s, patience):
        return known
    return replace(known, state=State.HEALTHY, fault=None, since_s=trial.ended_s, lost=False, loser=None)


def _failed(before: Watched, trial: Trial) -> Watched:
    lost = trial.fault is Fault.NOT_REGISTERED
    suspected = before.state is State.HEALTHY
    return replace(
        before,
        state=State.SUSPECT if suspected else before.state,
        fault=trial.fault,
        since_s=trial.ended_s if suspected else before.since_s,
        failed_s=trial.began_s if before.failed_s is None else before.failed_s,
        failed_again_s=trial.began_s,
        failures=before.failures + 1,
        successes=0,
        lost=before.lost or lost,
        loser=trial.process if lost else before.loser,
    )


def _successes_needed(one: Watched, now_s: float, patience: Patience) -> int:
    outs = sum(at_s > now_s - patience.flap_s for at_s in one.outs_s)
    needed: int = patience.successes << max(0, outs - 1)
    return min(patience.successes_max, needed)


def _goes_out(name: str, servers: Mapping[str, Watched], patience: Patience) -> bool:
    one = servers[name]
    is_missed = all(fellow.state is State.OUT for other, fellow in servers.items() if other != name)
    if is_missed or not _is_accused(one) or one.refuted_s is None:
        return False
    return one.lost or (one.failures >= patience.failures and one.failed_again_s >= one.refuted_s)


def _out(one: Watched, now_s: float, patience: Patience) -> Watched:
    recent = [at_s for at_s in one.outs_s if at_s > now_s - patience.flap_s]
    return replace(one, state=State.OUT, since_s=now_s, successes=0, outs_s=(*recent, now_s)[-8:])
