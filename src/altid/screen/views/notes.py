"""What was written: documents that hold their text, and the conclusions of reports."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser

from altid.screen.views.back_entry import Entered, entered_of
from altid.screen.views.chart import Chart, author_of
from altid.screen.views.elements import (
    ACCOUNT,
    Resource,
    concept_text,
    element,
    elements,
    first_moment,
    not_in_error,
    reference_key,
    text,
)
from altid.screen.views.moments import Moment, sort_key

KINDS = ("DocumentReference", "DiagnosticReport")
_SIGNED = "final"
_TEXT_TYPES = ("text/plain", "text/html", "application/xhtml+xml")
_NOTE_CHARACTERS_MAX = 20_000
"""Ten printed pages; a longer text is a document, not a note."""


@dataclass(frozen=True, slots=True)
class Note:
    """`body` is plain text with line breaks, None when the content is elsewhere or no text."""

    title: str | None
    at: Moment | None
    by: str | None
    status: str | None
    body: str | None
    media_type: str | None
    is_cut: bool
    entered: Entered | None = None
    """It was written on paper first; `at` and `by` are the paper's."""
    id: str | None = None
    """Of the document; None for the conclusion of a report."""
    version: str | None = None
    account: str | None = None
    """Whose account wrote it, where that is told."""
    appends: str | None = None
    """Id of the note that it adds to."""
    addenda: tuple[Note, ...] = ()
    """What was added to it, oldest first."""


@dataclass(frozen=True, slots=True)
class Notes:
    is_known: bool
    notes: tuple[Note, ...] = ()
    has_older: bool = False


def notes_of(chart: Chart) -> Notes:
    """Newest first, each with its addenda; replaced ones are left out. An addendum to what is not here stands
    by itself."""
    if not chart.all_read(*KINDS):
        return Notes(is_known=False)
    documents = [d for d in not_in_error(chart.of("DocumentReference")) if d.get("status") != "superseded"]
    found = [_document(chart, document) for document in documents]
    reports = [r for r in not_in_error(chart.of("DiagnosticReport")) if text(r.get("conclusion"))]
    found += [_report(chart, report) for report in reports]
    found.sort(key=lambda note: sort_key(note.at), reverse=True)
    return Notes(True, tuple(_with_addenda(found)), not chart.older.isdisjoint(KINDS))


def _with_addenda(notes: Sequence[Note]) -> Iterator[Note]:
    """Drafts of addenda stand by themselves: they are nothing yet."""
    there = {note.id for note in notes if note.id and not note.appends}
    added: dict[str, list[Note]] = {}
    for note in reversed(notes):
        if note.appends in there and note.status == _SIGNED:
            added.setdefault(note.appends, []).append(note)
    placed = {note.id for some in added.values() for note in some}
    for note in notes:
        if note.id is None or note.id not in placed:
            yield replace(note, addenda=tuple(added.get(note.id or "", ())))


def _document(chart: Chart, document: Resource) -> Note:
    attachments = [element(content.get("attachment")) for content in elements(document.get("content"))]
    bodies = [body for attachment in attachments if (body := _attached_text(attachment)) is not None]
    kind = next((media for attachment in attachments if (media := text(attachment.get("contentType")))), None)
    title = concept_text(document.get("type")) or text(document.get("description"))
    body = "\n\n".join(bodies) or None
    return Note(
        title=title or next((name for a in attachments if (name := text(a.get("title")))), None),
        at=_written_at(document),
        by=author_of(chart, document, "author", "authenticator", "custodian"),
        status=text(document.get("docStatus")),
        body=body[:_NOTE_CHARACTERS_MAX] if body else None,
        media_type=None if body else kind,
        is_cut=bool(body and len(body) > _NOTE_CHARACTERS_MAX),
        entered=entered_of(document),
        id=text(document.get("id")),
        version=text(element(document.get("meta")).get("versionId")),
        account=_account_of(document),
        appends=_appended(document),
    )


def _account_of(document: Resource) -> str | None:
    identifiers = (element(author.get("identifier")) for author in elements(document.get("author")))
    return next((text(one.get("value")) for one in identifiers if one.get("system") == ACCOUNT), None)


def _appended(document: Resource) -> str | None:
    related = (one for one in elements(document.get("relatesTo")) if one.get("code") == "appends")
    keys = (reference_key(one.get("target")) or "" for one in related)
    return next((key.partition("/")[2] for key in keys if key.startswith("DocumentReference/")), None)


def _written_at(document: Resource) -> Moment | None:
    """Of what was on paper first, when it was observed and not when it was entered."""
    entered, observed = (
        first_moment(document, "date"),
        first_moment(element(document.get("context")), "period"),
    )
    return observed or entered if entered_of(document) else entered or observed


def _report(chart: Chart, report: Resource) -> Note:
    conclusion = text(report.get("conclusion")) or ""
    return Note(
        title=concept_text(report.get("code")),
        at=first_moment(report, "issued", "effectiveDateTime", "effectivePeriod"),
        by=author_of(chart, report, "resultsInterpreter", "performer"),
        status=text(report.get("status")),
        body=conclusion[:_NOTE_CHARACTERS_MAX],
        media_type=None,
        is_cut=len(conclusion) > _NOTE_CHARACTERS_MAX,
    )


def _attached_text(attachment: Resource) -> str | None:
    """The attachment's own data as plain text; None if it is no text or lies elsewhere."""
    media, _, parameters = (text(attachment.get("contentType")) or "").partition(";")
    data = attachment.get("data")
    if media.strip().lower() not in _TEXT_TYPES or not isinstance(data, str):
        return None
    charset = "latin-1" if "8859-1" in parameters else "utf-8"
    try:
        written = base64.b64decode(data).decode(charset, "replace")
    except binascii.Error:
        return None
    return text(written if media.strip().lower() == "text/plain" else plain_text(written))


def plain_text(page: str) -> str:
    """The words of an HTML text, each block on a line of its own; nothing of its mark-up is kept."""
    reader = _Reader()
    reader.feed(page)
    # What is left is a mark that never ends, and text. `close` would look for an end from each sign on.
    rest, reader.rawdata = reader.rawdata, ""
    reader.handle_data(html.unescape(rest))
    lines = (re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


_BLOCKS = frozenset(
    ("blockquote", "br", "div", "dd", "dt", "hr", "li", "ol", "p", "pre", "table", "tr", "ul")
)
_PARTS = frozenset(("article", "section", "h1", "h2", "h3", "h4", "h5", "h6"))
_SILENT = frozenset(("script", "style", "title", "template"))


class _Reader(HTMLParser):
    """Collects the text of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BLOCKS or tag in _PARTS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        if tag in _BLOCKS or tag in _PARTS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
