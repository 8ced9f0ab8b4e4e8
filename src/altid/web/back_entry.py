"""Back to normal: what was written on paper in a downtime is entered for a patient, once a form.

The patient is checked twice: by whose page it is, and by the CPR number as it stands on the paper. A form is
known by its printed number; one that was entered before is refused, and what is there is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Outcome
from altid.fhir import json
from altid.record.attempt import NotStoredError, OutcomeUnknownError
from altid.record.read import read_found
from altid.record.stored import compose
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import MUST_BE_NEW, Safety, update
from altid.screen.rendering import answer
from altid.screen.views.admission import is_stay
from altid.screen.views.chart import Chart
from altid.screen.views.elements import (
    Resource,
    element,
    elements,
    first_moment,
    reference_key,
    reference_text,
)
from altid.screen.views.identity import identity_of
from altid.screen.views.moments import Moment, moment_at, moment_of
from altid.web.addresses import go
from altid.web.back_entry_form import (
    MINDS,
    NAME_CHARACTERS_MAX,
    NOTE_CHARACTERS_MAX,
    NOTE_KINDS,
    SIGNS,
    PaperForm,
    PaperFormError,
    form_number,
    is_same_person,
    paper_form,
)
from altid.web.back_entry_resources import provenance_id, resources_of, types_of
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.needs import ADMISSION
from altid.web.patient import Shown
from altid.web.patient_pages import Opened, open_patient
from altid.web.rendering import page

_PAGE = "back-entry"
_KEPT = ("number", "cpr", "observed-at", "observed-by", "kind", "note", "mind", *SIGNS)
"""Fields that stay as they were typed when the form is shown again."""


class AlreadyEnteredError(Exception):
    """The form's number is taken: it was entered before."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A form that is in the record, as its Provenance tells."""

    number: str
    observed_at: Moment | None
    observed_by: str | None
    entered_at: Moment | None
    entered_by: str | None
    measurements: int
    notes: int


def back_entry_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        opened = await open_patient(visit, names, _PAGE, ADMISSION)
        return opened if isinstance(opened, Response) else _form_page(visit, opened)

    async def enter(visit: Visit) -> Response:
        opened = await open_patient(visit, names, _PAGE, ADMISSION)
        return opened if isinstance(opened, Response) else await _enter(visit, names, opened)

    async def paper(visit: Visit) -> Response:
        opened = await open_patient(visit, names, _PAGE, ADMISSION)
        return opened if isinstance(opened, Response) else await _paper_page(visit, opened)

    there = "/patient/{id}/back-entry"
    return [
        Route(there, gated(service, show), methods=["GET"]),
        Route(there, gated(service, enter), methods=["POST"]),
        Route(f"{there}/{{number}}", gated(service, paper), methods=["GET"]),
    ]


async def _enter(visit: Visit, names: PlaceNames, opened: Opened) -> Response:
    patient, words = visit.request.path_params["id"], visit.words
    try:
        form = paper_form(visit.form, datetime.now(UTC))
    except PaperFormError as error:
        return _form_page(visit, opened, words.text(error.key, **_said(visit, error)))
    number = identity_of(opened.chart.patient).number
    if not is_same_person(visit.form.get("cpr", ""), number.value if number else None):
        return _form_page(visit, opened, words.text("back-entry.other-person"))
    if not await _may_enter(visit, form, patient):
        visit.note(Action.CREATE, _PAGE, outcome=Outcome.REFUSED, patients=(patient,))
        return page("not-for-role.html", words, status=403, me=await me_of(visit, names))
    try:
        made, safety = await _store(visit, form, patient, opened.chart)
    except AlreadyEnteredError:
        return await _paper_page(visit, opened, form.number, status=409)
    except OutcomeUnknownError:
        return _form_page(visit, opened, words.text("back-entry.unknown"), 504)
    except NotStoredError:
        return _form_page(visit, opened, words.text("back-entry.not-stored"), 503)
    for one in made:
        visit.note(
            Action.CREATE,
            _PAGE,
            type=one["resourceType"],
            id=one["id"],
            patients=(patient,),
            durability=safety or "",
        )
    return go(f"/patient/{patient}/back-entry/{form.number}")


async def _may_enter(visit: Visit, form: PaperForm, patient: str) -> bool:
    """Rights for each type that is made, and grounds for the patient."""
    may = all(visit.permit.may("c", type_) for type_ in types_of(form))
    return may and await visit.permit.has_grounds([patient])


