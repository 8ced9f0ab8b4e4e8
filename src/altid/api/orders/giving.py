"""Doses: what an administration tells of those before it, and how it is refused because of another one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from altid.access.audit.event import Action as Told
from altid.access.identity import Role
from altid.access.permit import Note
from altid.api import errors
from altid.api.messages import Request
from altid.api.orders.asking import overrides_of
from altid.api.settings import Service
from altid.fhir import json
from altid.fhir.outcome import FhirError, Issue, refuse
from altid.fhir.search.about import patients_about
from altid.orders.doses import KIND, Telling
from altid.orders.elements import Resource, codes, target
from altid.orders.findings import CHECKS
from altid.orders.registering import NotRegisteredError
from altid.orders.signers import ROLES
from altid.record.read import read
from altid.record.stored import Found, compose
from altid.screen.views.elements import first_moment
from altid.screen.words import words

MEMBERS = frozenset({"after", "afterwards"})
"""Of the body of `administer`, beside the elements of the administration."""
GIVEN = "dose-given"
"""What an override of a second dose of the same time names."""

_CLOCKS_APART = timedelta(minutes=10)
"""A device's clock may be so much ahead."""


def telling_of(given: dict[str, Any], now: datetime) -> Telling:
    """What is said of the doses before this one. Raises `FhirError` 400 or 422."""
    after, afterwards = given.get("after") or "", given.get("afterwards", False)
    if not isinstance(after, str) or not isinstance(afterwards, bool):
        raise errors.bad_value()
    if after and not after.startswith(f"{KIND}/"):
        raise errors.bad_parameter("after")
    at = first_moment(given, "effectiveDateTime", "effectivePeriod")
    if afterwards and at is None:
        raise refuse(400, "required", *_WHEN_MISSING)
    if at is not None and at.at > now + _CLOCKS_APART:
        raise refuse(422, "business-rule", *_IN_FUTURE)
    reasons = [one.reason.strip() for one in overrides_of(given) if one.code == GIVEN]
    return Telling(after, next(iter(reasons), ""), afterwards)


async def refused(service: Service, request: Request, error: NotRegisteredError) -> FhirError:
    """409: which dose stands against this one, as far as whoever asks may see it. That is a look at it."""
    found = error.dose
    if found is None or not await request.permit.shows(found):
        return _refusal(error.why, {"da": _OF_OTHERS[0], "en": _OF_OTHERS[1]}, None)
    stored = found.stored
    patients = tuple(sorted(patients_about(stored.type, stored.id, found.refs)))
    request.permit.note(Note(Told.READ, stored.type, stored.id, stored.version, patients, "administer"))
    return _refusal(error.why, await _said(service, found), stored.reference)


def _refusal(why: str, said: dict[str, str], reference: str | None) -> FhirError:
    code, (text_en, text_da) = REFUSALS[why]
    coding = (CHECKS, GIVEN) if why == GIVEN else None
    data = {"said_en": said["en"], "said_da": said["da"]}
    return FhirError(409, [Issue(code, text_en, text_da, data, coding=coding, about=reference)])


async def _said(service: Service, found: Found) -> dict[str, str]:
    """When, whether, and by whom, in both languages."""
    dose: Resource = json.loads(compose(found.stored))
    actor: Resource = next((one.get("actor", {}) for one in dose.get("performer", ())), {})
    role = await _role(service, target(actor))
    said = {}
    for language in ("da", "en"):
        speaker = words(language)
        at = speaker.moment(first_moment(dose, "effectiveDateTime", "effectivePeriod"))
        who = actor.get("display") or speaker.text("value.not-given")
        named = f"{who} ({speaker.code('role', role)})" if role else who
        status = speaker.code("administration-status", dose.get("status"))
        said[language] = f"{at}, {status}, {named}"
    return said


async def _role(service: Service, reference: str | None) -> str | None:
    """The role in which somebody gave it, where it is one of ours."""
    type_, _, id_ = (reference or "").partition("/")
    if type_ != "PractitionerRole":
        return None
    async with service.database.reading() as connection:
        stored = await read(connection, type_, id_)
    if stored is None or stored.body is None:
        return None
    named = [
        code for concept in json.loads(compose(stored)).get("code", ()) for code in codes(concept, ROLES)
    ]
    return next((code for code in named if code in set(Role)), None)


REFUSALS = {
    "dose-since": (
        "conflict",
        (
            "Another dose of this order was told since you looked: {said_en}. Nothing was stored. Look "
            "again.",
            "En anden dosis på ordinationen er registreret, efter at du så den: {said_da}. Intet blev gemt. "
            "Se igen.",
        ),
    ),
    "dose-given": (
        "duplicate",
        (
            "A dose of the same time was told before: {said_en}. Nothing was stored. To give one more, say "
            "why.",
            "En dosis til samme tid er registreret før: {said_da}. Intet blev gemt. Skal der gives en til, "
            "så skriv hvorfor.",
        ),
    ),
}
_OF_OTHERS = ("en, som du ikke kan se", "one that you may not see")
_WHEN_MISSING = (
    "A dose that is told afterwards says when it was given: effectiveDateTime or effectivePeriod.",
    "En dosis, der registreres bagefter, siger, hvornår den blev givet: effectiveDateTime eller "
    "effectivePeriod.",
)
_IN_FUTURE = (
    "A dose can't have been given in the future.",
    "En dosis kan ikke være givet i fremtiden.",
)
