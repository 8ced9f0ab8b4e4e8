"""`altid sample`: the synthetic region as files."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

from scripted import Altid, FhirServer


def test_bundles_are_written_to_a_folder(altid: Altid, tmp_path: Path) -> None:
    assert altid("sample", "--patients", "2", "--out", tmp_path / "region", "--json") == 0
    bundles = [json.loads(path.read_bytes()) for path in sorted((tmp_path / "region").iterdir())]
    assert {bundle["type"] for bundle in bundles} == {"transaction"}
    assert json.loads(altid.out)["resources"] == sum(len(bundle["entry"]) for bundle in bundles)


def test_gzip_holds_the_same_as_plain(altid: Altid, tmp_path: Path) -> None:
    altid("sample", "--patients", "1", "--form", "ndjson", "--out", tmp_path / "plain")
    altid("sample", "--patients", "1", "--form", "ndjson", "--gzip", "--out", tmp_path / "packed")
    plain = (tmp_path / "plain" / "region.ndjson").read_bytes()
    assert gzip.decompress((tmp_path / "packed" / "region.ndjson.gz").read_bytes()) == plain


def test_down_a_pipe_come_resources_and_nothing_else() -> None:
    program = "from altid.cli import main; main()"
    arguments = [sys.executable, "-c", program, "sample", "--patients", "1", "--form", "ndjson"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    resources = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(resource["resourceType"] == "Patient" for resource in resources) == 1
    assert done.stderr == f"{len(resources)} resources of 1 patients.\n"


def test_the_region_is_seen_at_the_time_that_is_asked_for(altid: Altid, tmp_path: Path) -> None:
    assert (
        altid("sample", "--patients", "1", "--at", "2025-03-30T02:30+01:00", "--out", tmp_path / "then") == 0
    )
    patient = (tmp_path / "then" / "00000003.json").read_text()
    assert "2025-03-2" in patient
    assert "2026-11-1" not in patient


def test_a_time_that_is_none_is_bad_input(altid: Altid, tmp_path: Path) -> None:
    assert altid("sample", "--at", "yesterday", "--out", tmp_path / "region") == 2
    assert "--at is a date or a time" in altid.err


def test_a_seed_that_is_too_large_is_bad_input(altid: Altid, tmp_path: Path) -> None:
    assert altid("sample", "--seed", 10**12, "--out", tmp_path / "region") == 2
    assert altid.err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_one_line(altid: Altid, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert altid("sample", "--out", tmp_path / "file" / "region") == 1
    assert altid.err.startswith("altid: ")
    assert altid.err.count("\n") == 1


def test_a_sample_can_be_loaded(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    altid("sample", "--patients", "1", "--out", tmp_path / "region", "--json")
    made = json.loads(altid.out)["resources"]
    assert altid("load", tmp_path / "region", "--server", server.base, "--json") == 0
    assert json.loads(altid.out)["resources"] == made
