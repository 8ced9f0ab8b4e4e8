"""The copy in step with its record: after anything that happens to either, they are the same by digest."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from altid.lookup.copy import Copy
from altid.lookup.entry.line import LineDownError
from altid.lookup.file import spare_of
from altid.lookup.keeping import Keeper
from altid.lookup.sync.feed import Feed, FeedError
from altid.lookup.sync.syncer import SOURCE, Syncer
from tests.faults.test_kill import wait_for
from tests.lookup.feeding import BEGAN, Record, observation, patient

KEY = bytes(range(32))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    made = Copy.create(tmp_path / "copy.db", KEY)
    yield made
    made.close()


def theirs(record: Record) -> dict[int, tuple[int, bytes]]:
    """What the record has, by group."""
    told = asyncio.run(Feed(record).digests()) if not record.is_down else None
    assert told is not None
    return {number: (one.count, one.value) for number, one in told.parts.items()}


def ours(copy: Copy) -> dict[int, tuple[int, bytes]]:
    return {number: (one.count, one.value) for number, one in copy.digests(SOURCE).items()}


def bodies(copy: Copy) -> dict[tuple[str, str], int]:
    """By resource: the version, counted from the rows themselves and not from the digests."""
    with copy.reading() as connection:
        rows = connection.execute("SELECT type, id, version FROM resource WHERE body IS NOT NULL").fetchall()
    return {(type_, id_): version for type_, id_, version in rows}


async def caught_up(syncer: Syncer, copy: Copy, record: Record, *, steps: int = 60) -> None:
    """Step until the copy says that it follows, and then once more."""
    for _ in range(steps):
        position = copy.positions().get(SOURCE)
        is_behind = position is None or (position.cursor, position.epoch) != (
            str(len(record.log)),
            record.epoch,
        )
        if not is_behind and copy.meta("must compare") != "yes":
            return
        await syncer.step()
    raise AssertionError("the copy never caught up")


def assert_same(copy: Copy, record: Record) -> None:
    assert ours(copy) == theirs(record)
    wanted = {key: one.version for key, one in record.current.items() if one.body is not None}
    assert bodies(copy) == wanted


def test_the_first_load_brings_everything_and_then_each_change(copy: Copy) -> None:
    record = Record()
    record.put(*(patient(f"p{n}") for n in range(7)), *(observation(f"o{n}", f"p{n}") for n in range(7)))
    syncer = Syncer(copy, Feed(record))
    asyncio.run(caught_up(syncer, copy, record))
    assert_same(copy, record)
    assert (syncer.state.total, syncer.state.done) == (14, 14)
    record.put(observation("o1", "p1", 5.0))
    record.delete("Observation", "o2")
    asyncio.run(caught_up(syncer, copy, record))
    assert_same(copy, record)
    heartbeat = copy.heartbeat()
    assert heartbeat is not None
    assert heartbeat.at > BEGAN


def test_a_load_that_was_interrupted_goes_on_where_it_was(copy: Copy) -> None:
    record = Record()
    record.put(*(patient(f"p{n}") for n in range(9)))

    async def interrupted() -> None:
        feed, asked = Feed(record), 0
        whole = record.__call__

        async def line(method: str, path: str, body: bytes | None) -> Any:
            nonlocal asked
            asked += 1
            if asked == 3:
                raise LineDownError
            return await whole(method, path, body)

        with suppress(LineDownError):
            await Syncer(copy, Feed(line)).step()
        record.asked.clear()
        await caught_up(Syncer(copy, feed), copy, record)

    asyncio.run(interrupted())
    snapshots = [path for path in record.asked if "snapshot" in path]
    assert "after=6" in snapshots[0]
    assert len(snapshots) == 1
    assert_same(copy, record)


def test_what_the_record_lost_does_not_stay_and_what_it_has_is_not_missing(copy: Copy) -> None:
    record = Record()
    record.put(*(patient(f"p{n}") for n in range(5)), observation("kept", "p1"))
    syncer = Syncer(copy, Feed(record))
    record.put(observation("lost", "p2"), patient("p3", "Lost"))
    asyncio.run(caught_up(syncer, copy, record))
    record.lose(2, epoch="2")
    record.put(patient("p3", "True"), patient("new"))
    asyncio.run(caught_up(syncer, copy, record))
    assert_same(copy, record)
    assert [found.identity.family for found in copy.search("true")] == ["True"]
    assert copy.search("lost") == ()


def test_the_same_version_number_with_another_content_is_noticed(copy: Copy) -> None:
    record = Record()
    record.put(patient("a"), patient("a", "Lost"))
    syncer = Syncer(copy, Feed(record))
    asyncio.run(caught_up(syncer, copy, record))
    record.lose(1, epoch="2")
    record.put(patient("other"), patient("a", "True"))
    asyncio.run(caught_up(syncer, copy, record))
    assert_same(copy, record)
    assert copy.search("lost") == ()


def test_a_copy_that_was_tampered_with_is_repaired(copy: Copy) -> None:
    record = Record()
    record.put(patient("a"), observation("o", "a"))
    syncer = Syncer(copy, Feed(record), compare_every_s=0.0)
    asyncio.run(caught_up(syncer, copy, record))
    copy.forget(["a"])
    asyncio.run(_steps(syncer, 3))
    assert_same(copy, record)


async def _steps(syncer: Syncer, count: int) -> None:
    for _ in range(count):
        await syncer.step()


def test_a_burst_is_taken_whole(copy: Copy) -> None:
    record = Record(page=1_000, batch=1_000)
    record.put(patient("a"))
    syncer = Syncer(copy, Feed(record))
    asyncio.run(caught_up(syncer, copy, record))
    for n in range(10_000):
        record.put(observation(f"o{n % 2_000}", "a", float(n)))
    asyncio.run(caught_up(syncer, copy, record))
    assert_same(copy, record)


def test_a_wards_copy_keeps_its_patients_and_forgets_who_has_left(copy: Copy) -> None:
    record = Record(wards={"a": "w"})
    record.put(patient("a"), patient("b"), observation("oa", "a"), observation("ob", "b"))

    async def run() -> None:
        syncer = Syncer(copy, Feed(_ward(record)), ["w"], compare_every_s=1e9)
        for _ in range(4):
            await syncer.step()
        assert copy.patients() == {"a"}
        record.wards = {"b": "w"}
        syncer._patients_at_s = 0.0
        await syncer.step()
        assert copy.patients() == {"b"}

    asyncio.run(run())
    assert set(bodies(copy)) == {("Patient", "b"), ("Observation", "ob")}


def _ward(record: Record) -> Any:
    """The record as a ward's client sees it: nothing of other patients."""

    async def line(method: str, path: str, body: bytes | None) -> Any:
        shown = Record(record.epoch, record.page, record.batch, wards=record.wards)
        shown.log, shown.current = record.log, record.current
        if "/patient" not in path:
            mine = [one for one in record.log if one.id in record.wards or one.id[1:] in record.wards]
            shown.log = mine
            shown.current = {(one.type, one.id): one for one in mine}
        return await shown(method, path, body)

    return line


