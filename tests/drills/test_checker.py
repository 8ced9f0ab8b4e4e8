"""The judge, against histories with and without seeded bugs."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.drills.checker import Verdict, check
from altid.drills.history import Kept, Kind, Operation


def _write(value: int, at_s: float, *, acknowledged: bool = True, attempts: int = 1) -> Operation:
    return Operation(1, "write", "r1", value, "A", at_s, at_s + 0.01, acknowledged, attempts)


def _read(value: int | None, at_s: float, session: int = 1, register: str = "r1") -> Operation:
    return Operation(session, "read", register, value, "B", at_s, at_s + 0.01, value is not None)


def test_a_clean_history_passes() -> None:
    verdict = check([_write(1, 0.0), _read(1, 0.1), _write(2, 0.2), _read(2, 0.3)], [Kept("r1", (1, 2))])
    assert verdict == Verdict(2, 0, 0, 0, 0, 2, 0, ())
    assert verdict.passed


def test_an_empty_history_proves_nothing() -> None:
    assert not check([], []).passed


def test_an_acknowledged_write_that_is_gone_is_missing() -> None:
    verdict = check([_write(1, 0.0), _write(2, 0.1)], [Kept("r1", (1,))])
    assert (verdict.missing, verdict.passed) == (1, False)


def test_a_register_that_is_gone_altogether_is_missing() -> None:
    assert check([_write(1, 0.0)], []).missing == 1


def test_an_unacknowledged_write_may_be_there_or_not() -> None:
    operations = [_write(1, 0.0), _write(2, 0.1, acknowledged=False, attempts=3)]
    for values in [(1,), (1, 2)]:
        verdict = check(operations, [Kept("r1", values)])
        assert verdict.passed
        assert verdict.unknown == 1


def test_a_write_that_was_sent_once_and_done_twice_is_duplicated() -> None:
    assert check([_write(1, 0.0)], [Kept("r1", (1, 1))]).duplicated == 1


def test_a_write_that_was_sent_twice_may_be_done_twice() -> None:
    assert check([_write(1, 0.0, attempts=2)], [Kept("r1", (1, 1))]).passed


def test_a_write_that_is_done_again_after_a_later_one_is_duplicated() -> None:
    operations = [_write(1, 0.0, attempts=2), _write(2, 0.1)]
    assert check(operations, [Kept("r1", (1, 2, 1))]).duplicated == 1


def test_a_value_that_nobody_sent_is_found() -> None:
    assert check([_write(1, 0.0)], [Kept("r1", (1, 9))]).duplicated == 1


def test_a_read_below_an_acknowledged_write_is_stale() -> None:
    verdict = check([_write(1, 0.0), _write(2, 0.1), _read(1, 0.2)], [Kept("r1", (1, 2))])
    assert (verdict.stale_reads, verdict.passed) == (1, False)


def test_a_read_below_an_earlier_read_is_stale() -> None:
    operations = [_write(1, 0.0), _read(2, 0.1, session=2), _read(1, 0.2, session=2), _write(2, 0.3)]
    assert check(operations, [Kept("r1", (1, 2))]).stale_reads == 1


def test_sessions_are_judged_each_on_its_own() -> None:
    operations = [_write(1, 0.0), _write(2, 0.1), _read(1, 0.2, session=2)]
    assert check(operations, [Kept("r1", (1, 2))]).stale_reads == 0


def test_a_read_without_an_answer_is_no_offence() -> None:
    assert check([_write(1, 0.0), _read(None, 0.1)], [Kept("r1", (1,))]).passed


def _told(
    kind: Kind, version: int, value: int, at_s: float, session: int = 1, site: str = "A", *, done: bool = True
) -> Operation:
    """An operation on a shared register, with the version that the client was told."""
    return Operation(session, kind, "shared", value, site, at_s, at_s + 0.01, done, version=version)


def test_one_version_that_was_acknowledged_to_two_writers_shows_two_leaders() -> None:
    operations = [_told("write", 2, 2, 0.0, 1, "A"), _told("write", 2, 2, 0.1, 2, "B")]
    verdict = check(operations, [Kept("shared", (1, 2))])
    assert (verdict.two_leaders, verdict.passed) == (1, False)


def test_one_version_with_two_values_shows_two_leaders_to_readers_too() -> None:
    operations = [_told("write", 2, 2, 0.0), _told("read", 2, 7, 0.1, 2, "B")]
    assert check(operations, [Kept("shared", (1, 2))]).two_leaders == 1


def test_rivals_that_take_turns_show_one_leader() -> None:
    operations = [
        _told("write", 1, 1, 0.0, 1, "A"),
        _told("read", 1, 1, 0.1, 2, "B"),
        _told("write", 2, 2, 0.2, 2, "B"),
        _told("write", 3, 3, 0.3, 1, "A"),
    ]
    assert check(operations, [Kept("shared", (1, 2, 3))]).passed


def test_a_version_that_only_one_of_two_was_told_of_is_no_offence() -> None:
    operations = [_told("write", 2, 2, 0.0, 1), _told("write", 2, 2, 0.1, 2, done=False)]
    assert check(operations, [Kept("shared", (1, 2))]).two_leaders == 0


def test_rivals_may_send_the_same_value_and_each_counts() -> None:
    operations = [_told("write", 1, 1, 0.0, 1, done=False), _told("write", 1, 1, 0.1, 2)]
    assert check(operations, [Kept("shared", (1, 1))]).duplicated == 0


@dataclass(slots=True)
class _Sites:
    """Two sites with one register. A sound pair has one log; with the bug each goes on alone in a fault."""

    split: bool
    logs: dict[str, list[int]] = field(default_factory=lambda: {"A": [], "B": []})

    def next_number(self, site: str) -> int:
        return len(self.logs[site]) + 1

    def write(self, site: str, fault: bool) -> Operation:
        """A rival at home at the site writes the next number that it knows."""
        number, at_s = self.next_number(site), float(sum(map(len, self.logs.values())))
        for name in [site] if fault and self.split else ["A", "B"]:
            self.logs[name].append(number)
        return _told("write", number, number, at_s, 1 if site == "A" else 2, site)


def _rivalry(faults: list[bool], *, split: bool) -> Verdict:
    sites, operations = _Sites(split), []
    for fault in faults:
        operations += [sites.write("A", fault), sites.write("B", fault)]
    return check(operations, [Kept("shared", tuple(sites.logs["A"]))])


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_two_leaders_are_always_found_and_one_is_never_accused(faults: list[bool]) -> None:
    assert _rivalry(faults, split=False).passed
    assert (_rivalry(faults, split=True).two_leaders > 0) == any(faults)


@dataclass(slots=True)
class _Record:
    """A record with one register, and a bug of choice."""

    bug: str = ""
    values: list[int] = field(default_factory=list)
    behind: list[int] = field(default_factory=list)

    def write(self, value: int, fault: bool) -> tuple[bool, int]:
        """Whether it is acknowledged, and how often it was sent."""
        if fault and self.bug == "early acknowledgement":
            return True, 1
        if fault and self.bug == "dropped write" and value % 2:
            return True, 1
        self.values.append(value)
        if fault and self.bug == "done twice":
            self.values.append(value)
        if not (fault and self.bug == "stale read"):
            self.behind = list(self.values)
        return True, 1

    def read(self) -> int:
        return self.behind[-1] if self.behind else 0


def _run(bug: str, faults: list[bool]) -> Verdict:
    record, operations, at_s = _Record(bug), [], 0.0
    for value, fault in enumerate(faults, 1):
        acknowledged, attempts = record.write(value, fault)
        operations.append(_write(value, at_s, acknowledged=acknowledged, attempts=attempts))
        operations.append(_read(record.read(), at_s + 0.1))
        at_s += 0.2
    return check(operations, [Kept("r1", tuple(record.values))])


_faulty = st.lists(st.booleans(), max_size=20).map(lambda faults: [False, *faults, False, True, True])


@given(_faulty)
def test_a_sound_record_is_never_accused(faults: list[bool]) -> None:
    assert _run("", faults).passed


@pytest.mark.parametrize("bug", ["early acknowledgement", "dropped write", "done twice", "stale read"])
@given(faults=_faulty)
def test_a_seeded_bug_is_always_found(bug: str, faults: list[bool]) -> None:
    verdict = _run(bug, faults)
    found = {
        "early acknowledgement": verdict.missing,
        "dropped write": verdict.missing,
        "done twice": verdict.duplicated,
        "stale read": verdict.stale_reads,
    }
    assert found[bug] > 0
    assert not verdict.passed
