"""Keeping what a request has looked at and changed, before its answer leaves."""

from __future__ import annotations

import asyncio
import logging
import time

from altid.access.audit.recorder import Audit
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.permit import Origin
from altid.api import errors, rights
from altid.api.messages import Request
from altid.api.routine import RoutineLooks
from altid.fhir.outcome import FhirError

_UNKNOWN = 504

_log = logging.getLogger("altid.api")


class Keeper:
    """One process's."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._routine = RoutineLooks()
        self._unwaited: set[asyncio.Task[None]] = set()

    async def keep(self, request: Request, origin: Origin) -> None:
        """Everything that was noted is safe on disk when this returns. Raises `FhirError`: then nothing of a
        patient may leave, and a write may be stored all the same."""
        if not request.permit.notes:
            return
        try:
            await self._record(request, origin)
        except AuditUnavailableError as error:
            raise self._unkept(request, error) from None

    def keep_unknown(self, request: Request, origin: Origin) -> None:
        """A writer was sent away, or hung up: what was begun may be stored. Nobody waits for this."""
        request.permit.notes.clear()
        rights.note_failure(request, _UNKNOWN)
        task = asyncio.create_task(self._record(request, origin))
        self._unwaited.add(task)
        task.add_done_callback(self._kept)

    async def _record(self, request: Request, origin: Origin) -> None:
        now_us = time.time_ns() // 1_000
        events = request.permit.events(origin, now_us)
        events = self._routine.sift(request.permit.identity, events, now_us)
        if len(events) == 1:  # nearly always: a task would cost as much as the event
            await self._audit.record(events[0])
        else:
            await asyncio.gather(*map(self._audit.record, events))

    def _kept(self, task: asyncio.Task[None]) -> None:
        self._unwaited.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            _log.error("a write that was broken off is not in the audit (%s)", type(fault).__name__)

    @staticmethod
    def _unkept(request: Request, error: AuditUnavailableError) -> FhirError:
        return errors.not_audited(error) if rights.is_look(request) else errors.outcome_unknown()
