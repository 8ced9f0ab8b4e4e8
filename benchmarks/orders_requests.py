"""What the orders' benchmark asks for: orders of one drug for some hundred patients."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
from typing import Any

from benchmarks.orders_load import Make

PATIENTS = 2_000
"""Of a group."""
_DRUG = "bench-drug"


def requests(path: str, bearer: str, group: int = 0) -> Make:
    """Orders of one drug for the patients of a group, each new."""
    numbers, dice = itertools.count(), random.Random(os.urandom(8))

    def make() -> bytes:
        body = json.dumps(_order(group * PATIENTS + dice.randrange(PATIENTS))).encode()
        key = f"{dice.getrandbits(128):032x}-{next(numbers)}"
        return _request("POST", path, bearer, body, key)

    return make


def _request(method: str, path: str, bearer: str, body: bytes, key: str) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}\r\n"
        f"Content-Type: application/fhir+json\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _order(patient: int) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": f"Medication/{_DRUG}"},
        "subject": {"reference": f"Patient/bench-{patient}"},
        "requester": {"reference": "PractitionerRole/bench"},
        "authoredOn": "2026-11-28T12:00:00+01:00",
        "reasonCode": [{"text": "Smerter"}],
        "dosageInstruction": [
            {
                "timing": {
                    "repeat": {
                        "frequency": 1,
                        "period": 1,
                        "periodUnit": "d",
                        "boundsPeriod": {"start": "2026-11-28", "end": "2026-12-28"},
                    }
                },
                "route": {"text": "oral"},
                "doseAndRate": [
                    {"doseQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "{tbl}"}}
                ],
            }
        ],
    }


async def prepare(port: int, bearer: str, host: str = "127.0.0.1", group: int = 0) -> None:
    """Whom and what the orders of a group of patients name."""
    numbers = range(group * PATIENTS, (group + 1) * PATIENTS)
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": f"bench-{number}"} for number in numbers
    ]
    resources.append({"resourceType": "Medication", "id": _DRUG, "status": "active"})
    reader, writer = await asyncio.open_connection(host, port)
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    data = _request("POST", "/fhir", bearer, json.dumps(bundle).encode(), "x").replace(
        b"Idempotency-Key: x\r\n", b""
    )
    writer.write(data)
    status = await reader.readline()
    writer.close()
    if b" 200 " not in status:
        raise RuntimeError(f"The patients could not be made: {status!r}")
