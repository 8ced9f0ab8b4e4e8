"""What is found wrong or worth a thought about an order, for people in Danish and English.

An error refuses the order. A warning refuses it too, until somebody says why it is signed all the same. Texts
name elements, drugs and limits of the knowledge table, never what was sent (see `altid.fhir.outcome`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

from altid.fhir.outcome import Issue
from altid.orders.elements import ALTID

Severity = Literal["error", "warning"]

CHECKS = f"{ALTID}/CodeSystem/order-check"
"""The codes of findings."""
_ISSUE_CODES = {"required": "required", "patient-unknown": "not-found", "drug-unknown": "code-invalid"}


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One of them. `field` is a FHIRPath such as `MedicationRequest.dosageInstruction[0].route`."""

    severity: Severity
    code: str
    """One word for programs, and what an override names: `allergy`."""
    field: str
    da: str
    en: str
    about: str = dataclasses.field(default="", repr=False)
    """What exactly is warned of. An override holds for that alone: not for a higher dose, another allergy."""

    @property
    def json(self) -> dict[str, Any]:
        """As `POST /orders/check` answers."""
        return {
            "severity": self.severity,
            "code": self.code,
            "field": self.field,
            "da": self.da,
            "en": self.en,
        }

    @property
    def issue(self) -> Issue:
        """For an `OperationOutcome`. The texts are taken as they are, so nothing is filled in. What may be
        overridden is told by its code, also where a refusal calls all of it errors."""
        code = _ISSUE_CODES.get(self.code, "business-rule")
        coding = (CHECKS, self.code) if self.severity == "warning" else None
        said = {"en": self.en, "da": self.da}
        return Issue(code, "{en}", "{da}", said, self.field, self.severity, coding)


class RefusedError(Exception):
    """An order or an action that is not done; `findings` is never empty."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(f"{finding.code} at {finding.field}" for finding in self.findings))


def error(code: str, field: str, text: tuple[str, str], **data: object) -> Finding:
    """`text` is Danish and English."""
    return Finding("error", code, field, text[0].format_map(data), text[1].format_map(data))


def warning(code: str, field: str, about: str, text: tuple[str, str], **data: object) -> Finding:
    return Finding("warning", code, field, text[0].format_map(data), text[1].format_map(data), about)
