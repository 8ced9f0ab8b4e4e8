"""`altid export` against a server on a real socket."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from scripted import Altid, FhirServer

DIGITS = b'{"resourceType":"Observation","id":"o","valueQuantity":{"value":1.500}}'


def fill(server: FhirServer) -> None:
    server.stored["Patient"] = [b'{"resourceType":"Patient","id":"p%d"}' % number for number in range(5)]
    server.stored["Observation"] = [DIGITS]


def test_all_pages_of_all_types_are_written_one_resource_a_line(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    fill(server)
    assert altid("export", "--out", tmp_path, "--server", server.base) == 0
    written = gzip.decompress((tmp_path / "Patient.ndjson.gz").read_bytes())
    assert written.splitlines() == server.stored["Patient"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Observation.ndjson.gz", "Patient.ndjson.gz"]


def test_a_decimal_is_exported_with_its_digits(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    fill(server)
    altid("export", "--out", tmp_path, "--server", server.base)
    assert gzip.decompress((tmp_path / "Observation.ndjson.gz").read_bytes()) == DIGITS + b"\n"


def test_only_the_wanted_types_are_written(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    fill(server)
    altid("export", "--out", tmp_path, "--type", "Patient", "--server", server.base, "--json")
    assert json.loads(altid.out) == {"resources": 5, "types": {"Patient": 5}, "folder": str(tmp_path)}


def test_a_type_that_the_server_does_not_know_is_bad_input(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    assert altid("export", "--out", tmp_path, "--type", "Unicorn", "--server", server.base) == 2
    assert "no resource type 'Unicorn'" in altid.err


def test_an_export_that_fails_leaves_the_earlier_file_and_no_half_one(
    altid: Altid, server: FhirServer, tmp_path: Path
) -> None:
    fill(server)
    (tmp_path / "Patient.ndjson.gz").write_bytes(b"earlier")
    pages = server.search

    def fail_on_second_page(type_: str, start: int) -> bytes:
        return pages(type_, start) if start == 0 else b"not json"

    server.search = fail_on_second_page  # type: ignore[method-assign]
    assert altid("export", "--out", tmp_path, "--type", "Patient", "--server", server.base) == 1
    assert "is not FHIR" in altid.err
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]


def test_what_was_exported_can_be_loaded(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    fill(server)
    altid("export", "--out", tmp_path, "--server", server.base)
    assert altid("load", tmp_path, "--server", server.base) == 0
    assert DIGITS in b"".join(server.bodies)
    assert len(server.entries) == 6


def test_a_busy_server_is_asked_again(altid: Altid, server: FhirServer, tmp_path: Path) -> None:
    fill(server)
    server.faults = [503]
    assert altid("export", "--out", tmp_path, "--server", server.base) == 0