def test_a_refusal_is_told_and_tried_again(copy: Copy) -> None:
    async def refuses(_method: str, _path: str, _body: bytes | None) -> Any:
        from altid.lookup.entry.line import Answer

        return Answer(403, b"{}")

    async def run() -> None:
        syncer = Syncer(copy, Feed(refuses))
        with pytest.raises(FeedError):
            await syncer.step()
        task = asyncio.create_task(syncer.run())
        for _ in range(3_000):
            await asyncio.sleep(0.01)
            if syncer.state.problem:
                break
        task.cancel()
        assert syncer.state.problem == "the feed answered 403"

    asyncio.run(run())


def test_on_a_full_disk_it_shows_what_it_has_says_so_and_catches_up_later(copy: Copy) -> None:
    """SQLite's own limit stands for the disk's: it fails with the same error."""
    record = Record(page=500, batch=500)
    record.put(patient("a"))
    syncer = Syncer(copy, Feed(record))
    asyncio.run(caught_up(syncer, copy, record))
    asyncio.run(_steps(syncer, 1))
    beat = copy.heartbeat()
    with copy.writing() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    _limit(copy, pages)
    record.put(*(observation(f"o{n}", "a") for n in range(400)))

    async def run() -> None:
        running = asyncio.create_task(syncer.run())
        for _ in range(3_000):
            await asyncio.sleep(0.01)
            if syncer.state.problem:
                break
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(run())
    assert syncer.state.problem == "the disk is full"
    assert copy.heartbeat() == beat, "its age grows, since it does not get on"
    assert copy.chart("a") is not None
    _limit(copy, 1_000_000)
    asyncio.run(caught_up(syncer, copy, record))
    assert_same(copy, record)


def _limit(copy: Copy, pages: int) -> None:
    with copy.writing() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()


