"""What the tests of the command line share: a scripted FHIR server, and `altid` on a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import Altid, FhirServer, serving


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with serving() as fhir:
        yield fhir


@pytest.fixture
def altid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Altid:
    return Altid(tmp_path / "data", capsys)
