"""Reading the feed: the record whole, its changes, and what proves that a copy is the same."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from altid.access.audit.event import Action
from altid.access.copies import Keeps
from altid.access.permit import Note
from altid.api import errors
from altid.api.feed import asking, lines
from altid.api.feed.asking import View, viewing
from altid.api.feed.comparing import Comparing
from altid.api.feed.waiting import Pulse
from altid.api.messages import Request, Response
from altid.orders.synthetic import CANARY
from altid.record import copying, feed, heartbeat, holding
from altid.record.database import Connection, Database
from altid.record.feed import Batch, Change, Cursor
from altid.record.holding import GROUPS
from altid.record.stored import Found, Stored

PAGE, BATCH = 500, 500
"""Resources of one answer where the reader doesn't say: about a megabyte."""
WAIT_S_MAX = 15.0
"""The gateway tries a read for 20 s at one server: the answer must be on its way before that."""
PART_MAX = 200_000
"""Resources of a ward's copy: some thousand a patient, and the staff and places of a region."""
GATHER_S = 0.1
"""After the first change it is waited a moment for more, so that a storm of changes is few answers."""
_GROUPS = re.compile(r"[0-9]{1,4}(,[0-9]{1,4}){0,15}")
_PATIENT = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Feed:
    """Of one server process."""

    database: Database
    pulse: Pulse
    comparing: Comparing
    scanning: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Looks at everything are done one after the other: each keeps a connection for seconds."""


async def beat(serving: Feed, request: Request) -> Response:
    """GET /feed/heartbeat[?after=CURSOR]: how old the data is for whoever has read to the cursor. With
    `after`: whether that reader has everything."""
    after = asking.cursor(request, "after")
    async with viewing(serving.database, request) as view:
        cursor = await feed.newest(view.connection)
        found = await heartbeat.newest_below(view.connection)
        told: dict[str, Any] = {
            **(lines.beat(found) or {"at": None}),
            "epoch": view.epoch,
            "cursor": str(cursor),
        }
        if after is not None:
            told["caught_up"] = await feed.last(view.connection) <= after
    return lines.as_json(told)


async def snapshot(serving: Feed, request: Request) -> Response:
    """GET /feed/snapshot?after=N&count=M: all that is there now, page by page."""
    after = asking.number(request, "after", 0, 2**63 - 1)
    count = max(1, asking.number(request, "count", PAGE, copying.PAGE_MAX))
    async with viewing(serving.database, request) as view:
        cursor, keeps = await feed.newest(view.connection), await view.keeps()
        rows = await copying.page(view.connection, after, count, keeps.part)
        total = await copying.total(view.connection)
    told, size, is_done = [], 0, len(rows) < count
    for number, (stored, refs) in rows:
        after = number
        if keeps.shows(stored.type, stored.id, refs):
            told.append(lines.line(stored, "n", number))
            size += len(told[-1])
        if size > lines.ANSWER_BYTES_MAX:
            is_done = False
            break
    _note(request, "snapshot", len(told))
    last = {"after": after, "done": is_done, "cursor": str(cursor), "epoch": view.epoch, "total": total}
    return lines.answer(told, last)


async def changes(serving: Feed, request: Request) -> Response:
    """GET /feed/changes?after=CURSOR&epoch=E[&wait=S][&until=CURSOR][&count=M]: what came after it."""
    after, until = asking.cursor(request, "after"), asking.cursor(request, "until")
    if after is None:
        raise errors.bad_parameter("after")
    epoch = asking.epoch(request)
    count = max(1, asking.number(request, "count", BATCH, feed.BATCH_MAX))
    clock = asyncio.get_running_loop().time
    end_s = clock() + min(WAIT_S_MAX, asking.number(request, "wait", 0, 25))
    while True:
        async with viewing(serving.database, request) as view:
            if view.epoch != epoch or await _is_ahead(view.connection, after):
                return await _other_past(view, epoch, after)
            batch = await feed.changes(view.connection, after, count=count, until=until)
            told, batch = _cut(batch, await _lines(view, batch.changes))
            found = await heartbeat.newest_below(
                view.connection, None if batch.caught_up and until is None else batch.cursor.xid
            )
        after = batch.cursor
        if told or until is not None or clock() >= end_s:
            break
        if batch.caught_up:
            await serving.pulse.wait(after, end_s - clock())
            await asyncio.sleep(min(GATHER_S, max(0.0, end_s - clock())))
    if told:
        _note(request, "changes", len(told))
    last = {
        "cursor": str(after),
        "epoch": epoch,
        "caught_up": batch.caught_up,
        "heartbeat": lines.beat(found),
    }
    return lines.answer(told, last)


async def digests(serving: Feed, request: Request) -> Response:
    """GET /feed/digests[?after=CURSOR]: what a copy that has read to the cursor that is told must have. With
    `after`, where the copy is, it may be that of some seconds ago, but of no earlier cursor."""
    after = asking.cursor(request, "after")
    async with viewing(serving.database, request) as view:
        keeps = await view.keeps()
        part = keeps.part
        if part is not None:
            found = await copying.part_digests(view.connection, part, keeps.shows)
    if part is None:
        found = await serving.comparing.digests(view.epoch, after)
    groups = [
        {"group": number, "count": group.members, "digest": f"{group.digest:032x}"}
        for number, group in sorted(found.groups.items())
    ]
    return lines.as_json({"cursor": str(found.cursor), "epoch": view.epoch, "groups": groups})


async def group(serving: Feed, request: Request, named: str) -> Response:
    """GET /feed/group/{n}[,{n}…]: all resources of some groups."""
    if not _GROUPS.fullmatch(named):
        raise errors.not_found()
    numbers = sorted({int(each) for each in named.split(",")})
    if numbers[-1] >= GROUPS:
        raise errors.not_found()
    async with serving.scanning, viewing(serving.database, request) as view:
        cursor, keeps = await feed.newest(view.connection), await view.keeps()
        if keeps.part is None:
            found = await holding.members(view.connection, numbers, CANARY)
        else:
            held = await copying.page(view.connection, 0, PART_MAX, keeps.part)
            found = [one.stored for _, one in held if _is_shown(keeps, one) and _group(one) in numbers]
    _note(request, "group", len(found))
    last = {"done": True, "cursor": str(cursor), "epoch": view.epoch, "total": len(found)}
    return lines.answer((lines.line(stored, "n", n) for n, stored in enumerate(found, 1)), last)


async def patients(serving: Feed, request: Request) -> Response:
    """GET /feed/patients: whom a ward's copy keeps now; null: everybody."""
    async with viewing(serving.database, request) as view:
        cursor, keeps = await feed.newest(view.connection), await view.keeps()
    kept = None if keeps.patients is None else sorted(keeps.patients)
    request.permit.note(Note(Action.EXPORT, patients=tuple(kept or ()), operation="feed-patients"))
    return lines.as_json({"patients": kept, "cursor": str(cursor), "epoch": view.epoch})


