"""A patient's documents: `/patient/{id}/documents` lists them, and each part of one opens by itself.

Text stands on a page in the patient's frame. Pictures and PDF are an answer of their own (`…/content`), which
that page holds, so that whose document it is stays in sight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Outcome
from altid.fhir.search import query
from altid.record.database import Connection
from altid.record.read import read, read_found
from altid.record.search import search
from altid.record.stored import Found
from altid.record.visibility import Visible
from altid.screen.headers import POLICY
from altid.screen.rendering import answer
from altid.screen.views.chart import Chart
from altid.screen.views.documents import (
    KINDS,
    Content,
    Document,
    Shape,
    attachments_of,
    composed_text,
    document_of,
    documents_of,
)
from altid.screen.views.elements import Resource, element, reference_key, text
from altid.screen.views.moments import Moment
from altid.web.attachments import (
    TEXT_CHARACTERS_MAX,
    AttachmentError,
    Held,
    held_by,
    sent,
    words_of,
)
from altid.web.faults import failed
from altid.web.gate import Service, Visit, gated
from altid.web.loading import content
from altid.web.me import PlaceNames
from altid.web.needs import BANNER
from altid.web.patient import Shown
from altid.web.patient_pages import ID, Opened, open_patient

TAB = "documents"
SHOWN_MAX = 40
"""Of each kind on one page: a document may hold megabytes, which are read with it."""
_DATES = {"DocumentReference": "date", "DiagnosticReport": "issued", "Composition": "date"}
_BEFORE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Listed:
    """`older`: documents before that moment are on the next page; None: there are none. `has_more`: there are
    some that no page shows, since more than fit on one have the same date, or none."""

    documents: tuple[Document, ...]
    older: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """One part of a document, found and told to the audit."""

    opened: Opened
    resource: Resource
    document: Document
    content: Content


def document_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        opened = await open_patient(visit, names, "patient-documents", BANNER)
        return opened if isinstance(opened, Response) else await _list(visit, opened)

    async def one(visit: Visit) -> Response:
        asked = await _asked(visit, names)
        return asked if isinstance(asked, Response) else await _one(visit, asked)

    async def alone(visit: Visit) -> Response:
        asked = await _asked(visit, names)
        return asked if isinstance(asked, Response) else await _alone(visit, asked)

    there = f"/patient/{{id}}/{TAB}"
    return [
        Route(there, gated(service, show), methods=["GET"]),
        Route(f"{there}/{{kind}}/{{document}}/{{number}}", gated(service, one), methods=["GET"]),
        Route(f"{there}/{{kind}}/{{document}}/{{number}}/content", gated(service, alone), methods=["GET"]),
    ]


async def _list(visit: Visit, opened: Opened) -> Response:
    kinds = [kind for kind in KINDS if visit.permit.may("r", kind)]
    before = visit.request.query_params.get("before", "")
    visible = await visit.permit.visible("r")
    async with visit.service.database.reading() as connection:
        patient = str(opened.chart.patient["id"])
        listed = await _read(connection, opened.chart, patient, visible, kinds, before)
    return _page(visit, opened, "patient-documents.html", listed=listed, is_closed=not kinds)


async def _read(
    connection: Connection, chart: Chart, patient: str, visible: Visible, kinds: Sequence[str], before: str
) -> _Listed:
    parts: dict[str, list[Resource]] = {}
    ends: list[Moment] = []
    has_more = False
    for kind in kinds:
        date = _DATES[kind]
        criteria = [("patient", f"Patient/{patient}"), ("_sort", f"-{date}")]
        criteria += [(date, f"lt{before}")] if _BEFORE.fullmatch(before) else []
        found = await search(connection, query.parse(kind, tuple(criteria)), visible, count=SHOWN_MAX)
        # Documents carry their pictures: reading fifty of them takes longer than anybody else should wait.
        parts[kind] = await run_in_threadpool(_contents, found.found)
        if found.resume is not None:
            end = _end(document_of(chart, each).at for each in parts[kind])
            ends += [end] if end else []
            has_more |= end is None
    # The page ends where the first kind that has more ends: the next one begins there for all of them.
    end = max(ends, default=None)
    documents = await run_in_threadpool(
        documents_of, Chart(chart.patient, chart.read_at, parts, chart.others)
    )
    shown = tuple(each for each in documents if not (end and each.at and each.at < end))
    return _Listed(shown, f"{end.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if end else None, has_more)


def _contents(found: Iterable[Found]) -> list[Resource]:
    return [content(each.stored) for each in found]


def _end(moments: Iterable[Moment | None]) -> Moment | None:
    """Of those of one page, newest first: the earliest behind which all of one moment are still to come. None
    where the page has but one moment."""
    known = [moment for moment in moments if moment]
    return min((moment for moment in known if moment > known[-1]), default=None)


async def _asked(visit: Visit, names: PlaceNames) -> _Asked | Response:
    """What the address names, if it is this patient's and may be seen; or the page that says why not."""
    kind, identity, number = (visit.request.path_params[name] for name in ("kind", "document", "number"))
    opened = await open_patient(visit, names, "patient-document", BANNER)
    if isinstance(opened, Response):
        return opened
    patient = str(opened.chart.patient["id"])
    if kind not in KINDS or not ID.fullmatch(identity) or not visit.permit.may("r", kind):
        return _missing(visit.request)
    async with visit.service.database.reading() as connection:
        found = await read_found(connection, kind, identity)
    if found is None or found.stored.body is None or not await visit.permit.shows(found):
        visit.note(Action.READ, "patient-document", type=kind, id=identity, outcome=Outcome.REFUSED)
        return _missing(visit.request)
    resource = content(found.stored)
    document = document_of(opened.chart, resource)
    part = next((each for each in document.contents if str(each.number) == number), None)
    if reference_key(resource.get("subject")) != f"Patient/{patient}" or part is None:
        return _missing(visit.request)
    visit.note(Action.READ, "patient-document", type=kind, id=identity, patients=(patient,))
    return _Asked(opened, resource, document, part)


