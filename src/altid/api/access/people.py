"""People: logon by password, invitation, badge and PIN; going on, changing role, leaving."""

from __future__ import annotations

from starlette.responses import Response

from altid.access import entries, joining, logon, refusal, returning, switching
from altid.access.audit.event import Action, Outcome, Who, who_of
from altid.access.door import Answer
from altid.access.logon import Typed
from altid.access.refusal import Refusal
from altid.api.access import answering
from altid.api.access.asking import Asked, RefusedError


async def by_password(asked: Asked) -> Response:
    """`username`, `password`; `new_password` where it must be changed; `role`, `organisation`, and the
    `appointment` that somebody was given who was sent away."""
    typed = Typed(
        asked.text("username"),
        asked.text("password"),
        asked.role(),
        asked.optional("organisation"),
        asked.optional("appointment"),
    )
    new = asked.optional("new_password")
    if new is None:
        answer = await logon.with_password(asked.desk, asked.caller, typed)
    else:
        answer = await logon.with_new_password(asked.desk, asked.caller, typed, new)
    operation = "password" if new is None else "new password"
    return await _told(asked, answer, operation, username=typed.username)


async def by_invitation(asked: Asked) -> Response:
    """`secret` (of the link) and `password`; `username` and `name` where the link makes an account."""
    answer = await joining.with_invitation(
        asked.desk,
        asked.caller,
        asked.text("secret"),
        asked.optional("username") or "",
        asked.optional("name") or "",
        asked.text("password"),
    )
    return await _told(asked, answer, "invitation")


async def by_badge(asked: Asked) -> Response:
    """`workplace_key` and `badge`."""
    key = asked.text("workplace_key")
    answer = await returning.with_badge(asked.desk, asked.caller, key, asked.text("badge"))
    return await _told(asked, answer, "badge", workplace_key=key)


async def by_pin(asked: Asked) -> Response:
    """`workplace_key`, `username` and `pin`."""
    key, username = asked.text("workplace_key"), asked.text("username")
    answer = await returning.with_pin(asked.desk, asked.caller, key, username, asked.text("pin"))
    return await _told(asked, answer, "pin", username=username, workplace_key=key)


async def allow_reentry(asked: Asked) -> Response:
    """`workplace_key`, and `badge` or `pin` or both: for the rest of the shift."""
    identity, key = asked.identity, asked.text("workplace_key")
    refused = await returning.allow(
        asked.desk,
        asked.caller,
        identity,
        key,
        badge=asked.optional("badge"),
        pin=asked.optional("pin"),
    )
    await entries.keep_change(asked.guard, asked.origin(key), who_of(identity), refused, "re-entry")
    return answering.nothing_more() if refused is None else answering.refused(refused, asked.language)


async def go_on(asked: Asked) -> Response:
    """`refresh_token`."""
    token = asked.text("refresh_token")
    answer = await logon.with_refresh(asked.desk, asked.caller, token)
    await entries.keep_refresh(asked.guard, asked.origin(), answer, token)
    return _answer(asked, answer)


async def change_role(asked: Asked) -> Response:
    """`refresh_token`, `role`, `organisation`: the session goes on as a new one."""
    role = asked.role()
    if role is None:
        raise RefusedError(refusal.INVALID_REQUEST)
    answer = await switching.to_role(
        asked.desk, asked.caller, asked.text("refresh_token"), role, asked.text("organisation")
    )
    return await _told(asked, answer, "role")


async def leave(asked: Asked) -> Response:
    """Ends the session of the bearer token, or of `refresh_token`."""
    token = asked.optional("refresh_token")
    answer: bool | str | Refusal | None
    if token is None:
        who = who_of(asked.identity)
        answer = await logon.log_off(asked.desk, asked.caller, asked.identity)
    else:
        answer = await logon.log_off_with_refresh(asked.desk, asked.caller, token)
        who = Who("", "", "", "", answer if isinstance(answer, str) else "")
    if isinstance(answer, Refusal):
        return answering.refused(answer, asked.language)
    if answer:
        await entries.keep(asked.guard, asked.origin(), Action.LOGOFF, Outcome.DONE, who, "")
    return answering.nothing_more()


async def me(asked: Asked) -> Response:
    """Who is in, and for people what they may choose from."""
    identity = asked.identity
    if not identity.is_own_session:
        return answering.as_json(answering.person(identity))
    account = await switching.choices(asked.desk, asked.caller, identity)
    if isinstance(account, Refusal):
        return answering.refused(account, asked.language)
    return answering.as_json(answering.person(identity, account))


async def _told(
    asked: Asked, answer: Answer, operation: str, *, username: str = "", workplace_key: str = ""
) -> Response:
    origin = asked.origin(workplace_key)
    await entries.keep_logon(asked.guard, asked.caller, origin, answer, operation, username=username)
    return _answer(asked, answer)


def _answer(asked: Asked, answer: Answer) -> Response:
    if isinstance(answer, Refusal):
        return answering.refused(answer, asked.language)
    return answering.let_in(answer)
