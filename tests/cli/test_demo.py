"""The demo's pieces, each by itself. The whole story is in `test_demo_story`."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scripted import Altid

from altid.cli.demoing.filling import altid as run_altid
from altid.cli.demoing.filling import first_seen, keep_seen
from altid.cli.demoing.happening import said_of
from altid.cli.demoing.looking import Digest, digest
from altid.cli.demoing.narrator import DemoError, Narrator
from altid.cli.demoing.proof import Proof
from altid.cli.demoing.stopping import run_stoppable, until_stopped
from altid.fhir import json
from altid.orders.synthetic import medication_order
from altid.orders.synthetic import patient as canary_of
from altid.region import processes
from altid.region.builtin import builtin_region, reserved_region
from altid.region.leftovers import end_all

_CLEAN = {
    "passed": True,
    "acknowledged": 5000,
    "missing": 0,
    "duplicated": 0,
    "stale_reads": 0,
    "two_leaders": 0,
    "leader": {"before": "A", "after": "B"},
    "sites_agree": True,
}


def _proof(after: Digest | None = None, *, both_live: bool = True, **drill: Any) -> Proof:
    before = Digest(12, "d1")
    return Proof(_CLEAN | drill, {"A": before, "B": before}, {"A": before, "B": after or before}, both_live)


@pytest.mark.parametrize(
    "offence",
    [
        {"missing": 1},
        {"duplicated": 1},
        {"stale_reads": 1},
        {"two_leaders": 1},
        {"answered_without_quorum": 1},
        {"acknowledged": 0},
        {"sites_agree": False},
        {"leader": {"before": "A", "after": "A"}},
    ],
)
def test_a_demo_fails_if_anything_that_was_promised_is_not_so(offence: dict[str, Any]) -> None:
    assert _proof().passed
    assert not _proof(**offence).passed


def test_a_demo_fails_if_the_record_is_not_whole_or_a_site_stays_away() -> None:
    assert not _proof(Digest(12, "other")).passed
    assert not _proof(both_live=False).passed


def test_a_demo_that_was_only_slow_passes_and_says_so() -> None:
    slow = _proof(passed=False)
    assert (slow.passed, slow.within_goals) == (True, False)


def _export(folder: Path, **lines: list[bytes]) -> Path:
    folder.mkdir()
    for name, content in lines.items():
        (folder / f"{name}.ndjson.gz").write_bytes(gzip.compress(b"".join(line + b"\n" for line in content)))
    return folder


def test_a_records_digest_leaves_out_what_drills_and_the_canary_write(tmp_path: Path) -> None:
    drilled = b'{"resourceType":"Observation","code":{"text":"drill"},"valueInteger":4}'
    order = json.dumps(medication_order("altid-canary-A-server-1", "m", datetime.now(UTC), is_test=True))
    nobody = json.dumps(canary_of("altid-canary-A-server-1"))
    one = _export(
        tmp_path / "one",
        Observation=[b'{"id":"1"}', drilled],
        Patient=[b'{"id":"p"}', nobody],
        MedicationRequest=[order],
    )
    other = _export(tmp_path / "other", Observation=[b'{"id":"1"}'], Patient=[b'{"id":"p"}'])
    assert digest(one) == digest(other)
    assert digest(one).resources == 2


def test_a_records_digest_knows_every_byte(tmp_path: Path) -> None:
    one = _export(tmp_path / "one", Observation=[b'{"value":1.00}'])
    other = _export(tmp_path / "other", Observation=[b'{"value":1.0}'])
    assert digest(one) != digest(other)


def test_the_story_is_told_of_the_events_that_make_it() -> None:
    assert said_of({"event": "place killed", "place": "A", "processes": 30}) == (
        "✕",
        "A is dead: kill -9 of 30 processes",
    )
    assert said_of({"event": "handover", "place": "B", "outcome": "done"}) == ("★", "B has the lead")
    assert said_of({"event": "handover", "place": "B", "outcome": "refused"}) is None
    assert said_of({"event": "part started", "place": "B", "part": "etcd"}) is None


def test_lines_carry_the_seconds_since_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    began_s = time.time()
    narrator = Narrator(_began_s=began_s)
    narrator.tell("later", "✓", datetime.fromtimestamp(began_s + 12.34, UTC))
    assert capsys.readouterr().out == "   12.3 s  ✓ later\n"


def test_a_silent_narrator_says_nothing_and_still_checks(capsys: pytest.CaptureFixture[str]) -> None:
    narrator = Narrator(silent=True)
    narrator.tell("x")
    narrator.expect(True, "x")
    with pytest.raises(DemoError, match="the sky is green"):
        narrator.expect(False, "the sky is green")
    assert capsys.readouterr().out == ""


def test_a_command_that_fails_ends_the_demo_with_its_name() -> None:
    with pytest.raises(DemoError, match="`altid sample` did not end well"):
        asyncio.run(run_altid("--quiet", "sample", "--patients", "-1"))


def test_a_command_that_is_underway_ends_with_the_demo() -> None:
    async def broken_off() -> None:
        task = asyncio.create_task(run_altid("sample", "--patients", "100000", "--out", os.devnull + "/x"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    before = _children()
    asyncio.run(broken_off())
    assert set(_children()) <= set(before)


def _children() -> list[str]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return [child for child in path.read_text().split() if "altid" in _command_line(child)]


def _command_line(process: str) -> str:
    """Empty when it is gone by now."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text()
    return ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_is_underway_and_its_clearing_up_is_not_disturbed(number: signal.Signals) -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0)
            done.append("cleared up")

    with pytest.raises(KeyboardInterrupt):
        run_stoppable(work())
    assert done == ["cleared up"]


def test_where_the_signal_is_waited_for_it_is_a_good_end() -> None:
    async def work() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        await until_stopped()
        return "ended"

    assert run_stoppable(work()) == "ended"


def test_two_regions_that_start_at_once_get_different_ports() -> None:
    with reserved_region() as first, reserved_region() as second:
        third = builtin_region()
        ports = [{site.server for site in region.sites} for region in (first, second, third)]
    assert len(set(map(frozenset, ports))) == 3


def test_what_was_only_being_started_is_found_and_ended(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={processes.MARK: str(tmp_path / "A")},
    )
    assert processes.of_place(tmp_path / "A") == []  # it has not entered its folder
    assert asyncio.run(end_all(tmp_path)) == 0
    assert started.wait(60) == -signal.SIGKILL


def test_others_processes_are_left_alone(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={processes.MARK: str(tmp_path) + "-other/A"},
    )
    asyncio.run(end_all(tmp_path))
    assert started.poll() is None
    started.kill()
    started.wait(60)


def test_a_region_has_addresses_of_its_own(altid: Altid) -> None:
    assert altid("demo", "--port", "8080") == 2
    assert "--host and --port are for --single" in altid.err


def test_evidence_that_cannot_be_kept_is_told_before_anything_starts(altid: Altid, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert altid("demo", "--exit", "--evidence", tmp_path / "file" / "below") == 2
    assert "cannot be made" in altid.err
    assert altid.err.count("\n") == 1
    assert not altid.data.exists()


def test_the_patients_of_a_kept_folder_stay_as_they_were_first_seen(tmp_path: Path) -> None:
    first = first_seen(tmp_path)
    assert timedelta(0) <= datetime.now(UTC) - first < timedelta(hours=2)
    keep_seen(tmp_path, first - timedelta(days=3))
    assert first_seen(tmp_path) == first - timedelta(days=3)
