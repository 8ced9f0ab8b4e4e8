"""What is wrong with a request, as data: FHIR `OperationOutcome` (R4 §2.25) in English and Danish.

An `Issue` names a message by key and carries only facts of the standard (element names, types, limits).
It never holds a value that was sent: error texts travel to logs and screens where patients' data must not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]
Language = Literal["en", "da"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding. `code` is from issue-type (R4); `expression` a FHIRPath such as `Patient.name[0]`."""

    code: str
    text_en: str
    text_da: str
    data: Mapping[str, object] = field(default_factory=dict)
    expression: str | None = None
    severity: Severity = "error"
    coding: tuple[str, str] | None = None
    """(system, code) of what programs have to tell apart beyond `code` (`issue.details`)."""
    about: str | None = None
    """Reference of another resource that stands against it, which whoever asks may see."""

    def text(self, language: Language) -> str:
        template = self.text_da if language == "da" else self.text_en
        return template.format_map(self.data)


class FhirError(Exception):
    """A request that is refused with `status` (HTTP) and a non-empty list of issues."""

    def __init__(self, status: int, issues: Iterable[Issue]) -> None:
        self.status = status
        self.issues = tuple(issues)
        super().__init__("; ".join(issue.text("en") for issue in self.issues))


def refuse(status: int, code: str, text_en: str, text_da: str, **data: object) -> FhirError:
    """Build the common `FhirError` of one issue."""
    return FhirError(status, [Issue(code, text_en, text_da, data)])


def operation_outcome(issues: Iterable[Issue], language: Language = "en") -> dict[str, Any]:
    """The `OperationOutcome` resource; without issues it says that all is well."""
    rendered = [_render(issue, language) for issue in issues] or [_render(_ALL_OK, language)]
    return {"resourceType": "OperationOutcome", "issue": rendered}


def _render(issue: Issue, language: Language) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": issue.text("en"),
    }
    if details := _details(issue, language):
        rendered["details"] = details
    if issue.expression:
        rendered["expression"] = [issue.expression]
    if issue.about:
        rendered["extension"] = [{"url": _ABOUT, "valueReference": {"reference": issue.about}}]
    return rendered


def _details(issue: Issue, language: Language) -> dict[str, Any]:
    coding = {"coding": [{"system": issue.coding[0], "code": issue.coding[1]}]} if issue.coding else {}
    return coding | ({"text": issue.text("da")} if language == "da" else {})


_ABOUT = "https://altid.dk/fhir/StructureDefinition/about"
_ALL_OK = Issue("informational", "All OK.", "Alt i orden.", severity="information")