def test_a_damaged_copy_goes_on_with_its_spare_and_catches_up(copy: Copy) -> None:
    record = Record(page=500, batch=500)
    record.put(*(patient(f"p{n}") for n in range(200)))

    async def run() -> None:
        syncer = Syncer(copy, Feed(record))
        keeper = Keeper(copy, syncer.run, every_s=1e9)
        await caught_up(syncer, copy, record)
        await keeper.check()
        assert spare_of(copy.path).exists()
        record.put(patient("later"))
        with copy.path.open("r+b") as file:
            file.seek(copy.path.stat().st_size // 2)
            file.write(os.urandom(4096))
        await keeper.check()  # before anything is written, which could by chance mend the damaged page
        keeping = asyncio.create_task(keeper.run())
        for _ in range(3_000):
            await asyncio.sleep(0.02)
            if keeper.state.damaged and copy.chart("later") is not None and copy.is_whole():
                break
        keeping.cancel()
        await asyncio.wait({keeping})
        assert keeper.state.damaged == 1
        await caught_up(syncer, copy, record)  # it may have been broken off in the middle

    asyncio.run(run())
    assert_same(copy, record)


_WRITER = """
import sys
from pathlib import Path
from altid.lookup.change import Position
from altid.lookup.copy import Copy
from tests.lookup.feeding import Record, observation, patient
copy, record = Copy.open(Path(sys.argv[1]), bytes(range(32))), Record()
begun = int(copy.positions()["record"].cursor)
record.put(patient("a"))
for n in range(1, 100_000):
    record.put(*(observation(f"o{n}-{k}", "a") for k in range(20)))
    if n > begun:
        copy.apply(record.log[-20:], Position("record", "1", str(n)))
    print(n, flush=True)
"""


def test_killed_in_the_middle_of_writing_it_has_all_or_nothing_of_each_batch(copy: Copy) -> None:
    from altid.lookup.change import Position

    record = Record()
    record.put(patient("a"))
    copy.apply(record.log, Position("record", "1", "0"))
    for _ in range(3):
        command = [sys.executable, "-c", _WRITER, str(copy.path)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        begun = int(copy.positions()["record"].cursor)
        wait_for(lambda begun=begun: int(copy.positions()["record"].cursor) >= begun + 5)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait(30)
        writer.stdout.close()
        cursor = int(copy.positions()["record"].cursor)
        assert len(bodies(copy)) == 1 + 20 * cursor
        assert sum(one.count for one in copy.digests("record").values()) == 1 + 20 * cursor
        assert copy.is_whole()


class InStep(RuleBasedStateMachine):
    """Whatever happens to record and line, in any order: when the copy has caught up, it is the record."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.copy = Copy.create(Path(self.folder.name) / "copy.db", KEY)
        self.record = Record()
        self.epochs = 1
        self.syncer = Syncer(self.copy, Feed(self.record), compare_every_s=1e9)

    def teardown(self) -> None:
        self.copy.close()
        self.folder.cleanup()

    @rule(number=st.integers(0, 5), family=st.sampled_from(["Holm", "Lund", "Åkjær"]))
    def admit(self, number: int, family: str) -> None:
        self.record.put(patient(f"p{number}", family))

    @rule(number=st.integers(0, 8), of=st.integers(0, 5))
    def measure(self, number: int, of: int) -> None:
        self.record.put(observation(f"o{number}", f"p{of}"))

    @rule(number=st.integers(0, 8))
    def take_back(self, number: int) -> None:
        if ("Observation", f"o{number}") in self.record.current:
            self.record.delete("Observation", f"o{number}")

    @rule(count=st.integers(0, 6))
    def fail_over(self, count: int) -> None:
        self.epochs += 1
        self.record.lose(count, epoch=str(self.epochs))

    @rule(steps=st.integers(1, 3), fails=st.booleans())
    def step(self, steps: int, fails: bool) -> None:
        self.record.is_down = fails
        for _ in range(steps):
            with suppress(LineDownError, FeedError):
                asyncio.run(self.syncer.step())
        self.record.is_down = False

    @rule()
    def restart(self) -> None:
        self.copy.close()
        self.copy = Copy.open(Path(self.folder.name) / "copy.db", KEY)
        self.syncer = Syncer(self.copy, Feed(self.record), compare_every_s=1e9)

    @rule()
    def catch_up(self) -> None:
        asyncio.run(caught_up(self.syncer, self.copy, self.record))
        assert_same(self.copy, self.record)

    @invariant()
    def digests_are_those_of_the_rows(self) -> None:
        total = sum(one.count for one in self.copy.digests(SOURCE).values())
        assert total == len(bodies(self.copy))


InStep.TestCase.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestInStep = InStep.TestCase
