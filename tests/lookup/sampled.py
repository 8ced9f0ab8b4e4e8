"""A copy with the synthetic region in it, for tests of what is shown and printed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from altid.fhir import json
from altid.lookup.change import Change, Heartbeat, Position
from altid.lookup.copy import Copy
from altid.sample import REFERENCE, resources

NOW = REFERENCE + timedelta(minutes=17, seconds=5)
"""Seventeen minutes after the synthetic region was written down."""
KEY = bytes(range(32))


def sampled_copy(path: Path, patients: int = 30) -> Copy:
    """Its data are of `REFERENCE`."""
    copy = Copy.create(path, KEY)
    changes = [
        Change(one["resourceType"], one["id"], 1, REFERENCE, json.dumps(one))
        for one in resources(patients, 1)
    ]
    copy.apply(changes, Position("record", "1", "1"), Heartbeat(REFERENCE, REFERENCE))
    return copy
