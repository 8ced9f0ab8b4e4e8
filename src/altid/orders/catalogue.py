"""Which drugs there are: the Medication resources of the record, and the committed knowledge table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from altid.orders.elements import ATC, Resource, codes, contained, name, target

_WITHDRAWN = {"inactive", "entered-in-error"}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The Medications that an order and the patient's current orders refer to, by `Medication/id`.

    `references` says which these are, so that nobody reads the whole catalogue to sign one order.
    """

    medications: Mapping[str, Resource] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, medications: Iterable[Resource]) -> Catalogue:
        return cls({name(medication): medication for medication in medications})

    def medication(self, order: Resource) -> Resource | None:
        """The Medication that an order or administration is of; None if it is named by code or unknown."""
        reference = target(order.get("medicationReference"))
        if reference is None:
            return None
        return contained(order, reference) if reference[0] == "#" else self.medications.get(reference)

    def atc(self, order: Resource) -> str | None:
        """The drug's ATC code, None if it has none or is not known."""
        medication = self.medication(order)
        concept = medication.get("code") if medication else order.get("medicationCodeableConcept")
        return next(codes(concept, ATC), None)


def references(orders: Iterable[Resource]) -> Iterator[str]:
    """`Medication/id` of each Medication that has to be read for these orders."""
    for order in orders:
        reference = target(order.get("medicationReference"))
        if reference and reference[0] != "#":
            yield reference


def is_withdrawn(medication: Resource) -> bool:
    return medication.get("status") in _WITHDRAWN
