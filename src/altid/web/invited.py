"""The page that an invitation's link opens: choose a password, and where the link makes an account, a name.

The link is `/join#SECRET`. What stands behind `#` is sent to nobody: it is in no log, no history of a
proxy and no `Referer`. A script puts it into the field; without one, the person does.
"""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import accounts, invitations, refusal
from altid.access.door import Answer
from altid.access.invitations import JOIN_PATH
from altid.access.joining import with_invitation
from altid.access.refusal import Refusal
from altid.screen.forms import Form
from altid.screen.language import words_for
from altid.web.entering import NOT_THE_SAME, Asked, Entrance
from altid.web.gate import Service, caller_of, open_to_all
from altid.web.rendering import page

_SECRET_CHARACTERS_MAX = 100


class Invited(NamedTuple):
    """Whom the link is for. `username` is None where it makes an account."""

    secret: str
    username: str | None
    name: str


def invitation_routes(service: Service, entrance: Entrance) -> list[BaseRoute]:
    async def ask(request: Request) -> Response:
        return page("invitation.html", words_for(request), refused=None)

    async def look(request: Request) -> Response:
        form = await entrance.form(request)
        invited = await _invited(service, form)
        if invited is None:
            return _refused(request, refusal.INVITATION)
        return _choose(request, invited, {}, None)

    async def accept(request: Request) -> Response:
        form = await entrance.form(request)
        invited = await _invited(service, form)
        if invited is None:
            return _refused(request, refusal.INVITATION)
        answer: Answer = NOT_THE_SAME
        if form.get("new", "") == form.get("again"):
            answer = await with_invitation(
                service.guard.desk,
                caller_of(request, service),
                invited.secret,
                form.get("username", ""),
                form.get("name", ""),
                form.get("new", ""),
            )
        if isinstance(answer, Refusal):
            return _choose(request, invited, form, answer)
        return await entrance.finish(request, answer, Asked(way="invitation"))

    return [
        Route(JOIN_PATH, open_to_all(ask), methods=["GET"]),
        Route(JOIN_PATH, open_to_all(look), methods=["POST"]),
        Route(f"{JOIN_PATH}/accept", open_to_all(accept), methods=["POST"]),
    ]


async def _invited(service: Service, form: Form) -> Invited | None:
    secret = form.get("secret", "").strip().rpartition("#")[2]
    if not secret or len(secret) > _SECRET_CHARACTERS_MAX:
        return None
    async with service.database.reading() as connection:
        invitation = await invitations.look(connection, secret, service.guard.desk.clock())
        if invitation is None:
            return None
        if invitation.account is None:
            return Invited(secret, None, "")
        account = await accounts.by_id(connection, invitation.account)
    return None if account is None else Invited(secret, account.username, account.name)


def _refused(request: Request, refused: Refusal) -> Response:
    return page("invitation.html", words_for(request), status=refused.status, refused=refused)


def _choose(request: Request, invited: Invited, typed: Form, refused: Refusal | None) -> Response:
    return page(
        "invited.html",
        words_for(request),
        status=refused.status if refused else 200,
        invited=invited,
        username=typed.get("username", ""),
        name=typed.get("name", ""),
        refused=refused,
    )
