"""One trial: a test order is changed at one server, as a doctor would do it, and read at the other site.

Each server has one order, on a patient of its own, which gets a new version with every trial. So there is
always something new to be registered, and never more than one order a server.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from altid.access.programs import Credentials
from altid.orders.canary import Fault, Trial
from altid.orders.receipt import order_id
from altid.orders.synthetic import mark_of, medication_order, patient
from altid.region.http import Answer, Connection, HttpError

ANSWER_S_MAX = 2.0
"""Two trials that take so long, and a pause between, are over within ten seconds."""
SLOW_S = 1.5
CLOCK_S_MAX = 5.0
_SHOWN_S_MAX = 1.0
"""Of what is acknowledged as held by two sites each shows it at once. A site that stands alone may lag."""
_LOOK_PAUSE_S = 0.1
_RUNS_DAYS = 3_650
"""The test order has no end that would come while it is used."""
_HEADERS = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json, application/json"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A trial, with what an operator wants to know of it."""

    trial: Trial
    took_ms: float
    """From sign to receipt; of one without a receipt, until that was known."""
    detail: str = ""
    """A status or a word; never anything of an order."""


class _FaultError(Exception):
    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(fault)
        self.fault, self.detail = fault, detail


@dataclass(slots=True)
class Probe:
    """The trials of one server, or of a whole site through its gateway."""

    name: str
    """Of the part: `server-1`."""
    patient: str
    """Id of its synthetic patient."""
    at: Connection
    """Where it signs."""
    readers: Sequence[Connection]
    """Where it looks for the order: the other site's gateway first."""
    tokens: Credentials
    is_gateway: bool = False
    """Its "nothing done" means that no site takes the order, not only this one."""
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    version: int | None = None
    """Of the order; None when it isn't known."""

    @property
    def key(self) -> str:
        """The first order's: the same for ever, so that there is one."""
        return f"canary-{self.patient}"

    @property
    def path(self) -> str:
        return f"/fhir/MedicationRequest/{order_id(self.key)}"

    async def trial(self, process: int | None = None) -> Seen:
        """One trial. Raises what `tokens` raises: without a token nothing can be said of the server."""
        headers = _HEADERS | await self.tokens.headers()
        began_s = self.clock()
        signed_s, fault, detail = None, None, ""
        if self.is_gateway:
            self.at.close()  # a certificate is looked at when a connection is opened, as a new doctor's is
        try:
            version = self.version or await self._known(headers)
            mark = uuid.uuid4().hex
            sent_s = self.clock()
            receipt = await self._change(version, mark, headers)
            signed_s = self.clock() - sent_s
            self.version = receipt["version"]
            await self._look(receipt, mark, headers)
            if signed_s > SLOW_S:
                raise _FaultError(Fault.SLOW)
        except _FaultError as failed:
            fault, detail = failed.fault, failed.detail
            if fault is not Fault.SLOW:
                self.version = None  # what came of it is looked up
        ended_s = self.clock()
        taken_s = ended_s - began_s if signed_s is None else signed_s
        return Seen(Trial(self.name, began_s, ended_s, fault, process), round(taken_s * 1000, 1), detail)

    def close(self) -> None:
        for connection in (self.at, *self.readers):
            connection.close()

    async def _known(self, headers: dict[str, str]) -> int:
        """The order's version, as others than this server know it. The first time the order is made."""
        answer = await self._read(self.readers[0], self.path, headers)
        answer = answer or await self._read(self.readers[1], self.path, headers)
        if answer is None:
            raise _FaultError(Fault.UNREAD)
        if answer.status == 200:
            return int(_object(answer)["meta"]["versionId"])
        await self._put_patient(headers)
        receipt = await self._post("/orders", self._first(), self.key, headers)
        return int(receipt["version"])

    async def _put_patient(self, headers: dict[str, str]) -> None:
        body = json.dumps(patient(self.patient)).encode()
        answer = await self._ask("PUT", f"/fhir/Patient/{self.patient}", body, headers)
        if answer.status not in (200, 201):
            raise _FaultError(Fault.REFUSED, f"HTTP {answer.status}")

    def _first(self) -> dict[str, Any]:
        now = datetime.fromtimestamp(self.wall(), UTC)
        return medication_order(self.patient, "canary", now, days=_RUNS_DAYS, is_test=True)

    async def _change(self, version: int, mark: str, headers: dict[str, str]) -> dict[str, Any]:
        body = {"reason": "canary", "note": [{"text": mark}]}
        path = f"/orders/MedicationRequest/{order_id(self.key)}/change"
        matching = {"If-Match": f'W/"{version}"'}
        return await self._post(path, body, f"canary-{mark}", headers | matching)

    async def _post(
        self, path: str, body: dict[str, Any], key: str, headers: dict[str, str]
    ) -> dict[str, Any]:
        """Send it once; gives the receipt. Raises `_FaultError` for whatever isn't one that says ok."""
        sent = headers | {"Idempotency-Key": key}
        answer = await self._ask("POST", path, json.dumps(body).encode(), sent)
        receipt = _object(answer)
        is_whole = receipt.get("word") == "ok" and isinstance(receipt.get("version"), int)
        is_refused = "altid-receipt" in answer.headers  # by the server; a site that isn't live gives no word
        if answer.headers.get("altid-nothing-done") and not is_refused and not self.is_gateway:
            raise _FaultError(Fault.NOT_LIVE)
        if answer.status not in (200, 201) or not is_whole:
            raise _FaultError(Fault.REFUSED, str(receipt.get("word") or f"HTTP {answer.status}"))
        self._check_clock(answer)
        return receipt

    def _check_clock(self, answer: Answer) -> None:
        try:
            told_s = parsedate_to_datetime(answer.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return
        if abs(told_s - self.wall()) > CLOCK_S_MAX:
            raise _FaultError(Fault.CLOCK)

    async def _look(self, receipt: dict[str, Any], mark: str, headers: dict[str, str]) -> None:
        """Look for this very version at the other site until it is there. Raises `_FaultError`.

        The own site is asked only when the receipt claims no more, or the other one doesn't answer.
        """
        path, end_s = f"{self.path}/_history/{receipt['version']}", self.clock() + _SHOWN_S_MAX
        other, own = self.readers
        while True:
            answers = [await self._read(other, path, headers)]
            if answers[0] is None or receipt.get("durability") != "two-sites":
                answers.append(await self._read(own, path, headers))
            known = [answer for answer in answers if answer is not None]
            if any(answer.status == 200 and mark_of(_object(answer)) == mark for answer in known):
                return
            if self.clock() > end_s:
                raise _FaultError(Fault.NOT_REGISTERED if known else Fault.UNREAD)
            await asyncio.sleep(_LOOK_PAUSE_S)

    async def _read(self, reader: Connection, path: str, headers: dict[str, str]) -> Answer | None:
        """What is there, or that there is nothing (404, 410); None when that can't be told now."""
        try:
            answer = await reader.ask("GET", path, b"", headers, s_max=ANSWER_S_MAX)
        except HttpError:
            return None
        return answer if answer.status in (200, 404, 410) else None

    async def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            return await self.at.ask(method, path, body, headers, s_max=ANSWER_S_MAX)
        except HttpError as error:
            fault = Fault.CERTIFICATE if "Cert" in str(error) else Fault.SILENT
            raise _FaultError(fault, str(error)) from None


def _object(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
