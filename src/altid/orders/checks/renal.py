"""A drug that leaves by the kidneys is not signed without knowing how these work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from altid.fhir.periods import PeriodError, parse_period
from altid.orders import knowledge
from altid.orders.context import Context
from altid.orders.elements import LOINC, NPU, NPU_DK_CORE, Resource, codes
from altid.orders.findings import Finding, warning

CODES = {
    NPU: ("NPU18016", "DNK35302"),
    NPU_DK_CORE: ("NPU18016", "DNK35302"),
    LOINC: ("14682-9", "2160-0", "62238-1", "98979-8", "33914-3"),
}
"""Creatinine in plasma and eGFR: Danish laboratories' codes, and LOINC of others."""

_FINAL = {"final", "amended", "corrected"}


def check(order: Resource, context: Context) -> Iterator[Finding]:
    known = knowledge.of(context.catalogue.atc(order))
    if known is None or known.renal_days is None:
        return
    since = context.now - timedelta(days=known.renal_days)
    if not any(since <= at <= context.now for at in _measured(context.results)):
        yield warning(
            "renal-value-missing",
            "MedicationRequest.medication",
            "",
            _MISSING,
            name=known.name,
            days=known.renal_days,
        )


def _measured(results: Iterable[Resource]) -> Iterator[datetime]:
    """When creatinine or eGFR was measured; a result without a value is none."""
    for result in results:
        at = result.get("effectiveDateTime") or result.get("effectivePeriod", {}).get("start")
        if (
            result.get("status") not in _FINAL
            or "valueQuantity" not in result
            or not at
            or not _is_renal(result)
        ):
            continue
        try:
            yield parse_period(at)[0]
        except PeriodError:
            continue


def _is_renal(result: Resource) -> bool:
    return any(set(codes(result.get("code"), system)) & set(wanted) for system, wanted in CODES.items())


# Texts in Danish and English
_MISSING = (
    "{name} kræver en nyreværdi (kreatinin eller eGFR), som højst er {days} dage gammel.",
    "{name} needs a renal value (creatinine or eGFR) that is at most {days} days old.",
)
