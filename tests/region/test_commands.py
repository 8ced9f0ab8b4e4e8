"""The commands on bad input: one line, exit code 2, nothing made and nothing damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altid.cli.app import run
from altid.region.builtin import builtin_region
from altid.region.regionfile import render_region


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_region_file_with_the_same_port_twice_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    region = builtin_region()
    text = render_region(region).replace(f"patroni = {region.sites[0].patroni}", "patroni = 4000", 1)
    file = tmp_path / "region.toml"
    file.write_text(text.replace(f"postgres = {region.sites[0].postgres}", "postgres = 4000", 1))
    data = tmp_path / "data"
    told = _refused(capsys, "up", "--region", str(file), "--data", str(data))
    assert "port 4000 at 127.0.1.1 is there twice" in told
    assert not data.exists()


def test_a_region_file_that_is_missing_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _refused(capsys, "up", "--region", str(tmp_path / "no.toml"), "--data", str(tmp_path / "data"))
    assert "cannot be read: No such file" in told


def test_a_host_that_is_not_this_machine_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("patroni")
    file = tmp_path / "region.toml"
    file.write_text(render_region(builtin_region()).replace("127.0.", "192.0."))
    told = _refused(capsys, "up", "--region", str(file), "--data", str(tmp_path / "data"))
    assert "The host 192.0.1.1 of A is not this machine" in told
    assert not (tmp_path / "data").exists()


def test_a_folder_of_somebody_else_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    told = _refused(capsys, "up", "--data", str(tmp_path))
    assert "was not made by `altid up`" in told
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("command", ["status", "down", "switchover"])
def test_where_no_region_is_a_command_says_how_to_start_one(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "start one with `altid up" in _refused(capsys, command, "--data", str(tmp_path))


def test_a_fault_that_is_not_known_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = _refused(capsys, "fault", "inject", "earthquake", "--site", "A", "--data", str(tmp_path))
    assert "holds no region" in told


def test_a_drill_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'earthquake' is not one of" in _refused(capsys, "drill", "earthquake")


def test_the_faults_are_listed_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fault", "list", "--json", "--data", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"site-kill", "site-silent", "partition", "part-kill", "part-freeze"} <= set(told["known"])
    assert told["active"] == []


def test_a_distance_is_told_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "distance", "--km", "105", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["p50_ms"] == 4.0
