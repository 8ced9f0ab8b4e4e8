"""What a site's guardian makes of its own troubles: the lease, the tag, the disk."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.region.builtin import builtin_region
from altid.region.guardian.apply import ApplyWatch
from altid.region.guardian.disk import DiskWatch
from altid.region.guardian.fitness import Fitness
from altid.region.guardian.grey import UNWRITABLE_S, YIELDING_LEASE_S, GreyWatch, yielding_lease_s
from altid.region.guardian.lease import LiveLease
from altid.region.guardian.tag import NoSyncTag
from altid.region.layout import PlaceFolders, Secrets
from altid.server.live import Lease

_seconds = st.floats(0.0, 10.0)


@given(_seconds, _seconds, _seconds)
def test_a_leader_that_may_be_relieved_answers_for_a_moment_at_most(
    s: float, unwritable_s: float, age_s: float
) -> None:
    told_s = yielding_lease_s(s, unwritable_s, 100.0 - age_s, 100.0)
    assert told_s <= s
    if unwritable_s >= UNWRITABLE_S:  # only then does the other site take the lead
        assert age_s + told_s <= YIELDING_LEASE_S + 1e-9


@pytest.mark.parametrize("unwritable_s", [None, 0.0, 1.0])
def test_a_leader_with_a_sound_disk_keeps_its_lease(unwritable_s: float | None) -> None:
    assert yielding_lease_s(0.9, unwritable_s, 99.95, 100.0) == 0.9


def _watched(*reports: tuple[str | None, float]) -> DiskWatch:
    watch = DiskWatch(Path("/nowhere"))
    for reason, at_s in reports:
        watch.note(reason, at_s)
    return watch


def test_a_disk_fails_for_as_long_as_no_probe_succeeded() -> None:
    assert _watched(("", 1.0), ("ENOSPC", 2.0), ("ENOSPC", 3.0)).unwritable_s(3.5) == 1.5


def test_one_probe_that_succeeds_ends_the_failure() -> None:
    assert _watched(("ENOSPC", 2.0), ("", 3.0)).unwritable_s(3.5) == 0.0


def test_a_probe_that_hangs_says_nothing() -> None:
    assert _watched(("", 1.0)).unwritable_s(4.5) is None


def test_a_site_without_a_database_says_nothing() -> None:
    assert _watched(("ENOSPC", 1.0), (None, 2.0)).unwritable_s(2.1) is None


@pytest.fixture
def folders(tmp_path: Path) -> PlaceFolders:
    found = PlaceFolders(tmp_path)
    found.patroni.mkdir()
    (found.patroni / "patroni.yml").write_text(json.dumps({"name": "A", "tags": {"clonefrom": True}}))
    return found


def _tags(folders: PlaceFolders) -> dict[str, bool]:
    told: dict[str, bool] = json.loads((folders.patroni / "patroni.yml").read_text())["tags"]
    return told


def test_the_tag_is_set_and_removed_and_the_rest_of_the_file_stays(folders: PlaceFolders) -> None:
    tag = NoSyncTag(folders)
    assert tag.look() is False
    for aside in (True, False, True):
        tag.set(aside)
        assert _tags(folders) == {"clonefrom": True, "nosync": aside}
    assert json.loads((folders.patroni / "patroni.yml").read_text())["name"] == "A"


def test_a_guardian_that_starts_again_finds_the_tag_as_it_is(folders: PlaceFolders) -> None:
    tag = NoSyncTag(folders)
    tag.look()
    tag.set(True)
    assert NoSyncTag(folders).look() is True


def test_a_file_that_was_written_anew_is_kept_but_for_the_tag(folders: PlaceFolders) -> None:
    tag = NoSyncTag(folders)
    tag.look()
    (folders.patroni / "patroni.yml").write_text(json.dumps({"name": "A2"}))
    tag.set(True)
    assert json.loads((folders.patroni / "patroni.yml").read_text()) == {
        "name": "A2",
        "tags": {"nosync": True},
    }


def test_a_tag_is_set_without_writing_a_file(folders: PlaceFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full by then takes no new file."""
    tag = NoSyncTag(folders)
    tag.look()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("altid.region.guardian.tag.write_owned", full)
    for aside in (True, False, True):
        tag.set(aside)
        assert tag.look() is aside


