"""The ways in at a place of its own: password, PIN, and a ward's emergency code. Nothing else is asked.

The same care as at the record's door: argon2id in a bounded pool behind a line, guessing slowed by account
and address, an unknown name as slow as a wrong password, and the same refusals.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from altid.access import refusal
from altid.access.admission import Admission, NotNowError
from altid.access.grounds import TREATING
from altid.access.identity import Identity, Level, Role
from altid.access.passwords import PASSWORD_CHARACTERS_MAX, Passwords
from altid.access.refusal import Refusal
from altid.access.settings import Clock
from altid.access.throttle import Throttle
from altid.access.waiting import LineLimits, Priority
from altid.lookup.entry import people
from altid.lookup.entry.code import MistypedError, generate, plain
from altid.lookup.entry.codes import Codes
from altid.lookup.entry.people import Account
from altid.lookup.entry.person import Person, Way
from altid.lookup.entry.relations import number_of
from altid.lookup.entry.tables import Tables
from altid.lookup.entry.typed import said_name, said_reason, username_of

PATIENCE_S = 10.0
"""How long a browser waits for a logon."""
WRONG_CODE = refusal.Refusal(
    refusal.Code.WRONG, 401, "The code does not open this ward.", "Koden åbner ikke dette afsnit."
)
MISTYPED = refusal.Refusal(
    refusal.Code.WRONG,
    422,
    "The code is mistyped: it has three groups of four signs, without 0, O, 1, I and L.",
    "Koden er tastet forkert: den har tre grupper med fire tegn, uden 0, O, 1, I og L.",
)
WRONG_PIN = refusal.Refusal(
    refusal.Code.WRONG,
    401,
    "User name or PIN is wrong, or the PIN's shift is over. Log on with your password.",
    "Brugernavn eller PIN-kode er forkert, eller PIN-kodens vagt er slut. Log ind med adgangskode.",
)


@dataclass(frozen=True, slots=True)
class CodeUse:
    """What is asked of whoever opens the sealed code."""

    ward: str
    code: str = field(repr=False)
    name: str
    reason: str = field(repr=False)


Answer = Person | Refusal


class Door:
    """Of one process. `place`: its name; `wards`: those it is of, where people are taken to work first."""

    def __init__(
        self,
        tables: Tables,
        codes: Codes,
        place: str,
        wards: Sequence[str],
        rng: random.Random,
        threads: int,
        clock: Clock = time.monotonic,
    ) -> None:
        self._tables, self._codes, self._clock = tables, codes, clock
        self._place, self._wards = place, tuple(wards)
        self._passwords = Passwords(threads, rng)
        self._throttle = Throttle(clock)
        self._line = Admission(LineLimits(at_once=threads), clock)

    async def with_password(self, typed: str, password: str, address: str) -> Answer:
        """A last known account and its password."""
        username = username_of(typed)
        with self._tables.reading() as connection:
            account = people.by_username(connection, username)
        stored = None if account is None else account.password
        right = await self._verified(username, address, stored, password, Priority.ORDINARY)
        if isinstance(right, Refusal):
            return right
        if account is None or not right:
            return refusal.WRONG
        if account.is_disabled:
            return refusal.DISABLED
        return self._person(account, Way.PASSWORD)

    async def with_pin(self, typed: str, pin: str, address: str) -> Answer:
        """Back in by PIN, as far as the record had given one for this place's PC and shift."""
        username = username_of(typed)
        with self._tables.reading() as connection:
            reentry = people.reentry_of(connection, username, time.time())
        stored = None if reentry is None else reentry.pin
        right = await self._verified(username, address, stored, pin, Priority.REENTRY)
        if isinstance(right, Refusal):
            return right
        if reentry is None or not right:
            if reentry is not None:
                with self._tables.writing() as connection:
                    people.wrong_pin(connection, reentry)
            return WRONG_PIN
        if reentry.account.is_disabled:
            return refusal.DISABLED
        return self._person(reentry.account, Way.PIN, (reentry.role, reentry.organisation))

    async def with_code(self, use: CodeUse, address: str) -> Answer:
        """The ward's sealed code, by whoever gives a name and a reason. One use is spent."""
        name, reason = said_name(use.name), said_reason(use.reason)
        if isinstance(name, Refusal):
            return name
        if isinstance(reason, Refusal):
            return reason
        try:
            given = plain(use.code)
        except MistypedError:
            return MISTYPED
        kept = self._codes.of_ward(use.ward)
        stored = kept.hash if kept is not None and kept.uses_left != 0 else None
        right = await self._verified(f"code {use.ward[:64]}", address, stored, given, Priority.EMERGENCY)
        if isinstance(right, Refusal):
            return right
        if kept is None or not right or not await asyncio.to_thread(self._codes.spend, kept):
            return WRONG_CODE
        return Person(
            self._identity(f"code:{kept.ward}", name, Role.NURSE, kept.ward), Way.CODE, code=kept.id
        )

    async def make_code(self, ward: str, rng: random.Random, *, once: bool = False) -> str:
        """A new code for a ward, by its SOR number, as it is to be printed: shown only now."""
        made = generate(rng)
        hashed = await self._passwords.hash(plain(made))
        await asyncio.to_thread(self._codes.keep, ward, hashed, rng, once=once)
        return made

    def close(self) -> None:
        self._passwords.close()

    async def _verified(
        self, who: str, address: str, stored: str | None, secret: str, priority: Priority
    ) -> bool | Refusal:
        """Whether the secret is the stored one, or why it was not looked at."""
        pause = self._throttle.pause(who, address)
        if pause.refuse_s > 0:
            return refusal.slowed(pause.refuse_s)
        if len(secret) > PASSWORD_CHARACTERS_MAX:
            return False
        queue = Priority.SUSPECT if pause.hold_s > 0 else priority
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._line.place(queue, self._clock() + PATIENCE_S))
            except NotNowError as error:
                return refusal.busy(error.away.place, error.away.wait_s, None)
            right = await self._passwords.verify(stored, secret)
        (self._throttle.succeeded if right else self._throttle.failed)(who, address)
        return right

    def _person(self, account: Account, way: Way, chosen: tuple[Role, str] | None = None) -> Answer:
        choices = tuple((str(role), place) for role in account.roles for place in account.organisations)
        if not choices:
            return refusal.NOT_YOURS
        role, place = chosen or (_first_role(account), _first_place(account, self._numbers()))
        return Person(self._identity(account.id, account.name, role, place), way, choices=choices)

    def _numbers(self) -> frozenset[str | None]:
        with self._tables.reading() as connection:
            return frozenset(number_of(connection, ward) for ward in self._wards)

    def _identity(self, subject: str, name: str, role: Role, organisation: str) -> Identity:
        return Identity(subject, name, role, organisation, (), Level.LOW, "", self._place, 0)


def _first_role(account: Account) -> Role:
    """Whoever treats as well as something else came here to treat."""
    return next((role for role in account.roles if role in TREATING), account.roles[0])


def _first_place(account: Account, wards: Collection[str | None]) -> str:
    return next((place for place in account.organisations if place in wards), account.organisations[0])
