"""`altid sample`, `load` and `export` against the real server: nothing lost, nothing changed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from scripted import Altid

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker

DIGITS = (
    b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
    b'"valueQuantity":{"value":1.500}}'
)


def by_reference(folder: Path) -> dict[str, dict[str, Any]]:
    """The resources of all files, without what the server adds to `meta`."""
    resources = {}
    for path in folder.rglob("*.ndjson*"):
        content = path.read_bytes()
        for line in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines():
            resource = json.loads(line)
            resource["meta"] = {
                name: value
                for name, value in resource.get("meta", {}).items()
                if name not in ("versionId", "lastUpdated")
            }
            resources[f"{resource['resourceType']}/{resource['id']}"] = resource
    return resources


@pytest.fixture
def base(postgres: Cluster) -> Any:
    with running_worker(make_database(postgres), FhirSettings()) as address:
        yield f"{address}/fhir"


def test_what_was_loaded_is_exported_again(altid: Altid, base: str, tmp_path: Path) -> None:
    altid("sample", "--patients", "2", "--form", "ndjson", "--out", tmp_path / "in")
    assert altid("load", tmp_path / "in", "--server", base) == 0
    assert altid("export", "--out", tmp_path / "out", "--server", base) == 0
    assert by_reference(tmp_path / "out") == by_reference(tmp_path / "in")


def test_bundles_can_be_loaded_twice_and_nothing_is_there_twice(
    altid: Altid, base: str, tmp_path: Path
) -> None:
    altid("sample", "--patients", "1", "--out", tmp_path / "in", "--json")
    made = json.loads(altid.out)["resources"]
    for _ in range(2):
        assert altid("load", tmp_path / "in", "--server", base, "--again") == 0
    altid("export", "--out", tmp_path / "out", "--server", base, "--json")
    assert json.loads(altid.out)["resources"] == made


def test_digits_survive_the_whole_way(altid: Altid, base: str, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(DIGITS)
    assert altid("load", tmp_path / "a.ndjson", "--server", base) == 0
    altid("export", "--out", tmp_path / "out", "--type", "Observation", "--server", base)
    assert b'"value":1.500' in gzip.decompress((tmp_path / "out" / "Observation.ndjson.gz").read_bytes())


def test_a_faulty_resource_among_good_ones_is_named_with_its_line(
    altid: Altid, base: str, tmp_path: Path
) -> None:
    good, faulty = (
        b'{"resourceType":"Patient","id":"good"}',
        b'{"resourceType":"Patient","birthDate":"never"}',
    )
    (tmp_path / "a.ndjson").write_bytes(good + b"\n" + faulty + b"\n")
    assert altid("load", tmp_path / "a.ndjson", "--server", base) == 1
    assert altid.err.startswith(f"{tmp_path / 'a.ndjson'}:2 (4")
    assert "birthDate" in altid.err
    assert "never" not in altid.err
    assert "Resources loaded: 1, refused: 1." in altid.out
