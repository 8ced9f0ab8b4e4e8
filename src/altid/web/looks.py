"""What a page shows or does, told to the audit before it is answered."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request

from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.guard import Guard
from altid.access.permit import Origin, Permit
from altid.access.reentry import fingerprint
from altid.web import cookies


def require_audit(guard: Guard) -> None:
    """Raises `AuditUnavailableError` where nothing could be told now: nothing is looked up then, either."""
    fault = guard.audit.fault
    if fault is not None:
        raise AuditUnavailableError(fault)


async def tell(guard: Guard, permit: Permit, request: Request) -> None:
    """All that was noted. Raises `AuditUnavailableError`: then nothing of a patient may be shown."""
    if permit.notes:
        events = permit.events(origin_of(request), time.time_ns() // 1_000)
        await asyncio.gather(*map(guard.audit.record, events))


def origin_of(request: Request) -> Origin:
    """Where the request comes from; a known workplace by the fingerprint of its key."""
    key = cookies.workplace_of(request)
    return Origin(address_of(request), workplace=fingerprint(key) if key else "")


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""
