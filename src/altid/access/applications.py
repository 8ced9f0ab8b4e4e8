"""Applications that act for a person: the person's yes or no, and the tokens that follow from it.

A yes makes a one-time code (`codes`) that goes through the browser; the application changes it into tokens of
a session of its own, which has the person's role and place, fewer rights, and ends with the person's session.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from altid.access import accounts, clients, codes, id_tokens, refusal, sessions
from altid.access.clients import Client, ProofError
from altid.access.codes import Given, Used
from altid.access.desk import Desk
from altid.access.door import Answer, Caller, look_at_reuse, of_session, way, writing
from altid.access.federation import grace
from altid.access.identity import Identity, Role
from altid.access.redirects import back_to
from altid.access.refusal import Refusal
from altid.access.scopes import LOGS_ON, of_record
from altid.access.sessions import Begun, End, Narrowing, Session, Stopped
from altid.access.tokens import TokenError
from altid.access.waiting import Priority
from altid.access.wishes import Fields, SentBack, Wish, needs_patient, read, sent_back
from altid.record.database import Connection

_PATIENT = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)

_log = logging.getLogger("altid.access")


@dataclass(frozen=True, slots=True)
class Proof:
    """How an application says who it is: an assertion, or its bare id if it is a public one."""

    client_id: str
    assertion: str = field(default="", repr=False)


@way
async def say_yes(
    desk: Desk,
    caller: Caller,
    identity: Identity,
    fields: Fields,
    *,
    patient: str | None,
    scopes: Sequence[str] | None = None,
) -> SentBack | Refusal:
    """The person's yes, to all that is asked for or to less. Where to send the browser: with a code.

    `patient`: the id, where the scopes need one.
    """
    if not identity.makes_ways_in:
        return refusal.NOT_ALLOWED
    wish = await read(desk, caller, fields)
    if not isinstance(wish, Wish):
        return wish
    chosen = wish.scopes if scopes is None else tuple(dict.fromkeys(scopes))
    if not set(chosen) <= set(wish.scopes) or not of_record(chosen):
        return refusal.INVALID_REQUEST
    about = patient if needs_patient(chosen) else None
    if needs_patient(chosen) and not _PATIENT.fullmatch(about or ""):
        return refusal.INVALID_REQUEST
    given = Given(
        wish.client.id, wish.redirect_uri, wish.challenge, wish.nonce, identity.session, chosen, about
    )
    async with (
        desk.light.place(Priority.ORDINARY, caller.deadline_s),
        writing(desk, caller) as connection,
    ):
        if await sessions.find_open(connection, identity.session, desk.clock()) is None:
            return refusal.ENDED
        code = await codes.make(connection, given, desk.clock() + desk.settings.code_s, desk.rng)
    location = back_to(
        wish.redirect_uri, code=code, state=wish.application_state, iss=desk.settings.public_url
    )
    return SentBack(location, wish.client.id, patient=about)


@way
async def say_no(desk: Desk, caller: Caller, identity: Identity, fields: Fields) -> SentBack | Refusal:
    """Where to send the browser."""
    if not identity.makes_ways_in:
        return refusal.NOT_ALLOWED
    wish = await read(desk, caller, fields)
    if not isinstance(wish, Wish):
        return wish
    return sent_back(desk, wish.client.id, wish.redirect_uri, wish.application_state, refusal.DENIED)


@way
async def with_code(
    desk: Desk, caller: Caller, proof: Proof, *, code: str, redirect_uri: str, verifier: str
) -> Answer:
    """The code is spent whatever comes of it; a second use ends what the first has begun."""
    desk.keys.signing()
    try:
        async with (
            desk.light.place(Priority.ORDINARY, caller.deadline_s),
            writing(desk, caller) as connection,
        ):
            client = await _proved(connection, desk, proof)
            if not client.redirect_uris:
                return refusal.UNAUTHORIZED_CLIENT
            async with connection.transaction():
                used = await codes.use(connection, code, desk.clock())
                is_good = used is not None and _is_good(used, client, redirect_uri, verifier)
                begun = await _begin(connection, desk, code, used.given) if used and is_good else None
                if used and used.session:
                    await sessions.end(connection, used.session, desk.clock(), End.REUSE)
            nonce = used.given.nonce if used else None
            id_token = None if begun is None else await _id_token(connection, desk, begun, nonce)
    except ProofError as error:
        _log.info("application refused: %s", error)
        return refusal.INVALID_CLIENT
    if used and used.session:
        desk.keys.end_now(used.session)
        _log.warning("a one-time code came back: the session that it began was ended")
    if begun is None:
        return refusal.INVALID_GRANT
    given = of_session(desk, begun)
    return replace(given, id_token=id_token)


@way
async def with_refresh(desk: Desk, caller: Caller, proof: Proof, token: str) -> Answer:
    """The application goes on, with what it was given and no more."""
    if desk.chain.read(token) is None:
        return refusal.INVALID_GRANT
    try:
        async with (
            desk.light.place(Priority.REENTRY, caller.deadline_s),
            writing(desk, caller) as connection,
        ):
            client = await _proved(connection, desk, proof)
            begun = await sessions.refresh(
                connection, desk.chain, desk.settings, token, desk.clock(), client.id
            )
            narrowing = begun.session.narrowing if isinstance(begun, Begun) else None
            if narrowing is not None and await grace.has_ended(connection, desk, narrowing.parent):
                return refusal.INVALID_GRANT
    except ProofError as error:
        _log.info("application refused: %s", error)
        return refusal.INVALID_CLIENT
    if isinstance(begun, Stopped):
        look_at_reuse(desk, begun)
        return refusal.INVALID_GRANT
    return of_session(desk, begun)


@way
async def revoke(desk: Desk, caller: Caller, proof: Proof, token: str) -> Session | Refusal | None:
    """The application gives up what it was given (RFC 7009): by either of its tokens its session ends.

    None where there is nothing to end: a token that is no token, or of a session that has ended.
    """
    try:
        async with (
            desk.light.place(Priority.REENTRY, caller.deadline_s),
            writing(desk, caller) as connection,
            connection.transaction(),
        ):
            client = await _proved(connection, desk, proof)
            sid = _session_of(desk, token)
            found = None if sid is None else await sessions.find_open(connection, sid, desk.clock())
            if found is None:
                return refusal.UNSUPPORTED_TOKEN if _is_of_system(desk, token) else None
            session, _ = found
            if session.narrowing is None or session.narrowing.client != client.id:
                return refusal.INVALID_GRANT
            await sessions.end(connection, session.sid, desk.clock())
    except ProofError as error:
        _log.info("application refused: %s", error)
        return refusal.INVALID_CLIENT
    desk.keys.end_now(session.sid)
    return session


def _session_of(desk: Desk, token: str) -> str | None:
    """By a refresh token of ours, or an access token that is still good."""
    link = desk.chain.read(token)
    if link is not None:
        return link.session
    try:
        identity = desk.verifier.verify(token)
    except TokenError:
        return None
    return None if identity.role is Role.SYSTEM else identity.session


def _is_of_system(desk: Desk, token: str) -> bool:
    try:
        return desk.verifier.verify(token).role is Role.SYSTEM
    except TokenError:
        return False


async def _proved(connection: Connection, desk: Desk, proof: Proof) -> Client:
    """Raises `ProofError`."""
    if proof.assertion:
        client = await clients.verify(connection, desk.settings, proof.assertion, desk.clock())
        if proof.client_id not in ("", client.id):
            raise ProofError("another's assertion")
        return client
    found = await clients.find(connection, proof.client_id)
    if found is None or not found.is_public:
        raise ProofError("not registered, or not as public")
    return found


def _is_good(used: Used, client: Client, redirect_uri: str, verifier: str) -> bool:
    given = used.given
    return (
        used.is_first
        and used.is_in_time
        and given.client == client.id
        and given.redirect_uri == redirect_uri
        and codes.proves(verifier, given.challenge)
    )


async def _begin(connection: Connection, desk: Desk, code: str, given: Given) -> Begun | None:
    """The application's session, if the person's own still goes on."""
    found = await sessions.find_open(connection, given.parent, desk.clock())
    if found is None:
        return None
    parent, beginning = found
    begun = await sessions.start(
        connection,
        desk.chain,
        desk.settings,
        account=parent.account,
        name=parent.name,
        role=parent.role,
        organisation=parent.organisation,
        level=parent.level,
        now_s=desk.clock(),
        rng=desk.rng,
        idp=beginning.idp,
        until_s=beginning.expires_s,
        narrowing=Narrowing(given.client, given.scopes, given.patient, given.parent),
    )
    await codes.began(connection, code, begun.session.sid)
    return begun


async def _id_token(connection: Connection, desk: Desk, begun: Begun, nonce: str | None) -> str | None:
    narrowing = begun.session.narrowing
    if narrowing is None or LOGS_ON not in narrowing.scopes:
        return None
    account = await accounts.by_id(connection, begun.session.account)
    return None if account is None else id_tokens.make(desk, account, narrowing, nonce)
