"""What the guard does for one request, part by part, in microseconds of a core; each measured alone."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import ECKey

from altid.access.audit.event import Action, Event, Outcome, encode, who_of
from altid.access.audit.limits import AuditLimits
from altid.access.audit.store import PURPOSE
from altid.access.grounds import NOBODY, Grounds, Own, Place
from altid.access.identity import Identity, Level, Role
from altid.access.journal.journals import take_own
from altid.access.journal.sealed import START, Sealer
from altid.access.keys import KeySet, SigningKey, _State
from altid.access.reaching import Reaches
from altid.access.secret import AccessSecret
from altid.access.settings import AccessSettings
from altid.access.tokens import Subject, Verifier, issue
from altid.record.database import Database

_SECRET = AccessSecret(bytes(range(32)))
_SUBJECT = Subject("a" * 36, "Anne Holm", Role.DOCTOR, "ward-1", Level.SUBSTANTIAL, "s" * 36)
_PATIENTS = 1_000
_GROUP = 32
"""Looks that one sync of the disk is for, at so many connections."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Medians of five rounds."""

    token_first_us: float
    """A token that was not seen before: its signature (ES256) and its claims."""
    token_again_us: float
    """One that was: its digest, and whether its session has ended or its key was withdrawn."""
    reach_us: float
    """Whom somebody has grounds for, as remembered, and whether one patient is among them."""
    event_us: float
    """The event of a look, as the bytes that are kept."""
    seal_us: float
    """Chained and encrypted."""
    sync_alone_ms: float
    """From handing one event to the journal until it is safe on this disk."""
    sync_group_ms: float
    """The same for 32 at once."""


def measure(folder: Path | None = None, times: int = 5_000) -> Parts:
    """`folder`: on the disk whose syncs are measured. `times`: how often each is done in a round."""
    token, verifier_of = _token()
    first, again = verifier_of(0), verifier_of(10)
    identity = again.verify(token)
    event = _event(identity)
    sealer, body = Sealer(_SECRET, PURPOSE, "A.00000000"), encode(event, "A")
    alone_ms, group_ms = _syncs(folder, body)
    return Parts(
        token_first_us=_each_us(lambda: first.verify(token), max(times // 10, 1)),
        token_again_us=_each_us(lambda: again.verify(token), times),
        reach_us=asyncio.run(_reach_us(identity, times)),
        event_us=_each_us(lambda: encode(event, "A"), times),
        seal_us=_each_us(lambda: sealer.seal(START, body), times),
        sync_alone_ms=alone_ms,
        sync_group_ms=group_ms,
    )


def _token() -> tuple[str, Callable[[int], Verifier]]:
    """A token, and verifiers that remember so many."""
    settings, key = AccessSettings(region="altid"), ECKey.generate_key("P-256")
    keys = KeySet(settings, _SECRET, time.time)
    signing = SigningKey("k", ECKey.import_key(key.as_dict(private=False)), key, 0.0, None)
    keys._state = _State({"k": signing})
    token, _ = issue(_SUBJECT, signing, settings, time.time(), random.Random(1))
    return token, lambda remembered: Verifier(keys, settings, time.time, remembered_max=remembered)


def _event(identity: Identity) -> Event:
    return Event(
        time.time_ns() // 1_000,
        Action.READ,
        Outcome.DONE,
        who_of(identity),
        patients=("bench-17",),
        grounds=(Grounds.ADMITTED,),
        type="Observation",
        id="bench-17-3-1",
        version=1,
        address="127.0.0.1",
        request="0123456789abcdef",
    )


class _Known(Reaches):
    """With a hospital's patients, and no database."""

    def __init__(self) -> None:
        super().__init__(database=_NO_DATABASE)

    async def _read_place(self, _organisation: str) -> Place:
        return replace(
            NOBODY.place, patients={f"bench-{number}": Grounds.ADMITTED for number in range(_PATIENTS)}
        )

    async def _read_own(self, _identity: Identity, _place: Place) -> Own:
        return Own({"listed": datetime.max.replace(tzinfo=UTC)})


_NO_DATABASE: Database = None  # type: ignore[assignment]


async def _reach_us(identity: Identity, times: int) -> float:
    reaches = _Known()

    async def once() -> None:
        assert (await reaches.of(identity)).of("bench-17") is not None

    return await _each_async_us(once, times)


def _syncs(folder: Path | None, body: bytes) -> tuple[float, float]:
    limits = AuditLimits()
    with tempfile.TemporaryDirectory(dir=folder, prefix="altid-journal-") as made:
        journal = take_own(Path(made), "A", _SECRET, PURPOSE, random.Random(1))

        def append(count: int) -> None:
            journal.append(
                [body] * count, segment_bytes=limits.segment_bytes, bytes_max=limits.journal_bytes_max
            )

        alone = _median([_timed(lambda: append(1)) for _ in range(101)])
        group = _median([_timed(lambda: append(_GROUP)) for _ in range(101)])
        journal.close()
    return round(alone * 1e3, 2), round(group * 1e3, 2)


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _each_us(action: Callable[[], object], times: int) -> float:
    """Processor time of one, the median of five rounds."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            action()
        rounds.append((time.process_time() - began) / times)
    return round(_median(rounds) * 1e6, 2)


async def _each_async_us(action: Callable[[], Awaitable[None]], times: int) -> float:
    await action()
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            await action()
        rounds.append((time.process_time() - began) / times)
    return round(_median(rounds) * 1e6, 2)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
