"""Writing about a patient: a note is kept as a draft or signed; a signed one is put right by an addendum.

Each form names the patient that the eye saw, and is refused at the address of another. It names the account
that it was made for: what somebody has typed is not signed by the next who logs on in that browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Outcome
from altid.fhir import json
from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.read import read
from altid.record.stored import compose
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import MUST_BE_NEW, Safety, new_id, update
from altid.screen.rendering import answer
from altid.screen.sections import SECTIONS, section_html
from altid.screen.views.admission import is_stay
from altid.screen.views.chart import Chart
from altid.screen.views.elements import Resource, element, elements
from altid.screen.views.notes import Note, notes_of
from altid.web.addresses import go
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames
from altid.web.needs import NEEDS
from altid.web.note_resources import DRAFT, KINDS, Writing, note_id, note_of
from altid.web.older import before_of, next_before
from altid.web.patient import Shown
from altid.web.patient_pages import ID, Opened, open_patient

BODY_CHARACTERS_MAX = 5_000
"""Two printed pages; a form is 32 kB at most, and a letter of it may take six bytes."""
_TYPE = "DocumentReference"
_OFFERED_MAX = 10
"""Notes that an addendum is offered for: older ones are rarely put right."""
_KEY = re.compile(r"[0-9a-f-]{36}", re.ASCII)
_OWN_KINDS = tuple(kind for kind in KINDS if kind != "addendum")


class _NoteError(Exception):
    """The note is not taken. `key`: of the catalogue, what the page says."""

    def __init__(self, key: str, status: int = 422) -> None:
        super().__init__(key)
        self.key, self.status = key, status


def note_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        before, need = before_of(visit.request), NEEDS["notes"]
        opened = await open_patient(visit, names, "patient-notes", need.until(before) if before else need)
        return opened if isinstance(opened, Response) else _page(visit, opened)

    async def write(visit: Visit) -> Response:
        opened = await open_patient(visit, names, "patient-notes", NEEDS["notes"])
        return opened if isinstance(opened, Response) else await _write(visit, opened)

    there = "/patient/{id}/notes"
    return [
        Route(there, gated(service, show), methods=["GET"]),
        Route(there, gated(service, write), methods=["POST"]),
    ]


async def _write(visit: Visit, opened: Opened) -> Response:
    patient = visit.request.path_params["id"]
    try:
        if not await _may_write(visit, patient):
            visit.note(Action.CREATE, "note", outcome=Outcome.REFUSED, type=_TYPE, patients=(patient,))
            raise _NoteError("notes.not-for-role", 403)
        draft = _draft_of(visit, opened)
        if visit.form.get("account") != visit.identity.subject:  # also of a browser that both use
            raise _NoteError("kept.other", 409)
        writing = _writing(visit.form, patient, opened.chart)
        identity, version, safety = await _store(visit, opened, writing, draft)
    except _NoteError as error:
        return _page(visit, opened, error.key, error.status)
    except OutcomeUnknownError:
        return _page(visit, opened, "notes.unknown", 504)
    except NotStoredError:
        return _page(visit, opened, "notes.not-stored", 503)
    done = Action.UPDATE if draft else Action.CREATE
    visit.note(
        done, "note", type=_TYPE, id=identity, version=version, patients=(patient,), durability=safety or ""
    )
    return go(f"/patient/{patient}/notes")


async def _may_write(visit: Visit, patient: str) -> bool:
    return visit.permit.may("c", _TYPE) and await visit.permit.has_grounds([patient])


def _draft_of(visit: Visit, opened: Opened) -> Note | None:
    """The draft that the form goes on with; None for a new note. Raises `_NoteError`."""
    wanted = visit.form.get("note", "")
    if not wanted:
        return None
    found = next((one for one in _mine(visit, opened) if one.id == wanted), None)
    if found is None:
        raise _NoteError("notes.no-draft", 409)
    return found


def _mine(visit: Visit, opened: Opened) -> list[Note]:
    """Drafts of whoever looks: nobody goes on with another's."""
    notes = notes_of(opened.chart).notes
    return [one for one in notes if one.status == DRAFT and one.account == visit.identity.subject]


