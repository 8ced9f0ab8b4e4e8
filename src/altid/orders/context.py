"""What has to be known around an order to examine it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from altid.orders.catalogue import Catalogue
from altid.orders.elements import Resource


@dataclass(frozen=True, slots=True)
class Context:
    """What is known around an order. All of the record as it is now."""

    patient: Resource | None = field(repr=False)
    """Whom the order is for; None if the record has no such patient."""
    now: datetime
    allergies: Sequence[Resource] = field(default=(), repr=False)
    """AllergyIntolerance of the patient."""
    current: Sequence[Resource] = field(default=(), repr=False)
    """MedicationRequest of the patient that are active or on hold."""
    results: Sequence[Resource] = field(default=(), repr=False)
    """Observation of the patient: at least the newest creatinine and eGFR (`checks.renal.CODES`)."""
    catalogue: Catalogue = field(default_factory=Catalogue)
    """With the Medications that the order and `current` refer to (`catalogue.references`)."""
    signer: Resource | None = field(default=None, repr=False)
    """Reference to who signs; becomes the requester of an order that names none."""
