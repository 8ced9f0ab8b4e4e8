"""The authorization endpoint (SMART App Launch 2.2): an application asks, a person says yes or no.

`GET /access/authorize` checks the question and leads to the page that shows it. That page, or any other
client that a person is logged on in, has the same question described and answers it here, with the person's
own token.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from altid.access import applications, entries, refusal, wishes
from altid.access.audit.event import Action, Outcome, who_of
from altid.access.refusal import Refusal
from altid.access.scopes import parse
from altid.access.wishes import Fields, SentBack, Wish
from altid.api.access import answering
from altid.api.access.asking import Asked, RefusedError

PAGE = "/application"
"""Of the pages for people: shows the question in its query, and asks."""


async def begin(asked: Asked) -> Response:
    """To the page, back to the application with an error, or, where nobody is registered, nowhere."""
    wish = await wishes.read(asked.desk, asked.caller, asked.query)
    if isinstance(wish, Refusal):
        return answering.refused(wish, asked.language)
    if isinstance(wish, SentBack):
        return _going_to(wish.location)
    return _going_to(f"{PAGE}?{urlencode(asked.query)}")


async def describe(asked: Asked) -> Response:
    """`query`, as it came to the page: what is asked for, for a page to show."""
    identity = asked.identity
    if not identity.is_own_session:
        return answering.refused(refusal.NOT_ALLOWED, asked.language)
    wish = await wishes.read(asked.desk, asked.caller, _question(asked))
    if isinstance(wish, Wish):
        return answering.as_json(_described(wish))
    return _answer(asked, wish)


async def say_yes(asked: Asked) -> Response:
    """`query`; `patient` (an id) where one is needed; `scopes`, where the person gives less than all."""
    answer = await applications.say_yes(
        asked.desk,
        asked.caller,
        asked.identity,
        _question(asked),
        patient=asked.optional("patient"),
        scopes=asked.texts("scopes"),
    )
    if isinstance(answer, SentBack) and answer.refused is None:
        await _keep(asked, f"allow application {answer.client}", answer.patient)
    return _answer(asked, answer)


async def say_no(asked: Asked) -> Response:
    """`query`."""
    answer = await applications.say_no(asked.desk, asked.caller, asked.identity, _question(asked))
    if isinstance(answer, SentBack):
        await _keep(asked, f"refuse application {answer.client}", None)
    return _answer(asked, answer)


async def _keep(asked: Asked, operation: str, patient: str | None) -> None:
    who, patients = who_of(asked.identity), () if patient is None else (patient,)
    await entries.keep(asked.guard, asked.origin(), Action.ADMINISTER, Outcome.DONE, who, operation, patients)


def _question(asked: Asked) -> Fields:
    fields = wishes.question(asked.text("query").removeprefix("?"))
    if isinstance(fields, Refusal):
        raise RefusedError(fields)
    return fields


def _described(wish: Wish) -> dict[str, Any]:
    return {
        "application": wish.client.id,
        "name": wish.client.name,
        "organisation": wish.client.organisation,
        "returns_to": urlsplit(wish.redirect_uri).netloc,
        "needs_patient": wish.needs_patient,
        "scopes": [_scope(scope) for scope in wish.scopes],
    }


def _scope(text: str) -> dict[str, str]:
    """With its parts, where it opens something of the record: a page puts them in words."""
    scope = parse(text)
    return {"scope": text} | (scope._asdict() if scope else {})


def _answer(asked: Asked, answer: SentBack | Refusal) -> Response:
    if isinstance(answer, Refusal):
        return answering.refused(answer, asked.language)
    return answering.as_json({"location": answer.location})


def _going_to(address: str) -> Response:
    """303: the next request is a GET, whatever this one was."""
    return answering.as_json({}, 303, {"location": address})
