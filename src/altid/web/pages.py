"""The pages and where they are: `/` finds patients, `/patient/{id}` shows one; around them the ways in.

Every page but the ways in, the files that pages are dressed with, and health asks for a session (`gate`).
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.screen.static import serving
from altid.web.administering import administering_routes
from altid.web.applying import application_routes
from altid.web.auditing import audit_routes
from altid.web.back_entry import back_entry_routes
from altid.web.blocking import block_routes
from altid.web.choosing import settings_routes
from altid.web.clients import client_routes
from altid.web.code_uses import code_use_routes
from altid.web.documents import document_routes
from altid.web.entering import Entrance
from altid.web.faults import failed
from altid.web.federated import Federated
from altid.web.front import front_routes
from altid.web.gate import Service, Visit, gated, open_to_all
from altid.web.handing_over import handover_routes
from altid.web.invited import invitation_routes
from altid.web.listing import list_routes
from altid.web.me import PlaceNames
from altid.web.moving import moving_routes
from altid.web.notes import note_routes
from altid.web.offline import offline_routes
from altid.web.order_pages import order_routes
from altid.web.ordering import ordering_routes
from altid.web.overriding import override_routes
from altid.web.own import OwnPages
from altid.web.patient_looks import look_routes
from altid.web.patient_pages import patient_routes
from altid.web.patterns import pattern_routes
from altid.web.reconciling import reconciliation_routes
from altid.web.tokens import token_routes
from altid.web.wards import Wards, ward_routes

OF_PROGRAMS = ("/fhir/", "/access/", "/session/", "/.well-known/")
"""Below these there are no pages: a program that asks for what is not there is told so, not to log on."""


def pages(service: Service, told: Path | None = None) -> list[BaseRoute]:
    """The routes of all pages. The last one takes whatever is left, so they stand behind all others.
    `told`: folder for what browsers tell of how they fare; None: it is not kept."""
    names = PlaceNames()
    entrance, wards = Entrance(service), Wards()

    found: list[BaseRoute] = [
        Route("/static/{name}", serving("altid.web"), methods=["GET"]),
        *offline_routes(service),
        *entrance.routes(),
        *Federated(service, entrance).routes(),
        *invitation_routes(service, entrance),
        *OwnPages(service, names).routes(),
        *override_routes(service, names),
        *code_use_routes(service, names),
        *application_routes(service, names),
        *list_routes(service, names),
        *block_routes(service, names),
        *back_entry_routes(service, names),
        *audit_routes(service, names),
        *reconciliation_routes(service, names),
        *ward_routes(service, names),
        *handover_routes(service, names, wards),
        *token_routes(service),
        *moving_routes(service),
        *settings_routes(service, names, wards),
        *pattern_routes(service, names),
        *client_routes(service, names, wards, told, lambda: found),
        *front_routes(service, names, wards),
        *note_routes(service, names),
        *ordering_routes(service, names),
        *order_routes(service, names),
        *administering_routes(service, names),
        *document_routes(service, names),
        *look_routes(service, names),
        *patient_routes(service, names),
        *(Route(f"{each}{{path:path}}", open_to_all(_no_page), methods=["GET"]) for each in OF_PROGRAMS),
        Route("/{path:path}", gated(service, _nowhere), methods=["GET"]),
    ]
    return found


async def _no_page(request: Request) -> Response:
    return failed(request, "not-found", 404)


async def _nowhere(visit: Visit) -> Response:
    return failed(visit.request, "not-found", 404)
