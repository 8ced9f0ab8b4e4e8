"""What an application asks a person for, as its browser brings it (SMART App Launch 2.2, standalone launch).

Nothing is kept between the question and the person's yes: the question is read and checked again each time.
Where the application or its address is not registered, the browser is sent nowhere (RFC 6749 §4.1.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from altid.access import clients, codes, refusal
from altid.access.clients import SCOPES_MAX, Client
from altid.access.desk import Desk
from altid.access.door import Caller, way
from altid.access.redirects import back_to
from altid.access.refusal import Refusal
from altid.access.scopes import LOGS_ON, PATIENT_CONTEXT, PEOPLES, SPECIAL, covered, of_record

STATE_CHARACTERS_MAX = 1_024
SCOPE_CHARACTERS_MAX = 4_096
NONCE_CHARACTERS_MAX = 256
QUESTION_CHARACTERS_MAX = 8 * 1024
"""Of the whole question, with its scopes and its state."""
_FIELDS_MAX = 30
"""The standards name about a dozen."""

Fields = Sequence[tuple[str, str]]
"""Names and values of a query, in their order. A name that stands twice is told by it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A question that a person may say yes to. `scopes`: those asked for that the application may have."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    nonce: str | None = None
    application_state: str = field(default="", repr=False)
    """The application's own; it comes back with the answer."""

    @property
    def needs_patient(self) -> bool:
        return needs_patient(self.scopes)


@dataclass(frozen=True, slots=True)
class SentBack:
    """The browser goes back to the application, with a code or with why not."""

    location: str = field(repr=False)
    client: str
    refused: Refusal | None = None
    patient: str | None = None


def needs_patient(scopes: Sequence[str]) -> bool:
    """Somebody must say whom it is about."""
    return PATIENT_CONTEXT in scopes or bool(of_record(scopes, "patient"))


def question(query: str) -> Fields | Refusal:
    """The fields of a question that came as the query of an address."""
    if len(query) > QUESTION_CHARACTERS_MAX:
        return refusal.INVALID_REQUEST
    try:
        return tuple(parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX))
    except ValueError:
        return refusal.INVALID_REQUEST


@way
async def read(desk: Desk, caller: Caller, fields: Fields) -> Wish | SentBack | Refusal:
    """The question, or what to tell the application, or a refusal that only the person is shown."""
    client_id, redirect_uri = _only(fields, "client_id"), _only(fields, "redirect_uri")
    if not client_id or not redirect_uri:
        return refusal.UNKNOWN_APPLICATION
    async with desk.database.reading() as connection:
        client = await clients.find(connection, client_id)
    if client is None or redirect_uri not in client.redirect_uris:
        return refusal.UNKNOWN_APPLICATION
    wish = _checked(desk, client, redirect_uri, fields)
    if isinstance(wish, Refusal):
        return sent_back(desk, client.id, redirect_uri, _only(fields, "state") or "", wish)
    return wish


def sent_back(desk: Desk, client: str, redirect_uri: str, state: str, refused: Refusal) -> SentBack:
    """With an error."""
    location = back_to(
        redirect_uri,
        error=str(refused.code),
        error_description=refused.text("en"),
        state=state[:STATE_CHARACTERS_MAX],
        iss=desk.settings.public_url,
    )
    return SentBack(location, client, refused)


def _checked(desk: Desk, client: Client, redirect_uri: str, fields: Fields) -> Wish | Refusal:
    names = [name for name, _ in fields]
    if len(set(names)) < len(names):
        return refusal.INVALID_REQUEST
    given = dict(fields)
    if given.get("response_type") != "code":
        return refusal.UNSUPPORTED_RESPONSE if "response_type" in given else refusal.INVALID_REQUEST
    state, nonce, scope = given.get("state", ""), given.get("nonce"), given.get("scope", "")
    if not 0 < len(state) <= STATE_CHARACTERS_MAX or len(scope) > SCOPE_CHARACTERS_MAX:
        return refusal.INVALID_REQUEST
    if nonce is not None and (len(nonce) > NONCE_CHARACTERS_MAX or not nonce.isprintable()):
        return refusal.INVALID_REQUEST
    if given.get("response_mode", "query") != "query":
        return refusal.INVALID_REQUEST
    challenge = given.get("code_challenge", "")
    if given.get("code_challenge_method") != codes.METHOD or not codes.is_challenge(challenge):
        return refusal.INVALID_REQUEST
    if given.get("aud", "").rstrip("/") not in desk.settings.fhir_urls:
        return refusal.INVALID_REQUEST
    scopes = _allowed(client, scope)
    if not of_record(scopes):
        return refusal.INVALID_SCOPE
    return Wish(client, redirect_uri, scopes, challenge, nonce if LOGS_ON in scopes else None, state)


def _allowed(client: Client, asked: str) -> tuple[str, ...]:
    """Of those asked for, what a person may give this application."""
    held = of_record(client.scopes, *PEOPLES)
    wanted = dict.fromkeys(asked.split()[:SCOPES_MAX])
    return tuple(scope for scope in wanted if scope in SPECIAL or covered(scope, held))


def _only(fields: Fields, name: str) -> str | None:
    """The one value; None where there is none or more."""
    values = [value for each, value in fields if each == name]
    return values[0] if len(values) == 1 else None
