"""Goes between this place and the record while there is a line: takes the looks there, brings back who may
come in.

In this order, so that a place that learns that it is revoked has told of its looks before it forgets its key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from altid.lookup.entry import people
from altid.lookup.entry.contact import Contact
from altid.lookup.entry.forwarding import Forwarder, ForwardError
from altid.lookup.entry.line import Line, LineDownError
from altid.lookup.entry.people import EntryAnswerError
from altid.lookup.entry.tables import Tables

PATH = "/feed/entry"
EVERY_S = 30.0
"""How late a closed account, or a revoked place, is heard of at a place that has a line."""
AGAIN_S = 3.0
"""Where there was no line: a new place must know who may come in before it is needed."""
META_AT = "entry at"
"""When the accounts that are known were true, as the record told it."""

_log = logging.getLogger("altid.lookup.entry")


@dataclass(slots=True)
class Problems:
    """For operations: what went wrong last, "" when nothing is."""

    looks: str = ""
    entry: str = ""


class Courier:
    """Of one process. `revoked` is called once the record says that this place is no more."""

    def __init__(
        self, tables: Tables, line: Line, forwarder: Forwarder, contact: Contact, revoked: Callable[[], None]
    ) -> None:
        self._tables, self._line, self._forwarder = tables, line, forwarder
        self._contact, self._revoked = contact, revoked
        self.problems = Problems()
        self._underway = asyncio.Lock()

    async def run(self) -> None:
        """Never ends by itself."""
        while True:
            was_there = False
            try:
                was_there = await self.go()
            except Exception as error:  # the next round may find it mended; what failed is in `problems`
                self.problems.entry = type(error).__name__
                _log.error("going to the record failed: %s", type(error).__name__)
            await asyncio.sleep(EVERY_S if was_there else AGAIN_S)

    async def go(self) -> bool:
        """There and back once; whether the record was reached and has told."""
        async with self._underway:
            try:
                await self._take_looks()
                return await self._bring_entry()
            except LineDownError:
                self.problems.entry = "no line"
                return False

    async def _take_looks(self) -> None:
        try:
            await self._forwarder.forward()
            self.problems.looks = ""
        except ForwardError as error:
            if self.problems.looks != str(error):
                _log.error("looks are not forwarded: %s", error)
            self.problems.looks = str(error)

    async def _bring_entry(self) -> bool:
        answer = await self._line("GET", PATH, None)
        if answer.status != 200:
            # Not told that it is revoked: a record that was restored may have forgotten this place.
            self.problems.entry = f"{PATH} has answered {answer.status}"
            return False
        try:
            told = orjson.loads(answer.body)
            if told.get("revoked") is True:
                self._revoked()
                return True
            await asyncio.to_thread(self._keep, told)
        except (EntryAnswerError, ValueError, KeyError, AttributeError) as error:
            self.problems.entry = str(error)
            _log.error("accounts could not be brought up to date: %s", type(error).__name__)
            return False
        self._contact.touched()
        self.problems.entry = ""
        return True

    def _keep(self, told: dict[str, object]) -> None:
        with self._tables.writing() as connection:
            people.replace(connection, told)
        self._tables.set_meta(META_AT, str(told["at"]))
