"""When a server goes out of work because its test orders fail, and when it comes back."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.orders.canary import Fault, Patience, State, Trial, Watch, after, forgotten, pause_s, watch_of

PATIENCE = Patience()
ACCUSING = [fault for fault in Fault if fault not in (Fault.UNREAD, Fault.NOT_LIVE)]


def played(names: str, *trials: tuple[str, Fault | None]) -> Watch:
    """Trials one after the other, a second apart."""
    watch = watch_of(names.split(), 0.0)
    for number, (server, fault) in enumerate(trials, 1):
        watch = after(watch, Trial(server, number, number + 0.5, fault, process=1), PATIENCE)
    return watch


def state(watch: Watch, server: str = "a") -> State:
    return watch.servers[server].state


def test_one_failure_is_a_suspicion() -> None:
    assert state(played("a b", ("a", Fault.SILENT), ("b", None))) is State.SUSPECT


@pytest.mark.parametrize("fault", ACCUSING)
def test_two_failures_and_a_fellow_who_did_it_between_them_are_the_proof(fault: Fault) -> None:
    watch = played("a b", ("a", fault), ("b", None), ("a", fault))
    assert (state(watch), watch.servers["a"].fault) == (State.OUT, fault)


def test_the_first_who_is_well_after_a_failover_is_no_proof_against_those_who_have_not_tried_since() -> None:
    assert state(played("a b", ("a", Fault.SLOW), ("a", Fault.SLOW), ("b", None))) is State.SUSPECT


def test_a_good_trial_ends_a_suspicion() -> None:
    watch = played("a b", ("a", Fault.SILENT), ("a", None), ("a", Fault.SILENT), ("b", None))
    assert state(watch) is State.SUSPECT


def test_one_lost_order_is_enough() -> None:
    assert state(played("a b", ("a", Fault.NOT_REGISTERED), ("b", None))) is State.OUT


def test_a_server_that_loses_one_order_of_two_is_not_forgiven_for_the_other() -> None:
    assert state(played("a b", ("a", Fault.NOT_REGISTERED), ("a", None), ("b", None))) is State.OUT


def test_what_was_lost_is_known_to_the_next_watch_and_to_it_alone() -> None:
    before = played("a b", ("b", Fault.NOT_REGISTERED))
    assert before.losers == {"b": 1}
    watch = watch_of("ab", 9.0, before.out, before.losers)
    assert (state(watch, "b"), state(watch)) == (State.SUSPECT, State.HEALTHY)
    watch = after(watch, Trial("b", 9.5, 10.0, None, process=1), PATIENCE)
    watch = after(forgotten(watch, "b", 10.5), Trial("a", 11.0, 11.5, process=7), PATIENCE)
    assert state(watch, "b") is State.OUT
    watch = watch_of("ab", 12.0, watch.out, watch.losers)
    for second in range(13, 30):
        watch = after(watch, Trial("b", second, second + 0.5, None, process=1), PATIENCE)
    assert state(watch, "b") is State.OUT
    for second in range(30, 33):
        watch = after(watch, Trial("b", second, second + 0.5, None, process=2), PATIENCE)
    assert (state(watch, "b"), watch.losers) == (State.HEALTHY, {})


@pytest.mark.parametrize("fault", [Fault.UNREAD, Fault.NOT_LIVE])
def test_what_is_not_the_servers_doing_accuses_nobody(fault: Fault) -> None:
    watch = played("a b", ("a", fault), ("b", None), ("a", fault), ("a", fault))
    assert state(watch) is State.SUSPECT


def test_a_site_that_is_not_live_is_no_record_that_fails() -> None:
    assert not played("a b", *[("a", Fault.NOT_LIVE), ("b", Fault.NOT_LIVE)] * 3).is_record


def test_when_all_fail_alike_it_is_the_record() -> None:
    faults = [(name, Fault.REFUSED) for name in "abc"] * 5
    watch = played("a b c", *faults)
    assert (watch.out, watch.is_record) == (frozenset(), True)


def test_when_all_have_lost_an_order_it_is_the_record() -> None:
    watch = played("a b", ("a", Fault.NOT_REGISTERED), ("b", Fault.NOT_REGISTERED), ("a", None), ("b", None))
    assert (watch.out, watch.is_record) == (frozenset(), True)


def test_the_only_server_stays_whatever_it_does() -> None:
    watch = played("a", *[("a", Fault.NOT_REGISTERED)] * 9)
    assert (watch.out, watch.is_record) == (frozenset(), True)


def test_the_last_one_at_work_stays_until_a_fellow_is_back() -> None:
    gone = [("a", Fault.SILENT), ("b", None), ("a", Fault.SILENT)]
    failing = [("b", Fault.SILENT), ("a", None), ("b", Fault.SILENT)]
    assert played("a b", *gone, *failing).out == {"a"}
    back = [("a", None)] * PATIENCE.successes
    assert played("a b", *gone, *failing, *back, ("b", Fault.SILENT)).out == {"b"}


def test_a_server_is_back_after_three_good_trials() -> None:
    gone = [("a", Fault.SLOW), ("b", None), ("a", Fault.SLOW)]
    assert state(played("a b", *gone, ("a", None), ("a", None))) is State.OUT
    assert state(played("a b", *gone, ("a", None), ("a", None), ("a", None))) is State.HEALTHY


def test_one_that_comes_and_goes_must_be_good_for_longer_each_time() -> None:
    gone = [("a", Fault.SLOW), ("b", None), ("a", Fault.SLOW)]
    twice = [*gone, *[("a", None)] * 3, *gone]
    assert state(played("a b", *twice, *[("a", None)] * 5)) is State.OUT
    assert state(played("a b", *twice, *[("a", None)] * 6)) is State.HEALTHY


def test_a_process_that_has_lost_an_order_never_comes_back_and_the_next_one_does() -> None:
    watch = played("a b", ("a", Fault.NOT_REGISTERED), ("b", None), *[("a", None)] * 50)
    assert state(watch) is State.OUT
    watch = after(watch, Trial("a", 60.0, 60.1, process=2), PATIENCE)
    assert state(watch) is State.HEALTHY


def test_a_server_that_is_being_exchanged_is_not_accused_of_it() -> None:
    watch = forgotten(played("a b", ("a", Fault.SILENT)), "a", 2.0)
    assert state(after(watch, Trial("b", 2.0, 2.1), PATIENCE)) is State.HEALTHY


def test_being_exchanged_is_no_way_back() -> None:
    watch = played("a b", ("a", Fault.SLOW), ("b", None), ("a", Fault.SLOW))
    assert state(forgotten(watch, "a", 9.0)) is State.OUT


def test_the_evidence_of_fellows_is_asked_for_at_once_and_once() -> None:
    watch = played("a b", ("b", None), ("a", Fault.SILENT))
    assert (pause_s(watch, "a", PATIENCE), pause_s(watch, "b", PATIENCE)) == (
        PATIENCE.out_s,
        PATIENCE.again_s,
    )
    watch = after(watch, Trial("b", 3.0, 3.1), PATIENCE)
    assert (pause_s(watch, "a", PATIENCE), pause_s(watch, "b", PATIENCE)) == (
        PATIENCE.again_s,
        PATIENCE.usual_s,
    )


@dataclass(slots=True)
class _Site:
    """Servers that are tried as `pause_s` says, each with its own way of answering."""

    behaves: Callable[[str, float], Fault | None]
    """What a trial of this server that begins then comes to."""

    names: list[str]
    dice: random.Random
    takes_s: float = 2.0
    """A trial that fails takes so long: the whole time-out."""

    watch: Watch = field(init=False)
    ends: dict[str, tuple[float, Trial]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.watch = watch_of(self.names, 0.0)
        for name in self.names:
            self._begin(name, self.dice.uniform(0.0, PATIENCE.usual_s))

    def run(self, until_s: float) -> list[Watch]:
        """Every state on the way."""
        seen = [self.watch]
        while (name := min(self.ends, key=lambda one: self.ends[one][0])) is not None:
            ended_s, trial = self.ends[name]
            if ended_s > until_s:
                return seen
            self.watch = after(self.watch, trial, PATIENCE)
            seen.append(self.watch)
            jitter = self.dice.uniform(1 - PATIENCE.jitter, 1 + PATIENCE.jitter)
            self._begin(name, ended_s + pause_s(self.watch, name, PATIENCE) * jitter)
            self._hasten(ended_s)
        return seen

    def _begin(self, name: str, at_s: float) -> None:
        fault = self.behaves(name, at_s)
        ended_s = at_s + (self.takes_s if fault else 0.05)
        self.ends[name] = ended_s, Trial(name, at_s, ended_s, fault, process=1)

    def _hasten(self, now_s: float) -> None:
        """A waiting trial begins sooner when the watch has changed so that it should."""
        for name, (_, trial) in list(self.ends.items()):
            soon_s = now_s + pause_s(self.watch, name, PATIENCE)
            if now_s < trial.began_s and soon_s < trial.began_s:
                self._begin(name, soon_s)


_names = st.integers(2, 6).map(lambda count: [f"server-{one}" for one in range(1, count + 1)])
_seeds = st.integers(0, 2**32)


@given(_names, _seeds, st.sampled_from(ACCUSING), st.floats(0, 30))
def test_a_server_that_fails_alone_is_out_within_ten_seconds(
    names: list[str], seed: int, fault: Fault, from_s: float
) -> None:
    bad = names[0]
    site = _Site(
        lambda name, at_s: fault if name == bad and at_s >= from_s else None, names, random.Random(seed)
    )
    # A trial that has begun before was good: so the whole pause goes by, and the two trials after it.
    seen = site.run(from_s + 10.0)
    assert site.watch.out == {bad}
    assert all(watch.out <= {bad} for watch in seen)


@given(_names, _seeds, st.sampled_from(list(Fault)), st.floats(0, 30), st.floats(0.1, 30))
def test_a_record_that_fails_takes_nobody_out(
    names: list[str], seed: int, fault: Fault, from_s: float, for_s: float
) -> None:
    if fault is Fault.NOT_REGISTERED:
        for_s = 60.0
    site = _Site(
        lambda _, at_s: fault if from_s <= at_s < from_s + for_s else None, names, random.Random(seed)
    )
    assert all(not watch.out for watch in site.run(60.0))


@given(_names, _seeds, st.data())
def test_the_last_server_never_goes_and_a_good_one_never_does(
    names: list[str], seed: int, data: st.DataObject
) -> None:
    good = set(data.draw(st.lists(st.sampled_from(names), unique=True)))
    dice = random.Random(seed)

    def behaves(name: str, _at_s: float) -> Fault | None:
        return None if name in good else dice.choice([None, *Fault])

    seen = _Site(behaves, names, random.Random(seed)).run(120.0)
    assert all(len(watch.out) < len(names) for watch in seen)
    assert all(not watch.out & good for watch in seen)


@given(_names, _seeds, st.floats(0, 10), st.floats(0.1, 20))
def test_whoever_is_well_again_comes_back(names: list[str], seed: int, from_s: float, for_s: float) -> None:
    bad = names[0]

    def behaves(name: str, at_s: float) -> Fault | None:
        return Fault.SILENT if name == bad and from_s <= at_s < from_s + for_s else None

    site = _Site(behaves, names, random.Random(seed))
    site.run(from_s + for_s + 15.0)
    assert not site.watch.out
