"""FHIR is closed while looks can't be told of, and says why: operations look where the fault is."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from altid.access.audit.unavailable import AuditUnavailableError, Cause
from altid.access.identity import Identity, Level, Role
from altid.access.permit import Permit
from altid.api.http import FhirApp
from altid.api.settings import FhirSettings

SYSTEM = Identity("lab", "Laboratory", Role.SYSTEM, "", ("system/*.r",), Level.HIGH, "", "A", 0)


def answered(fault: Cause | None, path: str) -> tuple[int, Any]:
    """By an application whose audit has this fault."""
    guard = SimpleNamespace(
        audit=SimpleNamespace(fault=fault),
        identify=lambda _headers, *, pages: SYSTEM,
        permit=lambda identity: Permit(identity, None),
    )
    service: Any = SimpleNamespace(guard=guard, settings=FhirSettings())
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "/fhir",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"altid.example")],
    }

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        await FhirApp(service)(scope, receive, send)

    asyncio.run(run())
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize("cause", Cause)
def test_the_true_cause_is_told(cause: Cause) -> None:
    status, outcome = answered(cause, "/fhir/Patient")
    assert status == 503
    assert outcome["issue"][0]["diagnostics"] == AuditUnavailableError(cause).text_en


def test_what_is_open_to_all_needs_no_audit() -> None:
    status, statement = answered(Cause.DISK, "/fhir/metadata")
    assert (status, statement["resourceType"]) == (200, "CapabilityStatement")
