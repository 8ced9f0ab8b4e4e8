"""One patient's resources in the order they are written; each refers only to what stands before it."""

from __future__ import annotations

from typing import NamedTuple

from altid.sample.coding import Resource, made


class Visit(NamedTuple):
    """References to a patient and the encounter during which something is written."""

    patient: Resource
    encounter: Resource


class Chart:
    """Collects the resources of one patient and numbers them by type."""

    __slots__ = ("_numbers", "prefix", "resources")

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.resources: list[Resource] = []
        self._numbers: dict[str, int] = {}

    def add(self, kind: str, elements: Resource, profile: str | None = None) -> str:
        """Keep a resource and return how to refer to it: `Observation/r1-p17-observation-3`."""
        number = self._numbers.get(kind, 0) + 1
        self._numbers[kind] = number
        identity = self.prefix if kind == "Patient" else f"{self.prefix}-{kind.lower()}-{number}"
        self.resources.append(made(kind, identity, elements, profile))
        return f"{kind}/{identity}"