def _missing(request: Request) -> Response:
    return failed(request, "not-found", 404)


async def _one(visit: Visit, asked: _Asked) -> Response:
    """The part in the patient's frame: its text, a place for its picture, or why not."""
    said, is_cut, why = "", False, ""
    shape = asked.content.shape
    try:
        if asked.resource["resourceType"] == "Composition":
            whole = composed_text(asked.resource)
            said, is_cut = whole[:TEXT_CHARACTERS_MAX], len(whole) > TEXT_CHARACTERS_MAX
        else:
            held = await _held(visit, asked)
            if shape is Shape.TEXT:
                said, is_cut = await run_in_threadpool(words_of, held)
            elif shape is Shape.OTHER:
                raise AttachmentError("document.not.shape")
    except AttachmentError as error:
        why = error.key
    shown = _page(
        visit,
        asked.opened,
        "patient-document.html",
        document=asked.document,
        part=asked.content,
        said=said,
        is_cut=is_cut,
        why=why,
    )
    shown.headers[POLICY] = f"{shown.headers[POLICY]}; frame-src 'self'"
    return shown


async def _alone(visit: Visit, asked: _Asked) -> Response:
    try:
        return sent(await _held(visit, asked))
    except AttachmentError:
        return _missing(visit.request)


async def _held(visit: Visit, asked: _Asked) -> Held:
    """Raises `AttachmentError`."""
    if asked.resource["resourceType"] == "Composition":
        raise AttachmentError("document.not.shape")
    attachment = attachments_of(asked.resource)[asked.content.number]
    data = text(attachment.get("data"))
    if asked.content.binary is not None:
        async with visit.service.database.reading() as connection:
            data = await _binary(connection, asked)
    return await run_in_threadpool(held_by, attachment, data)


async def _binary(connection: Connection, asked: _Asked) -> str | None:
    """The content of a Binary, if it says itself that it is this patient's or this document's (R4
    binary.html, `securityContext`): whoever may write a document must not come to another's by naming it."""
    stored = await read(connection, "Binary", asked.content.binary or "")
    if stored is None or stored.body is None:
        return None
    binary = content(stored)
    document = f"{asked.document.kind}/{asked.document.id}"
    belongs = (f"Patient/{asked.opened.chart.patient['id']}", document)
    if reference_key(element(binary.get("securityContext"))) not in belongs:
        raise AttachmentError("document.not.told")
    return text(binary.get("data"))


def _page(visit: Visit, opened: Opened, template: str, **data: Any) -> Response:
    shown = Shown(opened.chart, visit.words, opened.me, by_override=opened.by_override)
    return answer(shown.render(template, TAB, **data), visit.words)