_ASIDE, _WAITED_FOR = Fitness(aside=True, reason="behind"), Fitness()


def _watch(folders: PlaceFolders, lease: LiveLease) -> GreyWatch:
    secrets = Secrets("s1", "s2", "s3", "s4", "s5")
    return GreyWatch(builtin_region().sites[0], folders, secrets, lease, lambda *_, **__: None)


def test_a_tag_that_the_supervisor_wrote_away_is_set_again(folders: PlaceFolders) -> None:
    watch = _watch(folders, LiveLease(folders.live))
    asyncio.run(watch._step(_ASIDE))
    (folders.patroni / "patroni.yml").write_text(json.dumps({"name": "A"}))
    asyncio.run(watch._step(_ASIDE))
    assert _tags(folders) == {"nosync": True}


def test_a_standbys_lease_ends_before_its_tag_is_set(
    folders: PlaceFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = LiveLease(folders.live)
    watch, server, held = _watch(folders, lease), Lease(folders.live), []
    lease.extend(5.0)
    monkeypatch.setattr(NoSyncTag, "set", lambda *_: held.append(server.holds))
    asyncio.run(watch._step(_ASIDE))
    assert held == [False]


def test_a_standby_is_aside_until_its_tag_is_gone(folders: PlaceFolders) -> None:
    watch = _watch(folders, LiveLease(folders.live))
    assert watch.is_aside  # nothing is known yet
    asyncio.run(watch._step(_WAITED_FOR))
    assert not watch.is_aside
    asyncio.run(watch._step(_ASIDE))
    assert watch.is_aside


class _Session:
    """A session with a PostgreSQL that gives these answers in turn."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self._answers = list(answers)

    async def fetchrow(self, _: str) -> dict[str, Any]:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def terminate(self) -> None:
        pass


_STREAMS: dict[str, Any] = {"standby": True, "received": 1, "applied": 1, "receiver": 7}


def _asked(*answers: dict[str, Any] | Exception) -> float | None:
    watch = ApplyWatch("")
    session: Any = _Session(*answers)
    for _ in answers:
        watch._session = session
        asyncio.run(watch._ask())
    return watch.streamed_s


def test_a_standby_that_says_that_it_receives_no_log_is_believed_at_once() -> None:
    assert _asked(_STREAMS, _STREAMS | {"receiver": None}) is None


def test_a_question_without_an_answer_does_not_mean_that_no_log_is_received() -> None:
    before_s = time.monotonic()
    streamed_s = _asked(_STREAMS, TimeoutError())
    assert streamed_s is not None
    assert before_s <= streamed_s <= time.monotonic()


def test_the_file_is_read_by_nobody_else(folders: PlaceFolders) -> None:
    tag = NoSyncTag(folders)
    tag.look()
    tag.set(True)
    assert (folders.patroni / "patroni.yml").stat().st_mode & 0o077 == 0


def test_patroni_is_asked_to_read_its_file_again(folders: PlaceFolders) -> None:
    """A stand-in that ends with 0 at SIGHUP; it has "patroni" in its command line like the real one."""
    wait = (
        "import signal, sys; signal.signal(1, lambda *_: sys.exit(0));"
        "print('ready', flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", wait, "patroni"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        folders.parts.write_text(json.dumps({"patroni": {"pid": process.pid}}))
        tag = NoSyncTag(folders)
        tag.look()
        tag.set(True)
        assert process.wait(60) == 0


def test_a_process_that_is_no_patroni_gets_no_signal(folders: PlaceFolders) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        folders.parts.write_text(json.dumps({"patroni": {"pid": process.pid}}))
        tag = NoSyncTag(folders)
        tag.look()
        tag.set(True)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)


def test_a_stream_that_ends_with_its_site_takes_no_time_from_the_lease(folders: PlaceFolders) -> None:
    watch = _watch(folders, LiveLease(folders.live))
    assert watch.streamed_s(99.5, is_seen=False) == 99.5
    assert watch.streamed_s(99.5, is_seen=True) is None
