"""The load itself: one reader, a few senders, and a second round for what may have come too early."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import click
import httpx

from altid.cli.loading.answers import Refusal, Verdict, judge
from altid.cli.loading.inputs import Input
from altid.cli.loading.journal import Journal
from altid.cli.loading.parcels import Parcel, parcels
from altid.cli.remote import OutcomeUnknownError, Patience, send

REFUSALS_KEPT_MAX = 1_000
"""For the summary as JSON; each one is reported as it happens anyway."""


@dataclass(slots=True)
class Summary:
    """What a load did."""

    files: int = 0
    files_skipped: int = 0
    resources: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Load:
    """Everything that a load needs. `on_bytes` hears how far it is, `on_refusal` of each refusal."""

    http: httpx.AsyncClient
    base: str
    journal: Journal
    in_flight: int
    on_bytes: Callable[[int], None]
    on_refusal: Callable[[Refusal], None]
    patience: Patience


async def load(plan: Load, sources: list[Input], summary: Summary) -> None:
    """Load the files, counting in `summary`. Raises `Unreachable` when the server stays away.

    What was accepted until then is in the journal and in `summary`.
    """
    held = await _round(plan, sources, summary, hold_back=True)
    summary.files = len(sources)
    if summary.resources:  # a transaction may have referred to what another file brought later
        await _round(plan, [source for source, _ in held], summary, hold_back=False)
        return
    for _, refusals in held:
        _refuse(plan, summary, refusals)


@dataclass(slots=True)
class _Progress:
    """How far one file is."""

    open_parcels: int = 0
    is_read: bool = False
    is_clean: bool = True


class _Job(NamedTuple):
    """A parcel on its way, and the bytes of its file that it stands for."""

    parcel: Parcel
    bytes: int
    progress: _Progress


_Held = list[tuple[Input, tuple[Refusal, ...]]]
_Queue = asyncio.Queue[_Job | None]


async def _round(plan: Load, sources: list[Input], summary: Summary, *, hold_back: bool) -> _Held:
    """Send all files once; with `hold_back`, refused transactions are returned instead of reported."""
    queue: _Queue = asyncio.Queue(maxsize=plan.in_flight)
    held: _Held = []
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_read_all(plan, sources, summary, queue))
            for _ in range(plan.in_flight):
                group.create_task(_send_all(plan, summary, queue, held if hold_back else None))
    except* click.ClickException as failures:
        failure = failures.exceptions[0]
    if failure is not None:
        raise failure
    return held


async def _read_all(plan: Load, sources: list[Input], summary: Summary, queue: _Queue) -> None:
    for source in sources:
        if plan.journal.is_finished(source.key):
            summary.files_skipped += 1
            plan.on_bytes(source.bytes)
            continue
        await _read(plan, source, summary, queue)
    for _ in range(plan.in_flight):
        await queue.put(None)


async def _read(plan: Load, source: Input, summary: Summary, queue: _Queue) -> None:
    progress, before = _Progress(), 0
    found = parcels(source, plan.journal.done(source.key))
    try:
        while parcel := await asyncio.to_thread(next, found, None):
            progress.open_parcels += 1
            await queue.put(_Job(parcel, parcel.bytes_read - before, progress))
            before = parcel.bytes_read
    except (OSError, EOFError, zlib.error) as error:
        progress.is_clean = False
        reason = getattr(error, "strerror", None) or "it is damaged"
        _refuse(plan, summary, (Refusal(str(source.path), 0, f"the file cannot be read: {reason}"),))
    plan.on_bytes(source.bytes - before)
    progress.is_read = True
    _finish(plan, source, progress)


async def _send_all(plan: Load, summary: Summary, queue: _Queue, held: _Held | None) -> None:
    while job := await queue.get():
        verdict = judge(job.parcel, await _post(plan, job.parcel))
        source, progress = job.parcel.input, job.progress
        plan.journal.accept(source.key, verdict.accepted)
        summary.resources += verdict.resources
        if verdict.refusals:
            progress.is_clean = False
        if held is not None and job.parcel.transaction and _may_come_right(verdict):
            held.append((source, verdict.refusals))
        else:
            _refuse(plan, summary, verdict.refusals)
        progress.open_parcels -= 1
        plan.on_bytes(job.bytes)
        _finish(plan, source, progress)


def _may_come_right(verdict: Verdict) -> bool:
    """Refused for what it is or refers to; not for a broken connection."""
    return any(refusal.status for refusal in verdict.refusals)


def _finish(plan: Load, source: Input, progress: _Progress) -> None:
    if progress.is_read and progress.is_clean and not progress.open_parcels:
        plan.journal.finish(source.key)


async def _post(plan: Load, parcel: Parcel) -> httpx.Response | None:
    """The answer to the parcel; None when there is nothing to send or the outcome is unknown."""
    if not parcel.body:
        return None
    headers = {"Content-Type": "application/fhir+json", "Prefer": "return=minimal"}
    request = plan.http.build_request("POST", plan.base, content=parcel.body, headers=headers)
    try:
        return await send(plan.http, request, plan.patience, twice_is_once=parcel.twice_is_once)
    except OutcomeUnknownError:
        return None


def _refuse(plan: Load, summary: Summary, refusals: tuple[Refusal, ...]) -> None:
    for refusal in refusals:
        summary.refused += 1
        if len(summary.refusals) < REFUSALS_KEPT_MAX:
            summary.refusals.append(refusal)
        plan.on_refusal(refusal)
