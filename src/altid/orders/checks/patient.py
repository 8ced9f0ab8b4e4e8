"""The patient is in the record, and alive."""

from __future__ import annotations

from collections.abc import Iterator

from altid.orders.context import Context
from altid.orders.elements import Resource, name, target
from altid.orders.findings import Finding, error


def check(order: Resource, context: Context) -> Iterator[Finding]:
    field = f"{order['resourceType']}.subject"
    patient = context.patient
    if patient is None or target(order.get("subject")) not in (None, name(patient)):
        yield error("patient-unknown", field, _UNKNOWN)
    elif patient.get("deceasedBoolean") or "deceasedDateTime" in patient:
        yield error("patient-deceased", field, _DECEASED)
    elif patient.get("active") is False:
        yield error("patient-unknown", field, _NOT_IN_USE)


# Texts in Danish and English
_UNKNOWN = ("Patienten findes ikke i journalen.", "The record has no such patient.")
_DECEASED = ("Patienten er registreret som død.", "The patient is recorded as deceased.")
_NOT_IN_USE = ("Patientens journal er ikke i brug.", "The patient's record is not in use.")
