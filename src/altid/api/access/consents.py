"""What patients have blocked, as FHIR R4 `Consent`: to read only, made from the blocks when asked for.

A block is a consent that denies: `provision.type` is `deny`, the actor is the person or the place, and
`provision.dataPeriod` what of the record is meant. A block that was lifted is inactive and has an end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from altid.access.blocks import Block
from altid.access.grounds import SOR

_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_CATEGORY = "http://loinc.org"
_ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_RULE = "MinSpærring (sundhedsloven § 42 a)"


def as_bundle(blocks: Iterable[Block], now: datetime) -> dict[str, Any]:
    """A searchset."""
    found = [as_consent(block, now) for block in blocks]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "entry": [{"resource": one, "search": {"mode": "match"}} for one in found],
    }


def as_consent(block: Block, now: datetime) -> dict[str, Any]:
    """One block."""
    return {
        "resourceType": "Consent",
        "id": block.id,
        "status": "active" if block.holds(now) else "inactive",
        "scope": {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": _CATEGORY, "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{block.patient}"},
        "dateTime": block.since.isoformat(),
        "policyRule": {"text": _RULE},
        "provision": _provision(block),
    }


def _provision(block: Block) -> dict[str, Any]:
    actor = _actor(block)
    shown: dict[str, Any] = {
        "type": "deny",
        "period": _period(block.since, block.until),
        "actor": [actor] if actor else None,
        "dataPeriod": _period(*block.period) if block.period else None,
    }
    return {name: value for name, value in shown.items() if value}


def _actor(block: Block) -> dict[str, Any] | None:
    role = {"coding": [{"system": _ROLE, "code": "PRCP"}]}
    if block.account is not None:
        reference = {"type": "Practitioner", "identifier": {"value": block.account}, "display": block.person}
        return {"role": role, "reference": reference}
    if block.organisation is not None:
        identifier = {"system": SOR, "value": block.organisation}
        return {"role": role, "reference": {"type": "Organization", "identifier": identifier}}
    return None


def _period(low: datetime, high: datetime | None) -> dict[str, str]:
    return {"start": low.isoformat()} | ({"end": high.isoformat()} if high else {})
