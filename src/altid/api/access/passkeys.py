"""Passkeys: to log on, and to make one known. Each in two steps, with a state that the browser holds."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from altid.access import enrolling, entries, logon, passkeys
from altid.access.audit.event import who_of
from altid.access.passkeys import Asked as Options
from altid.access.refusal import Refusal
from altid.api.access import answering
from altid.api.access.asking import Asked


async def begin(asked: Asked) -> Response:
    """For anybody: it names no account."""
    desk = asked.desk
    return _options(passkeys.ask_to_log_on(desk.challenges, desk.settings, desk.clock()))


async def finish(asked: Asked) -> Response:
    """`answer` (of `navigator.credentials.get`) and `state`; `role`, `organisation`."""
    answer = await logon.with_passkey(
        asked.desk,
        asked.caller,
        asked.answer("answer"),
        asked.text("state"),
        asked.role(),
        asked.optional("organisation"),
    )
    await entries.keep_logon(asked.guard, asked.caller, asked.origin(), answer, "passkey")
    if isinstance(answer, Refusal):
        return answering.refused(answer, asked.language)
    return answering.let_in(answer)


async def begin_registering(asked: Asked) -> Response:
    """For whoever has just logged on in full."""
    options = await enrolling.ask(asked.desk, asked.caller, asked.identity)
    if isinstance(options, Refusal):
        return answering.refused(options, asked.language)
    return _options(options)


async def finish_registering(asked: Asked) -> Response:
    """`answer` (of `navigator.credentials.create`), `state` and a `name` for the device."""
    identity = asked.identity
    refused = await enrolling.keep(
        asked.desk,
        asked.caller,
        identity,
        answer=asked.answer("answer"),
        state=asked.text("state"),
        name=asked.optional("name") or "",
    )
    await entries.keep_change(asked.guard, asked.origin(), who_of(identity), refused, "passkey")
    return answering.nothing_more() if refused is None else answering.refused(refused, asked.language)


def _options(options: Options) -> Response:
    return answering.as_json({"options": orjson.Fragment(options.options), "state": options.state})
