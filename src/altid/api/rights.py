"""Asking the permit, in the words of FHIR: what is refused becomes an `OperationOutcome`.

A refusal never tells whether a hidden resource is there: it reads like one that never was. Where a patient is
named, whoever has no grounds is told so (403), for an empty answer could be taken for "nothing known".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from altid.access.audit.event import Action, Outcome
from altid.access.identity import Role
from altid.access.permit import Note, about
from altid.access.policy import ORDERED
from altid.api import errors
from altid.api.messages import Parameters, Request
from altid.api.seen import require_seen
from altid.fhir.outcome import FhirError
from altid.fhir.search.about import patients_about
from altid.fhir.search.criteria import AllOf, AnyOf, ChainCriterion, Criterion, HasCriterion, Query
from altid.fhir.search.grammar import Context
from altid.fhir.search.query import parse
from altid.record.stored import Found, Stored
from altid.record.visibility import Visible, pinned
from altid.record.write import Write, Written


def require(request: Request, letter: str, type_: str) -> None:
    """The role or the scopes allow it at all. Raises `FhirError` 403."""
    if request.permit.may(letter, type_):
        return
    is_ordered = letter in "cu" and type_ in ORDERED and request.permit.identity.role is not Role.SYSTEM
    raise _refused(request, errors.below_orders(type_) if is_ordered else errors.forbidden(type_))


def require_all(request: Request, type_: str | None) -> None:
    """All of a type, or of everything, may be read without grounds. Raises `FhirError` 403."""
    if type_ is None:
        allowed = request.permit.reads_everything
    else:
        allowed = request.permit.may("r", type_) and not request.permit.is_bound("r", type_)
    if not allowed:
        raise _refused(request, errors.forbidden(type_ or "*"))


async def require_shown(request: Request, type_: str, found: Found | None) -> Found:
    """A current version that may be read; one that may not is as if it had never been."""
    require(request, "r", type_)
    if found is not None and await request.permit.shows(found):
        return found
    raise missing(request, type_, hidden=found is not None)


async def require_shown_version(request: Request, type_: str, stored: Stored | None) -> Stored:
    """The same of an earlier version."""
    require(request, "r", type_)
    if stored is not None and await request.permit.shows_version(stored):
        return stored
    raise missing(request, type_, hidden=stored is not None)


def missing(request: Request, type_: str, *, hidden: bool = False) -> FhirError:
    """What is not there, or not for this one: the same answer."""
    if not request.permit.is_bound("r", type_):
        return errors.not_found()
    return _refused(request, errors.not_shown()) if hidden else errors.not_shown()


async def require_grounds(request: Request, patients: Iterable[str]) -> None:
    """Grounds for every one of these patients. Raises `FhirError` 403."""
    if not await request.permit.has_grounds(patients):
        raise _refused(request, errors.no_grounds())


async def require_to_write(request: Request, letter: str, prepared: Write) -> None:
    """The right, grounds for everybody whom the new version is about, and nobody else on the screen."""
    require(request, letter, prepared.type)
    patients = patients_about(prepared.type, prepared.id, prepared.refs)
    if request.permit.is_bound(letter, prepared.type):
        await require_grounds(request, patients)
    require_seen(request, patients, prepared.type)


async def require_condition(request: Request, type_: str, criteria: Parameters) -> None:
    """May whether something matches be told? For a person: what they may search whole, or what names patients
    whom they have grounds for. Else a condition would tell what a search does not."""
    require(request, "s", type_)
    if request.permit.is_for_everyone:
        return
    query = parse(type_, criteria, Context(base=request.base))
    _require_searchable(request, query)
    if not request.permit.is_bound("s", type_) and not any(map(_looks_further, query.criteria)):
        return
    named = pinned(type_, query.criteria)
    if named is None or any(map(_looks_further, query.criteria)):
        raise _refused(request, errors.condition_too_wide())
    await require_grounds(request, named)


class Searched(NamedTuple):
    """A search that may be made."""

    query: Query
    """Of types only that may be searched."""
    visible: Visible
    named: frozenset[str]
    """The patients whom it names, where it is of one type."""
    is_cut: bool
    """Whether its answer may lack what the asker has no grounds for, without their having named anybody."""


async def searched(request: Request, query: Query) -> Searched:
    """The search, cut to what may be shown. Raises `FhirError` 403."""
    _require_searchable(request, query)
    if not query.types:
        visible = await request.permit.visible("s")
        if not visible.is_everything:
            query = replace(query, types=tuple(sorted(visible.types)))
    named = (pinned(query.types[0], query.criteria) if len(query.types) == 1 else None) or frozenset()
    is_bound = any(request.permit.is_bound("s", type_) for type_ in query.types)
    if named and is_bound:
        await require_grounds(request, named)
    # Looked at only now: asking for grounds may have found new ones.
    visible = await request.permit.visible("s")
    return Searched(query, visible, named, is_bound and not named and not request.permit.is_for_everyone)


def _require_searchable(request: Request, query: Query) -> None:
    """Every type that the search looks at, also on its way through chains and `_has`."""
    for type_ in query.types:
        require(request, "s", type_)
    for criterion in query.criteria:
        for type_ in _passed(criterion):
            require(request, "s", type_)
    for include in query.includes:
        if include.reverse:
            require(request, "s", include.source)


def _passed(criterion: Criterion) -> Iterable[str]:
    match criterion:
        case ChainCriterion(target=target, criterion=inner):
            yield target
            yield from _passed(inner)
        case HasCriterion(source=source, criterion=inner):
            yield source
            yield from _passed(inner)
        case AllOf(criteria) | AnyOf(criteria):
            for part in criteria:
                yield from _passed(part)


def _looks_further(criterion: Criterion) -> bool:
    return any(True for _ in _passed(criterion))


def note_look(
    request: Request,
    action: Action,
    type_: str,
    found: Sequence[Found],
    *,
    named: Iterable[str] = (),
    id_: str = "",
    version: int | None = None,
    operation: str = "",
) -> None:
    """Note a look at these, and at the patients who were named though nothing was found."""
    patients = sorted({*about(found), *named})
    names = tuple(dict.fromkeys(name for name, _ in request.parameters))
    request.permit.note(Note(action, type_, id_, version, tuple(patients), operation, names))


def note_write(request: Request, prepared: Write, written: Written, before: Found | None = None) -> None:
    """Note a change."""
    patients = patients_about(prepared.type, prepared.id, prepared.refs)
    if before is not None:
        patients |= patients_about(before.stored.type, before.stored.id, before.refs)
    request.permit.note(
        Note(
            _ACTIONS.get(request.method, Action.UPDATE),
            prepared.type,
            prepared.id,
            written.version,
            tuple(sorted(patients)),
            durability=written.safety or "",
        )
    )


_ACTIONS = {
    "POST": Action.CREATE,
    "PUT": Action.UPDATE,
    "PATCH": Action.PATCH,
    "DELETE": Action.DELETE,
}
_LOOKS = {"GET": Action.READ, "HEAD": Action.READ}


def is_look(request: Request) -> bool:
    """Whether the request changes nothing, whatever its method: searches and operations may be POSTed."""
    last = request.path[-1] if request.path else ""
    return request.method in _LOOKS or last in ("_search", "check") or last.startswith("$")


def note_failure(request: Request, status: int) -> None:
    """Note what was refused, and a write of which nobody knows whether it was stored."""
    outcome = _FAILURES.get(status)
    if request.permit.was_refused:
        outcome = Outcome.REFUSED
    if outcome is None or (outcome is Outcome.UNKNOWN and is_look(request)):
        return
    type_, id_ = (*request.path, "", "")[:2]
    action = (_LOOKS | _ACTIONS).get(request.method, Action.OPERATION)
    request.permit.note(Note(action, type_, id_, outcome=outcome))


_FAILURES = {403: Outcome.REFUSED, 504: Outcome.UNKNOWN}


def _refused(request: Request, error: FhirError) -> FhirError:
    request.permit.was_refused = True
    return error
