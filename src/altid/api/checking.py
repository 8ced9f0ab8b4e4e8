"""What a resource must pass before it is stored."""

from __future__ import annotations

from typing import Any

from altid.api import errors
from altid.api.settings import FhirSettings
from altid.fhir.danish import validate_danish
from altid.fhir.outcome import FhirError, Issue
from altid.fhir.validation import validate


def check_resource(
    settings: FhirSettings, content: Any, type_: str | None, *, in_transaction: bool = False
) -> dict[str, Any]:
    """The content as a resource of this type. Raises 400 (no resource) or 422 (a faulty one)."""
    if content is None:
        raise errors.body_missing()
    issues = find_issues(settings, content, type_, in_transaction=in_transaction)
    if any(issue.severity in ("error", "fatal") for issue in issues):
        raise FhirError(400 if not isinstance(content, dict) else 422, issues)
    resource: dict[str, Any] = content
    return resource


def find_issues(
    settings: FhirSettings, content: Any, type_: str | None, *, in_transaction: bool = False
) -> list[Issue]:
    """All that is wrong; in a transaction, references may also be conditional (`Patient?identifier=…`)."""
    issues = validate(content, expected_type=type_, in_transaction=in_transaction)
    if settings.danish_profiles and not issues:
        issues = validate_danish(content)
    return issues
