"""Rows of wards, made before anybody asks: in memory, of all who lie somewhere, anew after each change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable

from altid.screen.views.ward import Bed

KINDS = (
    "Encounter",
    "AllergyIntolerance",
    "Flag",
    "Consent",
    "MedicationRequest",
    "ServiceRequest",
    "Task",
)
"""What of a chart a row is made of."""
SHOWN_OF_OTHERS = frozenset({"Location", "Medication"})
"""What a row says of resources that are about nobody: when one of these changes, all are made anew."""


class Beds:
    """By patient. May be used in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, Bed] = {}
        self._version = 0

    def get(self, patient: str, make: Callable[[], Bed | None]) -> Bed | None:
        """The row of a patient, made now if it is not there; None for nobody."""
        with self._lock:
            known, version = self._rows.get(patient), self._version
        if known is not None:
            return known
        made = make()
        with self._lock:
            if made is not None and version == self._version:  # else it may be older than the last change
                self._rows[patient] = made
        return made

    def missing(self, patients: Iterable[str]) -> list[str]:
        """Of these, whose rows have yet to be made."""
        with self._lock:
            return [patient for patient in patients if patient not in self._rows]

    def keep_only(self, patients: Collection[str]) -> None:
        """Nobody else's: rows of those who have left are not worth their memory."""
        with self._lock:
            for patient in self._rows.keys() - set(patients):
                del self._rows[patient]

    def drop(self, patients: Iterable[str]) -> None:
        """Something of these has changed."""
        with self._lock:
            self._version += 1
            for patient in patients:
                self._rows.pop(patient, None)

    def clear(self) -> None:
        with self._lock:
            self._version += 1
            self._rows.clear()
