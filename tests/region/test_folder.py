"""The region's data folder, its checks before a start, its events and its logs."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from altid.record.postgres.programs import MAJOR
from altid.region import checks, events
from altid.region.builtin import builtin_netns_region, builtin_region
from altid.region.error import RegionError
from altid.region.layout import Layout, check_ours, held, holder, load_region
from altid.region.logs import rotate
from altid.region.regionfile import read_region, render_region
from altid.region.topology import RegionLimits


def _made(folder: Path, **changes: object) -> Layout:
    layout = Layout(folder)
    layout.region_file.write_text(render_region(builtin_region()))
    marker = {"made_by": "altid", "format": 2, "postgres": MAJOR, "region": "altid"}
    layout.marker.write_text(json.dumps(marker | changes))
    return layout


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    check_ours(Layout(tmp_path), builtin_region())
    check_ours(Layout(tmp_path / "new"), builtin_region())


def test_our_own_folder_may_be_used_again(tmp_path: Path) -> None:
    layout = _made(tmp_path)
    check_ours(layout, read_region(layout.region_file))


def test_what_may_change_between_two_starts_is_accepted(tmp_path: Path) -> None:
    layout = _made(tmp_path)
    region = read_region(layout.region_file)
    check_ours(layout, replace(region, limits=RegionLimits(unseen_s=1.5)))


def test_places_that_moved_are_refused(tmp_path: Path) -> None:
    layout = _made(tmp_path)
    region = read_region(layout.region_file)
    moved = replace(region, witness=replace(region.witness, host="127.0.9.9"))
    with pytest.raises(RegionError, match="was made with other places"):
        check_ours(layout, moved)


def test_a_region_that_runs_is_not_changed_under_its_feet(tmp_path: Path) -> None:
    layout = _made(tmp_path)
    region = read_region(layout.region_file)
    layout.place("A").root.mkdir()
    with (
        held(layout.place("A").lock),
        pytest.raises(RegionError, match="runs with another region file: `altid down` first"),
    ):
        check_ours(layout, replace(region, limits=RegionLimits(unseen_s=1.5)))


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RegionError, match="not empty and was not made by `altid up`"):
        check_ours(Layout(tmp_path), builtin_region())
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_the_folder_of_altid_serve_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(RegionError, match="holds the record of `altid serve`"):
        check_ours(Layout(tmp_path), builtin_region())


@pytest.mark.parametrize("changes", [{"format": 1}, {"format": 3}, {"postgres": 15}])
def test_a_folder_of_another_version_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(RegionError, match="use the Altid that made it"):
        check_ours(_made(tmp_path, **changes), builtin_region())


def test_a_folder_of_another_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="belongs to the region syd, not altid"):
        check_ours(_made(tmp_path, region="syd"), builtin_region())


def test_a_damaged_marker_is_told_and_left(tmp_path: Path) -> None:
    layout = _made(tmp_path)
    layout.marker.write_text("{")
    with pytest.raises(RegionError, match="is damaged: the folder is left as it is"):
        check_ours(layout, builtin_region())


def test_where_no_region_is_the_command_to_start_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="holds no region: start one with `altid up"):
        load_region(Layout(tmp_path))


def test_a_host_that_is_not_this_machine_is_named() -> None:
    site = replace(builtin_region().sites[0], host="192.0.2.1")
    with pytest.raises(RegionError, match=r"The host 192\.0\.2\.1 of A is not this machine"):
        checks.check_addresses(site)


def test_places_that_share_a_machine_need_loopback_addresses() -> None:
    checks.check_lines(builtin_region())
    with pytest.raises(RegionError, match=r"10\.89\.1\.2 is no loopback address: on one machine give"):
        checks.check_lines(builtin_netns_region("10.89"))


def test_a_port_in_use_names_its_part() -> None:
    site = builtin_region().sites[0]
    with socket.create_server((site.host, 0)) as taken:
        busy = replace(site, patroni=taken.getsockname()[1])
        with pytest.raises(RegionError, match="for A's patroni, cannot be used: Address already in use"):
            checks.check_addresses(busy)


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path) -> None:
    region = replace(builtin_region(), limits=RegionLimits(disk_free_mb_min=1 << 40))
    with pytest.raises(RegionError, match="MB free, and the region wants"):
        checks.check_disk(tmp_path / "not" / "yet", region)


def test_a_lock_is_held_once_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(path) as first, held(path) as second:
        assert (first, second) == (True, False)
        assert holder(path) is not None
    assert holder(path) is None


def test_events_are_read_in_order_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events.record(path, "A", "part died", part="etcd")
    events.record(path, "B", "part started", part="etcd")
    with path.open("a") as file:
        file.write('{"time": "2026')
    assert [(event["place"], event["event"]) for event in events.read(path)] == [
        ("A", "part died"),
        ("B", "part started"),
    ]


def test_a_log_that_has_grown_is_set_aside_and_goes_on_in_the_same_file(tmp_path: Path) -> None:
    big, small = tmp_path / "big.log", tmp_path / "small.log"
    small.write_text("x")
    with big.open("a") as process:
        process.write("a" * 100)
        process.flush()
        assert rotate(tmp_path, 50) == ["big.log"]
        process.write("b")
    assert (tmp_path / "big.log.1").read_text() == "a" * 100
    assert (big.read_text(), small.read_text()) == ("b", "x")
