"""Examining an order before it is signed: completed, checked, and its warnings answered.

Pure: what has to be known of patient and record is loaded by the caller as a `Context`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from altid.orders import checks, medication, requisition, warned
from altid.orders.context import Context
from altid.orders.elements import Resource
from altid.orders.findings import Finding
from altid.orders.warned import Override


@dataclass(frozen=True, slots=True)
class Examined:
    """An order as it would be signed, and what still stands against it: errors first."""

    resource: Resource = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def is_signable(self) -> bool:
        """Neither an error nor a warning that nobody has answered."""
        return not self.findings


def examine(resource: Resource, context: Context, overrides: Sequence[Override] = ()) -> Examined:
    """Complete a MedicationRequest or ServiceRequest and check it.

    `resource` has passed validation and is not changed. Warnings that `overrides` answer, or that an override
    kept in the resource answered before, are left out of the findings; the reason is kept in the resource
    returned. A draft is examined in the same way; it may be kept whatever is found.
    """
    kind = medication if resource["resourceType"] == "MedicationRequest" else requisition
    completed = kind.complete(resource, context)
    found = [*kind.missing(completed), *checks.all_findings(completed, context)]
    answered, open_ = warned.answer(completed, found, overrides, context)
    return Examined(answered, tuple(sorted(open_, key=lambda finding: finding.severity)))
