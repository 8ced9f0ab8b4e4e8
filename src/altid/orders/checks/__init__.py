"""What is checked when an order is signed. Each check is a function of the order and its context.

They look at orders whose shape is valid; what is missing from an order, `medication` and `requisition` say.
"""

from __future__ import annotations

from collections.abc import Iterator

from altid.orders.checks import allergy, drug, duplicate, maximum, patient, period, renal, unit
from altid.orders.context import Context
from altid.orders.elements import Resource
from altid.orders.findings import Finding

_ALL = (patient.check, period.check)
_OF_DRUGS = (drug.check, unit.check, allergy.check, duplicate.check, maximum.check, renal.check)


def all_findings(order: Resource, context: Context) -> Iterator[Finding]:
    """Of a MedicationRequest or ServiceRequest, in the order of the checks."""
    is_drug = order["resourceType"] == "MedicationRequest"
    for check in (*_ALL, *_OF_DRUGS) if is_drug else _ALL:
        yield from check(order, context)
