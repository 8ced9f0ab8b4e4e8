"""Search by GET and POST (R4 http.html#search, search.html)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from altid.access.audit.event import Action
from altid.api import errors, rights
from altid.api.bundle import Link, outcome_entry, search_entry, searchset
from altid.api.messages import Parameters, Request, Response, url_of
from altid.api.page import decode, encode
from altid.api.settings import Service
from altid.api.subset import Subset
from altid.fhir import json
from altid.fhir.outcome import FhirError, Issue, operation_outcome
from altid.fhir.search.criteria import Criterion, Query
from altid.fhir.search.grammar import Context, shown
from altid.fhir.search.query import parse
from altid.record.database import Connection
from altid.record.include import INCLUDED_MAX, included
from altid.record.search import Page, Resume, estimate, search, total
from altid.record.stored import Found
from altid.record.visibility import Visible

_NOT_IN_LINKS = frozenset({"_page"})


async def search_resources(
    connection: Connection,
    service: Service,
    request: Request,
    type_: str | None,
    restriction: tuple[Criterion, ...] = (),
) -> Response:
    """A searchset. `restriction` is what a compartment adds to what the client asked."""
    query = parse(type_, request.parameters, Context(base=request.base))
    if query.unknown and request.strict:
        raise FhirError(400, [_unknown(name, "error") for name in query.unknown])
    if restriction:
        query = replace(query, criteria=(*query.criteria, *restriction))
    query, visible, named, is_cut = await rights.searched(request, query)
    count = service.settings.page_size if query.count is None else query.count
    if count == 0 or query.summary == "count":
        counted = await total(connection, query, visible)
        rights.note_look(request, Action.SEARCH, query.type or "", [], named=named)
        return _count_only(request, query, counted, is_cut)
    page = await search(connection, query, visible, count=count, resume=_resume(query))
    also, too_many = await _included(connection, request, query, page)
    rights.note_look(request, Action.SEARCH, query.type or "", [*page.found, *also], named=named)
    body = searchset(
        _links(request, query, page),
        await _total(connection, query, visible, page),
        (
            *_entries(request, query, page.found, also),
            *_outcomes(request, query, too_many=too_many, is_cut=is_cut),
        ),
    )
    return Response(200, body)


async def _included(
    connection: Connection, request: Request, query: Query, page: Page
) -> tuple[list[Found], bool]:
    if not query.includes:
        return [], False
    return await included(connection, query.includes, page.found, await request.permit.visible("r"))


async def _total(connection: Connection, query: Query, visible: Visible, page: Page) -> int | None:
    """Counting everything can cost more than the page itself, so it is done when asked for, or free."""
    if query.total == "accurate":
        return await total(connection, query, visible)
    if query.page is None and page.resume is None and query.total != "none":
        return len(page.found)
    if query.total == "estimate":
        return await estimate(connection, query, visible)
    return None


def _count_only(request: Request, query: Query, counted: int, is_cut: bool) -> Response:
    outcome = _outcomes(request, query, too_many=False, is_cut=is_cut)
    return Response(200, searchset([_self(request, query)], counted, outcome))


def _entries(
    request: Request, query: Query, matches: Iterable[Found], also: Iterable[Found]
) -> Iterable[bytes]:
    subset = Subset.of_query(query)
    for mode, rows in (("match", matches), ("include", also)):
        for resource, _ in rows:
            content = subset.apply(resource) if subset else None
            yield search_entry(request.base, resource, mode, content)


def _outcomes(request: Request, query: Query, *, too_many: bool, is_cut: bool) -> Iterable[bytes]:
    """What the client must know about its own search: names that meant nothing, includes that were cut off,
    and that not everything was searched."""
    issues = [_unknown(name, "warning") for name in query.unknown]
    if too_many:
        issues.append(
            Issue(
                "too-costly",
                "Only the first {limit} included resources are shown.",
                "Kun de første {limit} medtagne ressourcer vises.",
                {"limit": INCLUDED_MAX},
                severity="warning",
            )
        )
    if is_cut:
        issues.append(_CUT)
    if issues:
        yield outcome_entry(json.dumps(operation_outcome(issues, request.language)))


_CUT = Issue(
    "suppressed",
    "Only what is about patients whom you have grounds for is shown and counted.",
    "Kun hvad der handler om patienter, som du har en behandlingsrelation til, vises og tælles.",
    severity="information",
)


def _unknown(name: str, severity: str) -> Issue:
    return Issue(
        "not-supported",
        "The search parameter {name} is not known here and was not used.",
        "Søgeparameteren {name} kendes ikke her og blev ikke brugt.",
        {"name": name},
        severity="error" if severity == "error" else "warning",
    )


def _links(request: Request, query: Query, page: Page) -> list[Link]:
    links = [_self(request, query)]
    if page.resume is not None:
        resume = page.resume
        token = encode(("s", list(resume.values), resume.id, resume.type, resume.newest_rid))
        links.append(Link("next", url_of(request, (*_kept(request, query), ("_page", token)))))
    return links


def _self(request: Request, query: Query) -> Link:
    """The search as it was understood: without what was unknown (R4 search.html#conformance)."""
    if request.query and not query.unknown:
        return Link("self", f"{url_of(request, ())}?{request.query}")
    parameters = _kept(request, query)
    if query.page is not None:
        parameters += (("_page", query.page),)
    return Link("self", url_of(request, parameters))


def _kept(request: Request, query: Query) -> Parameters:
    unknown = set(query.unknown)
    return tuple(p for p in request.parameters if shown(p[0]) not in unknown and p[0] not in _NOT_IN_LINKS)


def _resume(query: Query) -> Resume | None:
    if query.page is None:
        return None
    kind, values, id_, type_, newest = decode(query.page, 5)
    fits = (
        kind == "s"
        and isinstance(values, list)
        and len(values) == len(query.sort)
        and all(value is None or isinstance(value, str) for value in values)
        and isinstance(id_, str)
        and isinstance(type_, str)
        and type(newest) is int
        and 0 <= newest < 2**63
    )
    if not fits:
        raise errors.bad_parameter("_page")
    return Resume(tuple(values), id_, type_, newest)
