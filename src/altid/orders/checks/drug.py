"""The drug exists: it is in the record's catalogue, or its ATC code in the knowledge table."""

from __future__ import annotations

from collections.abc import Iterator

from altid.orders import knowledge
from altid.orders.catalogue import is_withdrawn
from altid.orders.context import Context
from altid.orders.elements import Resource
from altid.orders.findings import Finding, error


def check(order: Resource, context: Context) -> Iterator[Finding]:
    if "medicationReference" in order:
        field = "MedicationRequest.medicationReference"
        medication = context.catalogue.medication(order)
        if medication is None:
            yield error("drug-unknown", field, _UNKNOWN)
        elif is_withdrawn(medication):
            yield error("drug-withdrawn", field, _WITHDRAWN)
    elif "medicationCodeableConcept" in order and knowledge.of(context.catalogue.atc(order)) is None:
        yield error("drug-unknown", "MedicationRequest.medicationCodeableConcept", _NO_CODE)


# Texts in Danish and English
_UNKNOWN = ("Lægemidlet findes ikke i kataloget.", "The catalogue has no such drug.")
_WITHDRAWN = ("Lægemidlet er ikke længere i brug.", "The drug is no longer in use.")
_NO_CODE = (
    "Lægemidlet har ingen ATC-kode, som kataloget kender.",
    "The drug has no ATC code that the catalogue knows.",
)
