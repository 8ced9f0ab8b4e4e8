"""Reconciles after the incidents of one site, by itself: one process a site.

Each site sees to its own incidents, so it does not matter which one leads, or which hosts they are on. Where
both have seen the same (a change of lead), a lock in the record lets in one after the other, and the second
finds the first one's proof.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from altid.access.operator import Operator
from altid.orders.gathering import TooManyError
from altid.orders.proofs.keeping import FOLDER, catch_up, newest_first
from altid.orders.proofs.making import compare, prove
from altid.orders.proofs.sealing import says_the_same
from altid.orders.proofs.standing import standing
from altid.orders.verdict import Reconciliation
from altid.record.postgres import account as accounts
from altid.region import events
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.operating import operator_of
from altid.region.reconciling.incidents import (
    HEARD_OF_MAX,
    UNDER_WAY,
    Pending,
    happened,
    incident,
    is_done,
    left_over,
    looked,
    postponed,
    since_of,
)
from altid.region.records import records_of
from altid.region.topology import Region, Site
from altid.server.live import Lease

_POLL_S = 1.0
_FOLLOW_EVERY_S = 60.0
"""So often the files of the other site's reconciliations are fetched from the record."""
_LOOK_S_MAX = 600.0
_PROOFS_MAX = 1_000
"""Of a week of a region that is never calm."""
_LOCK = 0x416C7469645363  # "AltidSc"

_log = logging.getLogger("altid.region.reconciling")


class Reconciler:
    """One site's."""

    def __init__(self, where: Layout, region: Region, site: Site) -> None:
        self._where, self._region, self._site = where, region, site
        self._account, self._folder = accounts.current(), where.data / FOLDER
        self._tail = events.Tail(where.events)
        self._lease = Lease(where.place(site.name).live)
        self._was_two_sites: bool | None = None
        self._pending: Pending | None = None
        self._found: list[Reconciliation] = []
        """What the last look at these incidents has found."""
        self._is_told = False
        """That it can't be done is said once."""
        self._backlog: list[datetime] | None = []
        """Incidents from before this process began, some of which another has reconciled; None: asked."""

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._follow())

    async def _watch(self) -> None:
        while True:
            await self._hear()
            now = datetime.now(UTC)
            if self._pending is not None and now >= self._pending.due:
                await self._try(self._pending, now)
            await asyncio.sleep(_POLL_S)

    async def _hear(self) -> None:
        for event in await asyncio.to_thread(self._tail.read):
            at = incident(event, self._site.name)
            if at is not None and at > datetime.now(UTC) - HEARD_OF_MAX:
                self._pending = happened(self._pending, at)
                if self._backlog is not None:
                    self._backlog.append(at)
        if self._lease.holds:
            is_two_sites = self._lease.is_two_sites
            if self._was_two_sites not in (None, is_two_sites):
                self._pending = happened(self._pending, datetime.now(UTC))  # the other site is lost, or back
            self._was_two_sites = is_two_sites

    async def _try(self, pending: Pending, now: datetime) -> None:
        try:
            async with asyncio.timeout(_LOOK_S_MAX):
                await self._look(pending, now)
            self._is_told = False
        except (RegionError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            _log.info("not reconciled now (%s)", reason)
            self._pending = postponed(pending, datetime.now(UTC))
            if not self._is_told:
                self._event("orders not reconciled", reason=reason)
            self._is_told = True

    async def _look(self, pending: Pending, now: datetime) -> None:
        async with operator_of(self._where, self._region, self._site) as operator:
            if not await operator.connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                self._pending = postponed(pending, now)  # the other site does it
                return
            proofs = await newest_first(operator.connection)
            known = await self._without_done(operator, pending)
            if known is None or is_done(known, proofs):
                self._pending, self._found = None, []
                return
            until = known.until or now - UNDER_WAY
            found = await self._compared(operator, since_of(known, standing(proofs), now), until)
            await self._told(operator, known, found)
            is_certain = all(one.is_certain for one in found)
            self._pending = looked(known, datetime.now(UTC), until, is_certain=is_certain)
            self._found = found

    async def _without_done(self, operator: Operator, pending: Pending) -> Pending | None:
        """The first time: without what was reconciled before this process began."""
        if self._backlog is None:
            return pending
        proofs = await newest_first(operator.connection, _PROOFS_MAX)
        left: Pending | None = None
        for at in left_over(self._backlog, proofs):
            left = happened(left, at)
        self._backlog = None
        return left

    async def _compared(self, operator: Operator, since: datetime, until: datetime) -> list[Reconciliation]:
        """In halves, and those again, where there is too much to be compared at once."""
        try:
            async with records_of(self._where, self._site) as sites:
                return [await compare(operator, sites, since, until)]
        except TooManyError:
            middle = since + (until - since) / 2
            return [
                *await self._compared(operator, since, middle),
                *await self._compared(operator, middle, until),
            ]

    async def _told(self, operator: Operator, pending: Pending, found: Sequence[Reconciliation]) -> None:
        """A look that finds what the last one has found leaves nothing."""
        is_as_before = len(found) == len(self._found) and all(map(says_the_same, found, self._found))
        if pending.looks and is_as_before:
            return
        for one in found:
            proof = await prove(operator, one, f"itself at {self._site.name}", self._folder)
            self._event("orders reconciled", **proof.summary)
        with suppress(OSError):  # the record has it; the file follows
            await catch_up(operator.connection, self._folder, self._account)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_FOLLOW_EVERY_S)
            with suppress(RegionError, OSError):
                async with operator_of(self._where, self._region, self._site) as operator:
                    await catch_up(operator.connection, self._folder, self._account)

    def _event(self, event: str, **detail: Any) -> None:
        events.record(self._where.events, self._site.name, event, **detail)
