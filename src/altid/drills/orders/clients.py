"""The clients of an order drill: they sign and change orders and requisitions as a browser does, and forget
nothing.

An order goes to the gateway of the client's own site. One that is not answered with a receipt that settles it
is sent again with the same key, to the other site and back, until its deadline; then it stays in the outbox.
The client's memory is all that the judge knows of it.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from altid.access.programs import Credentials
from altid.drills.orders.history import Signed, Told
from altid.drills.orders.line import Line
from altid.orders.synthetic import medication_order, requisition
from altid.region.http import Answer, Connection, HttpError

ANSWER_S_MAX = 3.0
"""A browser asks the other site when it has waited for so long; the first one may still do it."""
DEADLINE_S = 20.0
"""Then the doctor is told that the order is in the outbox, and goes on."""
_PAUSE_S_MIN, _PAUSE_S_MAX = 0.05, 1.0
_CHANGES = 0.3
"""So many of all that is signed are changes of the client's own orders."""
_REQUISITIONS = 0.3
"""And so many of the new orders are requisitions: a transaction of two resources."""
_KNOWN_MAX = 20
_ORDERS_MAX = 2_000
"""Of one client in one drill."""

_FINAL = range(400, 500)
_NOT_FINAL = (401, 403, 408, 425, 429)
"""Answers of 4xx that say nothing of the order."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a site is reached."""

    site: str
    host: str
    port: int


@dataclass(slots=True)
class Draft:
    """One version that is wanted, and what became of it so far: an entry of the outbox."""

    key: str
    patient: str
    mark: str
    path: str
    body: bytes
    expected: int | None = None
    """The version that a change is of."""
    has_task: bool = False
    told: list[Told] = field(default_factory=list)
    gave_up_s: float | None = None

    @property
    def is_settled(self) -> bool:
        return any(one.word in ("ok", "fatal-error") for one in self.told)

    def signed(self, client: int) -> Signed:
        told = tuple(self.told)
        return Signed(client, self.key, self.patient, self.mark, told, self.has_task, self.gave_up_s)


@dataclass(slots=True)
class Doctor:
    """One client with its outbox, connections and line."""

    number: int
    run: str
    gateways: Sequence[Gateway]
    """Its own site's first."""
    tls: ssl.SSLContext | None
    patients: Sequence[str]
    dice: random.Random
    tokens: Credentials
    line: Line
    is_hasty: bool = False
    """Closes the page after the first try, whatever came of it."""
    drafts: list[Draft] = field(default_factory=list)
    _known: list[tuple[Draft, Told]] = field(default_factory=list)
    """Orders that can be changed: their latest version, with its receipt."""
    _free: dict[Gateway, list[Connection]] = field(default_factory=dict)

    @property
    def memory(self) -> list[Signed]:
        return [draft.signed(self.number) for draft in self.drafts]

    @property
    def outbox(self) -> list[Draft]:
        return [draft for draft in self.drafts if not draft.is_settled]

    async def work(self, stop: asyncio.Event, pause_s: float) -> None:
        """Sign one version after the other, until told to stop."""
        while not stop.is_set():
            draft = self._next()
            self.drafts.append(draft)
            await self.send(draft, 0.0 if self.is_hasty else DEADLINE_S)
            self._learn(draft)
            await asyncio.sleep(self.dice.uniform(0.5, 1.5) * pause_s)

    async def reopen(self) -> None:
        """The page is opened again: what is in the outbox is sent once more, as long as there is patience."""
        for draft in self.outbox:
            await self.send(draft, ANSWER_S_MAX * 2)

    async def send(self, draft: Draft, s_max: float) -> None:
        """Send it, to one site after the other, until an answer settles it or the time is over."""
        end_s, turn, pause_s = time.monotonic() + s_max, 0, _PAUSE_S_MIN
        while not draft.is_settled:
            gateway = self.gateways[turn % len(self.gateways)]
            draft.told.append(await self._carry(gateway, draft))
            if time.monotonic() > end_s:
                break
            if not draft.is_settled:
                turn += 1
                await asyncio.sleep(self.dice.uniform(0.5, 1.5) * pause_s)
                pause_s = min(_PAUSE_S_MAX, pause_s * 2)
        draft.gave_up_s = None if draft.is_settled else time.monotonic()

    async def close(self) -> None:
        """Wait for what the line still carries, and hang up."""
        await self.line.settle()
        for connections in self._free.values():
            for connection in connections:
                connection.close()

    def _next(self) -> Draft:
        number = len(self.drafts) + 1
        key = f"{self.run}-{self.number}-{number}"
        mark = f"drill {key}"
        if self._known and self.dice.random() < _CHANGES:
            before, told = self._known.pop(self.dice.randrange(len(self._known)))
            body = {"reason": "drill", "note": [{"text": mark}]}
            path = f"/orders/{told.order}/change"
            return Draft(key, before.patient, mark, path, _dump(body), told.version)
        patient = self.dice.choice(self.patients)
        now = datetime.now(UTC)
        if self.dice.random() < _REQUISITIONS:
            wanted = _dump(requisition(patient, mark, now))
            return Draft(key, patient, mark, "/orders", wanted, has_task=True)
        # Each on a day of its own: two orders of one drug on one day would be warned of.
        day = self.number * _ORDERS_MAX + number
        order = medication_order(patient, mark, now, starts=now + timedelta(days=2 * day))
        return Draft(key, patient, mark, "/orders", _dump(order))

    def _learn(self, draft: Draft) -> None:
        receipt = next((one for one in draft.told if one.word == "ok"), None)
        if receipt is not None and len(self._known) < _KNOWN_MAX:
            self._known.append((draft, receipt))

    async def _carry(self, gateway: Gateway, draft: Draft) -> Told:
        sent_s = time.monotonic()

        async def ask() -> Answer:
            return await self._ask(gateway, draft)

        async def copy() -> None:
            other = self.dice.choice(self.gateways)
            again_s = time.monotonic()
            with suppress(HttpError):  # nobody waits for the answer to a copy
                draft.told.append(told_of(await self._ask(other, draft), other.site, again_s))

        try:
            return told_of(await self.line.carry(ask, copy), gateway.site, sent_s)
        except HttpError:
            return Told(gateway.site, sent_s, time.monotonic(), "")

    async def _ask(self, gateway: Gateway, draft: Draft) -> Answer:
        free = self._free.setdefault(gateway, [])
        connection = free.pop() if free else Connection(gateway.host, gateway.port, self.tls)
        headers = {
            "Content-Type": "application/fhir+json",
            "Accept": "application/json",
            "Idempotency-Key": draft.key,
            **({} if draft.expected is None else {"If-Match": f'W/"{draft.expected}"'}),
            **await self.tokens.headers(),
        }
        answer = await connection.ask("POST", draft.path, draft.body, headers, s_max=ANSWER_S_MAX)
        free.append(connection)
        return answer


def told_of(answer: Answer, site: str, sent_s: float) -> Told:
    """What an answer tells of the order: a receipt's word, or that it was refused for good."""
    now_s = time.monotonic()
    receipt = _receipt(answer)
    word = answer.headers.get("altid-receipt", "") or str(receipt.get("word", ""))
    if word == "ok":
        return Told(site, sent_s, now_s, word, str(receipt.get("order")), receipt.get("version"))
    if not word and answer.status in _FINAL and answer.status not in _NOT_FINAL:
        word = "fatal-error"
    return Told(site, sent_s, now_s, word)


def _receipt(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _dump(resource: dict[str, Any]) -> bytes:
    return json.dumps(resource, separators=(",", ":")).encode()
