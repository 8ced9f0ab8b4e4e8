from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from altid.fhir.json import dumps, loads
from altid.sample import bundles, write


def test_a_folder_gets_one_bundle_for_each_transaction(tmp_path: Path) -> None:
    count = write(4, 1, tmp_path, "bundles")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"{number:08d}.json" for number in range(7)]
    assert count == sum(len(loads(file.read_bytes())["entry"]) for file in files)


def test_ndjson_has_one_resource_a_line(tmp_path: Path) -> None:
    count = write(4, 1, tmp_path, "ndjson")
    lines = (tmp_path / "region.ndjson").read_bytes().splitlines()
    assert len(lines) == count
    assert all("resourceType" in loads(line) for line in lines)


@pytest.mark.parametrize("form", ["bundles", "ndjson"])
def test_compressed_files_are_the_same_bytes_every_time(tmp_path: Path, form: str) -> None:
    for name in ("one", "two"):
        write(2, 1, tmp_path / name, "bundles" if form == "bundles" else "ndjson", gzip=True)
    one, two = sorted((tmp_path / "one").iterdir()), sorted((tmp_path / "two").iterdir())
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_compression_changes_nothing_else(tmp_path: Path) -> None:
    write(2, 1, tmp_path, "ndjson")
    write(2, 1, tmp_path, "ndjson", gzip=True)
    packed = (tmp_path / "region.ndjson.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "region.ndjson").read_bytes()


def test_standard_output_gets_one_bundle_a_line(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    write(2, 1, None, "bundles")
    lines = capsysbinary.readouterr().out.splitlines()
    assert len(lines) == 5
    assert loads(lines[0])["type"] == "transaction"


def test_standard_output_can_be_compressed(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    count = write(1, 1, None, "ndjson", gzip=True)
    assert len(gzip.decompress(capsysbinary.readouterr().out).splitlines()) == count


def test_progress_counts_patients(tmp_path: Path) -> None:
    told: list[int] = []
    write(3, 1, tmp_path, "ndjson", on_progress=told.append)
    assert told == [1, 2, 3]


def test_a_decimal_is_written_with_its_zeros(tmp_path: Path) -> None:
    write(30, 1, tmp_path, "ndjson")
    text = (tmp_path / "region.ndjson").read_bytes()
    assert re.search(rb'"value":\d+\.\d*0,', text)


def test_what_is_written_is_what_bundles_gives(tmp_path: Path) -> None:
    write(1, 5, tmp_path, "bundles")
    assert (tmp_path / "00000003.json").read_bytes() == dumps(list(bundles(1, 5))[3])


def test_a_refused_region_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="number of patients"):
        write(-1, 1, tmp_path / "region", "ndjson")
    assert not (tmp_path / "region").exists()