async def patient(serving: Feed, request: Request, id_: str) -> Response:
    """GET /feed/patient/{id}: all that is about one patient."""
    if not _PATIENT.fullmatch(id_):
        raise errors.not_found()
    async with viewing(serving.database, request) as view:
        cursor, keeps = await feed.newest(view.connection), await view.keeps()
        if keeps.patients is not None and id_ not in keeps.patients:
            request.permit.was_refused = True
            raise errors.not_found()
        found = await copying.of_patient(view.connection, id_)
    shown = [one.stored for one in found if _is_shown(keeps, one)]
    request.permit.note(Note(Action.EXPORT, patients=(id_,), operation="feed-patient"))
    last = {"done": True, "cursor": str(cursor), "epoch": view.epoch, "total": len(shown)}
    return lines.answer((lines.line(stored, "n", n) for n, stored in enumerate(shown, 1)), last)


def _is_shown(keeps: Keeps, found: Found) -> bool:
    return keeps.shows(found.stored.type, found.stored.id, found.refs)


def _group(found: Found) -> int:
    type_, id_ = found.stored.type, found.stored.id
    return holding.group_of(type_, id_, holding.holder(type_, id_, found.refs))


async def _is_ahead(connection: Connection, after: Cursor) -> bool:
    """A reader who has seen what this PostgreSQL does not have."""
    return bool(await connection.fetchval(_IS_AHEAD, str(after.xid)))


async def _other_past(view: View, epoch: str, after: Cursor) -> Response:
    """409 with the past that there is now; or 503 where only this PostgreSQL is behind."""
    if await heartbeat.is_behind(view.connection, epoch, after):
        raise errors.unavailable()
    cursor = await feed.newest(view.connection)
    return lines.as_json({"epoch": view.epoch, "cursor": str(cursor)}, 409)


async def _lines(view: View, changed: Sequence[Change]) -> list[tuple[Change, bytes]]:
    """Those that the copy may have; and of those that it may have no more, that they are gone."""
    if not changed:
        return []
    keeps = await view.keeps()
    doubtful = [] if keeps.patients is None else [one for one in changed if not _shows(keeps, one)]
    former = await copying.before(view.connection, [one for one in doubtful if one.stored.version > 1])
    told = []
    for one in changed:
        if _shows(keeps, one):
            told.append((one, lines.line(one.stored, "cursor", str(one.cursor))))
        elif _showed(keeps, former.get((one.cursor.rid, one.stored.version))):
            gone = one.stored._replace(body=None)
            told.append((one, lines.line(gone, "cursor", str(one.cursor))))
    return told


def _showed(keeps: Keeps, before: Stored | None) -> bool:
    return before is not None and keeps.shows(before.type, before.id, copying.refs_in(before))


def _shows(keeps: Keeps, change: Change) -> bool:
    """A deletion names nobody: it is told to whom everything is."""
    stored = change.stored
    if stored.body is None:
        return keeps.patients is None
    refs: Iterable[str] = change.refs if change.refs is not None else copying.refs_in(stored)
    return keeps.shows(stored.type, stored.id, refs)


def _cut(batch: Batch, told: Sequence[tuple[Change, bytes]]) -> tuple[list[bytes], Batch]:
    """The lines, and the batch as far as they reach: an answer is not longer than it may be."""
    found: list[bytes] = []
    size = 0
    for change, line in told:
        found.append(line)
        size += len(line)
        if size > lines.ANSWER_BYTES_MAX:
            return found, batch._replace(cursor=change.cursor, caught_up=False)
    return found, batch


def _note(request: Request, what: str, count: int) -> None:
    """One event for the answer, whose reader has the right to all: patients are not named one by one."""
    if count:
        request.permit.note(Note(Action.EXPORT, operation=f"feed-{what}:{count}"))


_IS_AHEAD = "SELECT $1::text::xid8 > pg_snapshot_xmax(pg_current_snapshot())"