def _writing(form: Mapping[str, str], patient: str, chart: Chart) -> Writing:
    """Raises `_NoteError`."""
    if form.get("patient") != patient:
        raise _NoteError("notes.other-patient", 409)
    body = form.get("body", "").replace("\r\n", "\n").strip()
    if not body:
        raise _NoteError("notes.empty")
    if len(body) > BODY_CHARACTERS_MAX:
        raise _NoteError("notes.too-long", 413)
    kind, appends = form.get("kind", ""), form.get("appends", "")
    if kind not in _OWN_KINDS and not appends:
        raise _NoteError("notes.no-kind")
    signed = {one.id for one in notes_of(chart).notes if one.status != DRAFT}
    if appends and not (ID.fullmatch(appends) and appends in signed):
        raise _NoteError("notes.no-note", 409)
    return Writing(kind, body, form.get("action") == "sign", appends)


async def _store(
    visit: Visit, opened: Opened, writing: Writing, draft: Note | None
) -> tuple[str, int, Safety | None]:
    """Id and version. A new note that was sent twice is there already, and that is well; a draft that
    somebody has changed meanwhile is left alone. Raises `_NoteError`, `OutcomeUnknownError`,
    `NotStoredError`."""
    key = visit.form.get("key", "")
    if draft is None and not _KEY.fullmatch(key):
        raise _NoteError("notes.no-key")
    identity = draft.id if draft and draft.id else note_id(key)
    patient, now = visit.request.path_params["id"], datetime.now(UTC)
    made = note_of(identity, writing, patient, _stay_of(opened.chart), visit.identity, now)
    if draft is not None and draft.appends:
        made["relatesTo"] = _relation(draft.appends)
    expected = int(visit.form.get("version", "0") or 0) if draft else MUST_BE_NEW

    async def work(transaction: Transaction) -> int:
        (written,) = await transaction.write([update(made, expected)])
        if written.outcome == "conflict" and not await _is_there(transaction, made, draft):
            raise _NoteError("notes.changed", 409)
        return written.version

    done = await run_transaction(visit.service.database, work)
    return identity, done.result, done.safety


async def _is_there(transaction: Transaction, made: Resource, draft: Note | None) -> bool:
    """Whether the new note was stored before, when it was sent the first time."""
    if draft is not None:
        return False
    stored = await read(transaction.connection, _TYPE, made["id"])
    there = json.loads(compose(stored)) if stored is not None and stored.body is not None else {}
    return all(there.get(name) == made[name] for name in ("subject", "author")) and _data(there) == _data(
        made
    )


def _data(note: Resource) -> list[object]:
    return [element(one.get("attachment")).get("data") for one in elements(note.get("content"))]


def _relation(note: str) -> list[Resource]:
    return [{"code": "appends", "target": {"reference": f"{_TYPE}/{note}"}}]


def _stay_of(chart: Chart) -> str | None:
    stays = (stay for stay in chart.of("Encounter") if is_stay(stay))
    return next((str(stay["id"]) for stay in stays), None)


def _page(visit: Visit, opened: Opened, alert: str = "", status: int = 200) -> Response:
    """All notes, and above them the form: empty, with a draft, or with what was typed and not taken."""
    chart, words = opened.chart, visit.words
    asked = visit.request.query_params
    drafts = _mine(visit, opened)
    signed = [one for one in notes_of(chart).notes if one.id and one.status != DRAFT]
    draft = next((one for one in drafts if one.id == (visit.form.get("note") or asked.get("draft"))), None)
    appended = visit.form.get("appends") or asked.get("appends", "")
    before = before_of(visit.request)
    following = next_before(chart, NEEDS["notes"], before)
    shown = Shown(chart, words, opened.me, opened.by_override, before, following)
    html = shown.render(
        "notes.html",
        "notes",
        section=section_html("notes", SECTIONS["notes"], chart, words),
        alert=alert,
        may_write=visit.permit.may("c", _TYPE),
        drafts=drafts,
        draft=draft,
        body=visit.form.get("body", draft.body if draft else "") or "",
        kind=visit.form.get("kind", "nursing" if visit.identity.role == "nurse" else "progress"),
        kinds=_OWN_KINDS,
        appends=next((one for one in signed if one.id == appended), None),
        signed=signed[:_OFFERED_MAX],
        key=visit.form.get("key") or new_id(),
        account=visit.form.get("account") or visit.identity.subject,
        body_max=BODY_CHARACTERS_MAX,
    )
    return answer(html, words, status)
