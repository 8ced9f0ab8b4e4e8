"""*MinSpærring*: a patient's blocks, shown, set and lifted by staff when the patient asks."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import partial

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import blocks
from altid.access.audit.event import Action, Outcome
from altid.access.blocks import NOTE_CHARACTERS_MAX, NOTE_CHARACTERS_MIN, OPEN, SETS, Block, Wanted
from altid.access.refusal import Refusal
from altid.fhir import json
from altid.fhir.search.hidden import Period
from altid.record.read import read
from altid.record.stored import compose
from altid.screen.views.identity import identity_of
from altid.screen.views.moments import ZONE, moment_at
from altid.screen.words import Words
from altid.web.addresses import go
from altid.web.faults import failed
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page, refusal_page

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_FIELDS = ("whom", "person", "place", "from", "to", "asked")


def block_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return await _show(visit, names)

    async def put(visit: Visit) -> Response:
        return await _put(visit, names)

    async def lift(visit: Visit) -> Response:
        return await _lift(visit, names)

    return [
        Route("/patient/{id}/blocks", gated(service, show), methods=["GET"]),
        Route("/patient/{id}/blocks", gated(service, put, makes_ways_in=True), methods=["POST"]),
        Route("/patient/{id}/blocks/lift", gated(service, lift, makes_ways_in=True), methods=["POST"]),
    ]


async def _show(visit: Visit, names: PlaceNames, alert: str | None = None) -> Response:
    patient, desk = visit.request.path_params["id"], visit.service.guard.desk
    me = await me_of(visit, names)
    if visit.identity.role not in SETS or not _ID.fullmatch(patient):
        visit.note(Action.READ, "blocks", type="Block", outcome=Outcome.REFUSED)
        return page("not-for-role.html", visit.words, status=403, me=me)
    async with visit.service.database.reading() as connection:
        stored = await read(connection, "Patient", patient)
    found = await blocks.of_patient(desk, visit.caller, visit.identity, patient)
    if stored is None or stored.body is None:
        return failed(visit.request, "not-found", 404)
    if isinstance(found, Refusal):
        return refusal_page(found, visit.words)
    visit.note(Action.READ, "blocks", type="Block", patients=(patient,))
    now = datetime.now(ZONE)
    return page(
        "blocks.html",
        visit.words,
        status=422 if alert else 200,
        me=me,
        identity=identity_of(json.loads(compose(stored))),
        holding=[each for each in found if each.holds(now)],
        over=[each for each in found if not each.holds(now)],
        places=await names.of(visit.service, _places(found)),
        period_text=partial(_period_text, visit.words),
        alert=alert,
        typed={name: visit.form.get(name, "") for name in _FIELDS},
        note_min=NOTE_CHARACTERS_MIN,
        note_max=NOTE_CHARACTERS_MAX,
        today=now.date(),
        now=now,
    )


async def _put(visit: Visit, names: PlaceNames) -> Response:
    patient, form, words = visit.request.path_params["id"], visit.form, visit.words
    whom = form.get("whom", "")
    person = form.get("person", "").strip() if whom == "person" else None
    place = form.get("place", "").strip() if whom == "place" else None
    if whom not in ("everybody", "person", "place") or person == "" or place == "":
        return await _show(visit, names, words.text("blocks.no-person"))
    try:
        period = _period(form.get("from", "").strip(), form.get("to", "").strip())
    except ValueError:
        return await _show(visit, names, words.text("blocks.bad-date"))
    wanted = Wanted(patient, form.get("asked", ""), person, place, period)
    made = await blocks.put(visit.service.guard.desk, visit.caller, visit.identity, wanted)
    if isinstance(made, Refusal):
        return await _refused(visit, names, made, "block-set")
    visit.note(Action.ADMINISTER, "block-set", type="Block", id=made, patients=(patient,))
    return go(f"/patient/{patient}/blocks")


async def _lift(visit: Visit, names: PlaceNames) -> Response:
    patient, form = visit.request.path_params["id"], visit.form
    desk, block = visit.service.guard.desk, form.get("block", "")
    lifted = await blocks.lift(desk, visit.caller, visit.identity, block, form.get("lift-asked", ""))
    if isinstance(lifted, Refusal):
        return await _refused(visit, names, lifted, "block-lift")
    visit.note(Action.ADMINISTER, "block-lift", type="Block", id=lifted.id, patients=(lifted.patient,))
    return go(f"/patient/{patient}/blocks")


async def _refused(visit: Visit, names: PlaceNames, refused: Refusal, operation: str) -> Response:
    if refused.status == 403:
        visit.note(Action.ADMINISTER, operation, type="Block", outcome=Outcome.REFUSED)
    return await _show(visit, names, refused.text(visit.words.language))


def _places(found: list[Block]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.organisation for each in found if each.organisation))


def _period(low: str, high: str) -> Period | None:
    """Whole days on the Danish clock, the last one too. Raises `ValueError`."""
    first = _midnight(date.fromisoformat(low)) if low else None
    end = _midnight(date.fromisoformat(high) + timedelta(days=1)) if high else None
    return blocks.period_of(first, end)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def _period_text(words: Words, block: Block) -> str:
    if block.period is None:
        return words.text("blocks.all")
    low, high = block.period
    said = {"low": _day(words, low), "high": _day(words, high - timedelta(microseconds=1))}
    if low <= OPEN.low:
        return words.text("blocks.period.until", high=said["high"])
    if high >= OPEN.high:
        return words.text("blocks.period.since", low=said["low"])
    return words.text("blocks.period", **said)


def _day(words: Words, at: datetime) -> str:
    return words.day(moment_at(at))
