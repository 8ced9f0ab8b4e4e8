"""A small region, made once for all tests of the room, as a reader of the bytes gets it."""

from __future__ import annotations

from typing import Any

import pytest

from altid.fhir.json import dumps, loads
from altid.sample import bundles

PATIENTS = 120


@pytest.fixture(scope="session")
def written() -> list[list[dict[str, Any]]]:
    """The resources of each Bundle in order: places, staff, drugs, then one list for each patient."""
    return [
        [entry["resource"] for entry in loads(dumps(bundle))["entry"]] for bundle in bundles(PATIENTS, seed=1)
    ]


@pytest.fixture(scope="session")
def patients(written: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Only the patients'."""
    return written[3:]
