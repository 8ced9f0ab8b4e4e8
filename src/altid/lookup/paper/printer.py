"""Makes prints: of a ward when somebody asks, of all wards on a schedule, and blank forms once a day."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, Protocol

from altid.lookup.age import Watch
from altid.lookup.bar import bar_of
from altid.lookup.needs import Readable, WardRow
from altid.lookup.paper.content import Head, ward_content
from altid.lookup.paper.forms import TEMPLATE, FormKind, form_content
from altid.lookup.paper.kept import Kept, drop_others, keep, latest
from altid.lookup.paper.numbers import give
from altid.lookup.paper.typeset import PaperError, typeset_apart
from altid.lookup.settings import Settings
from altid.screen.views.chart import Chart
from altid.screen.views.identity import identity_of
from altid.screen.views.moments import ZONE
from altid.screen.words import LANGUAGES, Words, words

KINDS = ("report", "medication")
BLANK_FORMS = 10
"""Sheets of each kind that lie ready: a night's admissions of a ward."""
SCHEDULE = "schedule"
"""Who has made a print that nobody asked for."""
_MINUTE_S = 60
_FIRST_AFTER = timedelta(minutes=1)
"""After a start the pages come first, and a copy that is behind catches up."""
_BETWEEN_S = 1.0
"""A site has a hundred wards: their prints take minutes of one core, spread over more of them."""

_log = logging.getLogger("altid.lookup")


class Sees(Protocol):
    """What of a chart may be on the print; None: nothing."""

    def __call__(self, chart: Chart) -> Chart | None: ...


class Printer:
    """Of one process."""

    def __init__(self, copy: Readable, settings: Settings, watch: Watch) -> None:
        self._copy, self._settings, self._watch = copy, settings, watch

    async def ward(
        self, kind: str, ward: WardRow, language: Words, sees: Sees = lambda chart: chart
    ) -> tuple[bytes, tuple[str, ...]]:
        """A ward's print as it is now, and whom it shows. Raises `PaperError`."""
        ids = [bed.identity.id for bed in self._copy.ward(ward.id)]
        return await self.patients(kind, ward.name, ids, language, sees)

    async def patients(
        self, kind: str, place: str, ids: Sequence[str], language: Words, sees: Sees = lambda chart: chart
    ) -> tuple[bytes, tuple[str, ...]]:
        """The same of these patients, in this order."""
        head = self._head(language, place)
        content, shown = await asyncio.to_thread(self._content, head, ids, sees)
        return await typeset_apart(kind, content), shown

    async def forms(
        self, kind: FormKind, charts: Sequence[Chart | None], language: Words, made_by: str
    ) -> tuple[bytes, list[str]]:
        """Sheets, one for each chart, blank for None, and their numbers."""
        now = self._watch.now()
        patients = [identity_of(chart.patient).id if chart else None for chart in charts]
        with self._copy.writing() as connection:
            numbers = give(connection, self._settings.prefix, kind, patients, now, made_by)
        content = form_content(self._head(language, self._settings.name), kind, numbers, charts)
        return await typeset_apart(TEMPLATE, content), numbers

    def kept(self, kind: str, ward: str, language: Words) -> Kept | None:
        """The last print that was made on schedule."""
        return latest(self._copy, kind, ward, language.language)

    # On a schedule

    async def run(self) -> None:
        """For ever, by `opslag.toml`. What can't be printed is told in the log, and tried the next time."""
        every_s = self._settings.paper.every_min * _MINUTE_S
        forms_next = self._forms_after(self._watch.now())
        wards_next = self._watch.now() + _FIRST_AFTER
        while True:
            now = self._watch.now()
            if every_s and now >= wards_next:
                await self.print_wards(_BETWEEN_S)
                wards_next = now + timedelta(seconds=every_s)
            if forms_next is not None and now >= forms_next:
                await self.print_forms()
                forms_next = self._forms_after(now)
            await asyncio.sleep(_MINUTE_S)

    async def print_wards(self, between_s: float = 0.0) -> int:
        """All wards that somebody lies in, with a pause after each print; how many were made."""
        made = 0
        wards = [ward for ward in self._copy.wards() if ward.taken]
        await asyncio.to_thread(drop_others, self._copy, [ward.id for ward in wards])
        for ward in wards:
            for kind in KINDS:
                made += await self._print(kind, ward)
                await asyncio.sleep(between_s)
        return made

    async def print_forms(self) -> None:
        language = words(LANGUAGES[0])
        for kind in FormKind:
            try:
                pdf, _ = await self.forms(kind, [None] * BLANK_FORMS, language, SCHEDULE)
            except PaperError as error:
                _log.error("the form %s could not be made: %s", kind, error)
                continue
            self._keep(f"form-{kind}", "", language, pdf, ())

    async def _print(self, kind: str, ward: WardRow) -> bool:
        language = words(LANGUAGES[0])
        try:
            pdf, shown = await self.ward(kind, ward, language)
        except PaperError as error:
            _log.error("the %s of a ward could not be made: %s", kind, error)
            return False
        self._keep(kind, ward.id, language, pdf, shown)
        return True

    def _keep(self, kind: str, ward: str, language: Words, pdf: bytes, patients: tuple[str, ...]) -> None:
        beat = self._copy.heartbeat()
        made = Kept(
            kind, ward, language.language, self._watch.now(), beat.at if beat else None, patients, pdf
        )
        keep(self._copy, made, self._settings.paper.keep)

    def _content(self, head: Head, ids: Sequence[str], sees: Sees) -> tuple[dict[str, Any], tuple[str, ...]]:
        charts = [chart for id_ in ids if (chart := self._seen(id_, sees)) is not None]
        shown = tuple(identity_of(chart.patient).id for chart in charts)
        return ward_content(head, charts, len(ids) - len(charts)), shown

    def _seen(self, id_: str, sees: Sees) -> Chart | None:
        chart = self._copy.chart(id_)
        return None if chart is None else sees(replace(chart, read_at=self._watch.now()))

    def _head(self, language: Words, place: str) -> Head:
        thresholds = self._settings.thresholds
        age = self._watch.age_of(self._copy.heartbeat(), thresholds)
        return Head(language, bar_of(language, age, thresholds, place), place, self._watch.now())

    def _forms_after(self, now: datetime) -> datetime | None:
        """The next time of the day at which forms are made."""
        if not self._settings.paper.forms_at:
            return None
        here = now.astimezone(ZONE)
        at = datetime.combine(here.date(), time.fromisoformat(self._settings.paper.forms_at), ZONE)
        return at if at > here else at + timedelta(days=1)
