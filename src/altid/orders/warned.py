"""Warnings that somebody has overridden, and why: contained DetectedIssue with a mitigation (R4 §9.7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from altid.orders.context import Context
from altid.orders.elements import ALTID, Resource
from altid.orders.findings import CHECKS, Finding

WARNINGS = f"{ALTID}/NamingSystem/order-warning"


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody has seen the warning `code` and signs all the same."""

    code: str
    reason: str = field(repr=False)


def answer(
    resource: Resource, found: Iterable[Finding], overrides: Sequence[Override], context: Context
) -> tuple[Resource, list[Finding]]:
    """(the order with the reasons kept in it, the findings that stand)."""
    reasons = {override.code: override.reason.strip() for override in overrides}
    kept = {identity for issue in issues(resource) for identity in _identities(issue)}
    standing: list[Finding] = []
    for finding in found:
        reason = reasons.get(finding.code)
        if finding.severity == "error":
            standing.append(finding)
        elif _identity(finding) in kept:
            continue
        elif reason:
            resource = _with_issue(resource, _issue(resource, finding, reason, context))
        else:
            standing.append(finding)
    return resource, standing


def issues(resource: Resource) -> list[Resource]:
    """The contained DetectedIssues."""
    return [inner for inner in resource.get("contained", ()) if inner["resourceType"] == "DetectedIssue"]


def _identity(finding: Finding) -> str:
    return f"{finding.code}|{finding.about}"


def _identities(issue: Resource) -> Iterable[str]:
    for identifier in issue.get("identifier", ()):
        if identifier.get("system") == WARNINGS:
            yield identifier.get("value", "")


def _with_issue(resource: Resource, issue: Resource) -> Resource:
    referring = [*resource.get("detectedIssue", ()), {"reference": f"#{issue['id']}"}]
    return {
        **resource,
        "contained": [*resource.get("contained", ()), issue],
        "detectedIssue": referring,
    }


def _issue(resource: Resource, finding: Finding, reason: str, context: Context) -> Resource:
    mitigation: Resource = {"action": {"text": reason}, "date": context.now.isoformat(timespec="seconds")}
    if context.signer:
        mitigation["author"] = context.signer
    taken = {inner.get("id") for inner in resource.get("contained", ())}
    number = next(n for n in range(1, len(taken) + 2) if f"warning-{n}" not in taken)
    issue: Resource = {
        "resourceType": "DetectedIssue",
        "id": f"warning-{number}",
        "identifier": [{"system": WARNINGS, "value": _identity(finding)}],
        "status": "final",
        "code": {"coding": [{"system": CHECKS, "code": finding.code}], "text": finding.da},
        "mitigation": [mitigation],
    }
    if "/" in finding.about:
        issue["implicated"] = [{"reference": finding.about}]
    return issue
