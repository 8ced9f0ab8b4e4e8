"""`/patient/{id}/order`: ordering drugs for one patient.

The page is the frame and its form; its scripts ask `/orders` and `/fhir` with the page's token, at the site
that answers (docs/screen.md). So what is typed outlives the site that the page came from.
"""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Outcome
from altid.screen.rendering import answer
from altid.screen.views.identity import Identity, identity_of
from altid.screen.views.moments import ZONE
from altid.screen.words import Words, words
from altid.screen.words.speaker import person_name
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.needs import BANNER
from altid.web.patient import Shown
from altid.web.patient_pages import open_patient
from altid.web.rendering import page

ROUTES = {
    "26643006": "oral",
    "47625008": "intravenous",
    "34206005": "subcutaneous",
    "78421000": "intramuscular",
    "447694001": "inhaled",
    "37839007": "sublingual",
    "37161004": "rectal",
    "6064005": "topical",
}
"""SNOMED CT codes of the ways in which drugs are given on wards."""
UNITS = ("mg", "g", "ug", "[iU]", "mL", "1", "mmol")
"""UCUM. Micrograms and units are written out on screen; a piece is called as the drug calls it."""
RATE_UNITS = ("mL", "mg", "g", "ug", "[iU]", "mmol")
"""Per hour; the most usual first."""
SCHEDULES = ("times", "rounds", "clock", "meals", "needed", "weekly", "every", "once", "continuous")
"""All that docs/orders.md has; the most usual first."""
CHOICES = {
    "routes": ROUTES,
    "units": UNITS,
    "rate_units": RATE_UNITS,
    "schedules": SCHEDULES,
    "danish": words("da"),
}
"""What the dose form offers. What it writes into the record of a route is Danish."""


def ordering_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def order(visit: Visit) -> Response:
        me = await me_of(visit, names)
        if not me.prescribes:
            identity = visit.request.path_params["id"]
            visit.note(Action.READ, "patient-order", type="Patient", id=identity, outcome=Outcome.REFUSED)
            return page("not-for-role.html", visit.words, status=403, me=me)
        opened = await open_patient(visit, names, "patient-order", BANNER)
        if isinstance(opened, Response):
            return opened
        shown = Shown(opened.chart, visit.words, opened.me, by_override=opened.by_override)
        html = shown.render(
            "order.html",
            "order",
            label=_label(identity_of(opened.chart.patient), visit.words),
            **CHOICES,
            start=datetime.now(ZONE).date().isoformat(),
        )
        return answer(html, visit.words)

    return [Route("/patient/{id}/order", gated(service, order), methods=["GET"])]


def _label(identity: Identity, words: Words) -> str:
    """Who it is, as an unsent order says it: name and CPR number."""
    unknown = words.text("value.not-given")
    number = identity.number.value if identity.number else unknown
    return f"{person_name(identity, unknown)} · {number}"