async def _store(
    visit: Visit, form: PaperForm, patient: str, chart: Chart
) -> tuple[Sequence[Resource], Safety | None]:
    """All of the form in one transaction, or nothing. Raises `AlreadyEnteredError`, `OutcomeUnknownError`,
    `NotStoredError`."""
    encounter = _admission_at(chart, form)
    made = resources_of(form, patient, encounter, visit.identity, datetime.now(UTC))
    writes = sorted((update(one, MUST_BE_NEW) for one in made), key=lambda write: (write.type, write.id))

    async def work(transaction: Transaction) -> None:
        written = await transaction.write(writes)
        if any(one.outcome == "conflict" for one in written):
            raise AlreadyEnteredError

    done = await run_transaction(visit.service.database, work)
    return made, done.safety


def _admission_at(chart: Chart, form: PaperForm) -> str | None:
    """The stay in which it was observed, if it goes on."""
    for encounter in chart.of("Encounter"):
        began = first_moment(encounter, "period")
        if is_stay(encounter) and (began is None or began.at <= form.observed_at):
            return str(encounter.get("id"))
    return None


async def _paper_page(visit: Visit, opened: Opened, number: str | None = None, status: int = 200) -> Response:
    """A form that is in the record. Of another patient's form nothing is told but that it is one."""
    try:
        asked = form_number(number or visit.request.path_params["number"])
    except PaperFormError:
        return _form_page(visit, opened, visit.words.text("back-entry.bad-number"))
    async with visit.service.database.reading() as connection:
        found = await read_found(connection, "Provenance", provenance_id(asked))
    if found is None or found.stored.body is None:
        return _form_page(visit, opened, visit.words.text("back-entry.not-there"), 404)
    provenance: Resource = json.loads(compose(found.stored))
    patient = visit.request.path_params["id"]
    targets = {reference_key(target) for target in elements(provenance.get("target"))}
    if f"Patient/{patient}" not in targets or not await visit.permit.shows(found):
        return _form_page(visit, opened, visit.words.text("back-entry.others"), 409)
    data = {"paper": _paper(asked, provenance), "is_again": status == 409}
    return answer(_shown(visit, opened).render("back-entry-done.html", _PAGE, **data), visit.words, status)


def _paper(number: str, provenance: Resource) -> Paper:
    keys = [reference_key(target) or "" for target in elements(provenance.get("target"))]
    return Paper(
        number=number,
        observed_at=moment_of(provenance.get("occurredDateTime")),
        observed_by=_agent(provenance, "author"),
        entered_at=moment_of(provenance.get("recorded")),
        entered_by=_agent(provenance, "enterer"),
        measurements=sum(key.startswith("Observation/") for key in keys),
        notes=sum(key.startswith("DocumentReference/") for key in keys),
    )


def _agent(provenance: Resource, kind: str) -> str | None:
    for agent in elements(provenance.get("agent")):
        if any(one.get("code") == kind for one in elements(element(agent.get("type")).get("coding"))):
            return reference_text(agent.get("who"))
    return None


def _form_page(visit: Visit, opened: Opened, alert: str = "", status: int = 0) -> Response:
    """The form, with what was typed where something is wrong."""
    data = {
        "alert": alert,
        "typed": {name: visit.form.get(name, "") for name in _KEPT},
        "signs": SIGNS,
        "minds": MINDS,
        "kinds": NOTE_KINDS,
        "note_max": NOTE_CHARACTERS_MAX,
        "name_max": NAME_CHARACTERS_MAX,
        "now": moment_at(datetime.now(UTC)).at.strftime("%Y-%m-%dT%H:%M"),
    }
    html = _shown(visit, opened).render("back-entry.html", _PAGE, **data)
    return answer(html, visit.words, status or (422 if alert else 200))


def _shown(visit: Visit, opened: Opened) -> Shown:
    return Shown(opened.chart, visit.words, opened.me, by_override=opened.by_override)


def _said(visit: Visit, error: PaperFormError) -> dict[str, Any]:
    """The data of the text, with the sign's own name."""
    sign = error.data.get("sign")
    if sign is None:
        return error.data
    return {**error.data, "sign": visit.words.text(f"back-entry.sign.{sign}")}
