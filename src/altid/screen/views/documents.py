"""A patient's documents: letters, scans, reports and compositions, each with what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from altid.screen.views.chart import Chart, author_of
from altid.screen.views.elements import (
    Resource,
    concept_text,
    concepts_text,
    element,
    elements,
    first_moment,
    not_in_error,
    reference_key,
    text,
)
from altid.screen.views.moments import Moment, sort_key
from altid.screen.views.notes import plain_text

KINDS = ("DocumentReference", "DiagnosticReport", "Composition")
_GONE = ("superseded", "cancelled")
_DEPTH_MAX = 8
"""Sections within sections of a Composition."""


class Shape(StrEnum):
    """How a content can be shown."""

    TEXT = "text"
    IMAGE = "image"
    PDF = "pdf"
    OTHER = "other"
    """Not at all: no browser shows it safely."""


SHAPES = {
    "text/plain": Shape.TEXT,
    "text/html": Shape.TEXT,
    "application/xhtml+xml": Shape.TEXT,
    "image/png": Shape.IMAGE,
    "image/jpeg": Shape.IMAGE,
    "image/gif": Shape.IMAGE,
    "image/webp": Shape.IMAGE,
    "application/pdf": Shape.PDF,
}
"""No SVG: it is a program."""


@dataclass(frozen=True, slots=True)
class Content:
    """One attachment. `binary`: id of the Binary that holds it; None: it is in the document itself, or
    `is_elsewhere`, where this record can't get it."""

    number: int
    title: str | None
    media_type: str | None
    shape: Shape
    binary: str | None = None
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    kind: str
    id: str
    title: str | None
    category: str | None
    at: Moment | None
    by: str | None
    status: str | None
    contents: tuple[Content, ...]


def documents_of(chart: Chart) -> tuple[Document, ...]:
    """Newest first. Replaced ones are left out, and reports that are only results."""
    found = [
        document
        for kind in KINDS
        for resource in not_in_error(chart.of(kind))
        if resource.get("status") not in _GONE and (document := document_of(chart, resource)).contents
    ]
    return tuple(sorted(found, key=lambda one: sort_key(one.at), reverse=True))


def document_of(chart: Chart, resource: Resource) -> Document:
    return Document(
        kind=resource["resourceType"],
        id=str(resource.get("id", "")),
        title=text(resource.get("title"))
        or text(resource.get("description"))
        or concept_text(resource.get("type") or resource.get("code")),
        category=next(iter(concepts_text(resource.get("category"))), None),
        at=first_moment(resource, "date", "issued", "effectiveDateTime", "effectivePeriod"),
        by=author_of(chart, resource, "author", "resultsInterpreter", "performer", "custodian"),
        status=text(resource.get("docStatus")) or text(resource.get("status")),
        contents=tuple(_contents(resource)),
    )


def attachments_of(resource: Resource) -> list[Resource]:
    """Of a document or report, in their order."""
    if resource["resourceType"] == "DiagnosticReport":
        return elements(resource.get("presentedForm"))
    return [element(content.get("attachment")) for content in elements(resource.get("content"))]


def composed_text(composition: Resource) -> str:
    """The words of a Composition's sections (R4 composition.html), each under its heading."""
    return "\n\n".join(_sections(elements(composition.get("section")), _DEPTH_MAX))


def _sections(sections: list[Resource], depth: int) -> Iterator[str]:
    for section in sections if depth else ():
        written = text(element(section.get("text")).get("div"))
        parts = (text(section.get("title")), plain_text(written) if written else None)
        yield "\n".join(part for part in parts if part)
        yield from _sections(elements(section.get("section")), depth - 1)


def _contents(resource: Resource) -> Iterator[Content]:
    if resource["resourceType"] == "Composition":
        if composed_text(resource).strip():
            yield Content(0, None, "text/html", Shape.TEXT)
        return
    for number, attachment in enumerate(attachments_of(resource)):
        media = (text(attachment.get("contentType")) or "").partition(";")[0].strip().lower()
        binary = _binary(attachment)
        is_here = isinstance(attachment.get("data"), str) or binary is not None
        shape = SHAPES.get(media, Shape.OTHER)
        if is_here or attachment.get("url"):
            title = text(attachment.get("title"))
            yield Content(number, title, media or None, shape, binary, is_elsewhere=not is_here)


def _binary(attachment: Resource) -> str | None:
    if isinstance(attachment.get("data"), str):
        return None
    key = reference_key({"reference": attachment.get("url")}) or ""
    kind, _, identity = key.partition("/")
    return identity if kind == "Binary" and identity else None
