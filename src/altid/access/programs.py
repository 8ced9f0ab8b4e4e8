"""Tokens for programs: of an operator who holds the access secret, or given by somebody else.

A program of the operator is the built-in system `altid`, which nobody can register. Its tokens are as short
as everybody's and have the scopes that the program needs, so a program that works for long asks again.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from altid.access.audit.event import Action, Event, Outcome, Who
from altid.access.clients import BUILT_IN
from altid.access.identity import Level, Role
from altid.access.operator import Issued, Operator
from altid.access.sessions import new_id
from altid.access.settings import Clock
from altid.access.tokens import TOKEN_CHARACTERS_MAX, Subject

SCOPES: Mapping[str, tuple[str, ...]] = {
    "load": ("system/*.cruds",),
    "export": ("system/*.rs",),
    "demo": ("system/*.crus",),
    "drill": (
        "system/Observation.crus",
        "system/Patient.cru",
        "system/MedicationRequest.crus",
        "system/ServiceRequest.crus",
        "system/Task.rs",
    ),
    "reconcile": ("system/MedicationRequest.r", "system/ServiceRequest.r"),
    "canary": ("system/Patient.cru", "system/MedicationRequest.cru"),
    "capacity": ("system/Patient.cru", "system/Observation.crus"),
    "benchmark": ("system/*.cruds",),
}
"""What each program needs, by its name. A Bundle that is loaded may hold whatever a FHIR request can do."""

RENEWED_BEFORE_S = 120.0
"""A request that is sent with a token must be answered before it ends, also by a server that is slow."""
_TRIED_EVERY_S = 5.0
_FILE_READ_EVERY_S = 30.0
"""Whoever writes a token's file anew does so some minutes before the old one ends."""

Mint = Callable[[], Awaitable[Issued]]


class Credentials(Protocol):
    """Gives a token that is good now."""

    async def token(self) -> str: ...

    async def headers(self) -> dict[str, str]: ...


class TokenFileError(Exception):
    """The file holds no token. The message is one line and names the file."""


async def program_token(
    operator: Operator, program: str, *, life_s: float | None = None, patient: str | None = None
) -> Issued:
    """A token for a program of the operator, which is in the audit as a logon. With a patient it is good for
    what is about that one alone."""
    session = new_id(operator.rng)
    subject = Subject(
        id=BUILT_IN,
        name=f"altid {program}",
        role=Role.SYSTEM,
        organisation=operator.settings.region,
        level=Level.HIGH,
        session=session,
        scopes=SCOPES[program],
        patient=patient,
    )
    who = Who(subject.id, f"{subject.name}, by {operator.user}", subject.role, subject.organisation, session)
    event = Event(
        round(operator.clock() * 1e6),
        Action.LOGON,
        Outcome.DONE,
        who,
        operation=program,
        workplace=operator.host,
    )
    issued = await operator.issue(subject, life_s=life_s)
    async with operator.connection.transaction():
        await operator.record(event)
    return issued


class Tokens:
    """A program's token, made anew before it ends. Many may ask at once: one of them makes it."""

    def __init__(self, mint: Mint, clock: Clock = time.time) -> None:
        self._mint, self._clock = mint, clock
        self._issued: Issued | None = None
        self._tried_s = float("-inf")
        self._turn = asyncio.Lock()

    async def token(self) -> str:
        """Good for two minutes at least, or as long as the last one is. Raises what making one raises."""
        if self._is_due():
            async with self._turn:
                if self._is_due():
                    await self._renew()
        assert self._issued is not None
        return self._issued.token

    async def headers(self) -> dict[str, str]:
        return bearer(await self.token())

    def _is_due(self) -> bool:
        now = self._clock()
        if self._issued is None:
            return True
        left_s = self._issued.identity.expires_s - now
        return left_s < 0 or (left_s < RENEWED_BEFORE_S and now - self._tried_s >= _TRIED_EVERY_S)

    async def _renew(self) -> None:
        self._tried_s = self._clock()
        try:
            self._issued = await self._mint()
        except Exception:
            # The database may be away for a moment, which the last token outlives.
            if self._issued is None or self._issued.identity.expires_s <= self._clock():
                raise


class GivenToken:
    """A token that somebody else made: fixed, or in a file that may be written anew meanwhile."""

    def __init__(self, token: str = "", file: Path | None = None, clock: Clock = time.monotonic) -> None:
        self._token, self._file, self._clock = token, file, clock
        self._read_s = float("-inf")

    async def token(self) -> str:
        """Raises `TokenFileError`."""
        if self._file is not None and self._clock() - self._read_s >= _FILE_READ_EVERY_S:
            self._token = await asyncio.to_thread(read_token_file, self._file)
            self._read_s = self._clock()
        return self._token

    async def headers(self) -> dict[str, str]:
        return bearer(await self.token())


def read_token_file(path: Path) -> str:
    """The token in a file. Raises `TokenFileError`, also where others may read it."""
    try:
        with path.open("rb") as file:
            mode, raw = os.fstat(file.fileno()).st_mode, file.read(TOKEN_CHARACTERS_MAX + 2)
    except OSError as error:
        raise TokenFileError(f"{path} cannot be read: {error.strerror}.") from None
    if mode & 0o077:
        raise TokenFileError(f"Others may read the token in {path}: chmod 600 {path}")
    return checked_token(raw.decode("ascii", "replace"), str(path))


def checked_token(text: str, where: str) -> str:
    """The token of a text that stands at `where`. Raises `TokenFileError`."""
    token = text.strip()
    if not token or len(token) > TOKEN_CHARACTERS_MAX or not token.isascii() or not token.isprintable():
        raise TokenFileError(f"{where} holds no bearer token.")
    if " " in token:
        raise TokenFileError(f"{where} holds more than a token: leave out what stands beside it.")
    return token


def bearer(token: str) -> dict[str, str]:
    """The header that a token is sent in (RFC 6750 §2.1)."""
    return {"Authorization": f"Bearer {token}"}
