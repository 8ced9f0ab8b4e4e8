"""A hospital with two wards, somebody in each, and somebody who has gone home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

SOR = "urn:oid:1.2.208.176.1.1"
WARD_SOR, HOSPITAL_SOR = "99900000001001", "99900000001000"
HERE, ELSEWHERE, GONE, LONG_GONE, TRANSFERRED = "p-here", "p-elsewhere", "p-gone", "p-long-gone", "p-moved"
Resource = dict[str, Any]


def organisation(id_: str, sor: str, part_of: str | None = None) -> Resource:
    above = {"partOf": {"reference": f"Organization/{part_of}"}} if part_of else {}
    number = {"system": SOR, "value": sor}
    return {"resourceType": "Organization", "id": id_, "name": id_, "identifier": [number], **above}


def location(id_: str, owner: str) -> Resource:
    return {
        "resourceType": "Location",
        "id": id_,
        "name": id_,
        "managingOrganization": {"reference": f"Organization/{owner}"},
    }


def patient(id_: str) -> Resource:
    return {"resourceType": "Patient", "id": id_, "name": [{"family": f"Family-{id_}"}]}


def observation(id_: str, of: str, value: int = 37) -> Resource:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": "temp"},
        "subject": {"reference": f"Patient/{of}"},
        "valueQuantity": {"value": value},
    }


def stay(of: str, place: str, hours_ago: float | None = None, left_place: bool = False) -> Resource:
    """Going on, or over for so many hours; `left_place`: only the place was left."""
    at = None if hours_ago is None else (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    start = (datetime.now(UTC) - timedelta(days=9)).isoformat()
    is_over = at is not None and not left_place
    return {
        "resourceType": "Encounter",
        "id": f"e-{of}",
        "status": "finished" if is_over else "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": f"Patient/{of}"},
        "period": {"start": start, **({"end": at} if is_over else {})},
        "location": [
            {
                "location": {"reference": f"Location/{place}"},
                "status": "active" if at is None else "completed",
                "period": {"start": start, **({"end": at} if at else {})},
            }
        ],
    }


def everything() -> list[Resource]:
    return [
        organisation("hospital", HOSPITAL_SOR),
        organisation("ward", WARD_SOR, "hospital"),
        organisation("other", "99900000001002", "hospital"),
        location("ward-bed", "ward"),
        location("other-bed", "other"),
        *(patient(id_) for id_ in (HERE, ELSEWHERE, GONE, LONG_GONE, TRANSFERRED, "altid-canary-A-1")),
        stay(HERE, "ward-bed"),
        stay(ELSEWHERE, "other-bed"),
        stay(GONE, "ward-bed", hours_ago=47),
        stay(LONG_GONE, "ward-bed", hours_ago=49),
        stay(TRANSFERRED, "ward-bed", hours_ago=49, left_place=True),
        observation("o-here", HERE),
        observation("o-elsewhere", ELSEWHERE),
        observation("o-canary", "altid-canary-A-1"),
        {"resourceType": "Binary", "id": "opaque", "contentType": "text/plain", "data": "c2VjcmV0"},
        {"resourceType": "Observation", "id": "nobodys", "status": "final", "code": {"text": "secret"}},
    ]


def fill(server: str) -> None:
    with httpx.Client(base_url=f"{server}/fhir", timeout=30) as client:
        for resource in everything():
            client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource).raise_for_status()
