"""What the pages need of the copy, and of whoever knows who is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from starlette.requests import Request

from altid.access.audit.event import Action
from altid.fhir.search.hidden import Period
from altid.lookup.age import Beat
from altid.screen.views.admission import Place
from altid.screen.views.chart import Chart
from altid.screen.views.identity import Identity
from altid.screen.views.ward import Bed


class WardRow(Protocol):
    """A ward of the copy; `beds` is None where nobody says how many there are."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def taken(self) -> int: ...
    @property
    def beds(self) -> int | None: ...


class Found(Protocol):
    """A patient that fits what was sought."""

    @property
    def identity(self) -> Identity: ...
    @property
    def place(self) -> Place | None: ...


class Readable(Protocol):
    """`altid.lookup.copy.Copy`, as far as the pages and the papers use it."""

    def chart(self, patient: str) -> Chart | None: ...
    def wards(self) -> Sequence[WardRow]: ...
    def ward(self, ward: str) -> Sequence[Bed]: ...
    def search(self, text: str) -> Sequence[Found]: ...
    def heartbeat(self) -> Beat | None: ...
    def positions(self) -> Mapping[str, Any]: ...
    def meta(self, name: str) -> str | None: ...
    def reading(self) -> AbstractContextManager[Any]: ...
    def writing(self) -> AbstractContextManager[Any]: ...


class Person(Protocol):
    """Who is at the keyboard."""

    @property
    def name(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def form_token(self) -> str: ...
    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """Roles and places of work that they could change to."""
        ...


class Sight(Protocol):
    """What somebody may see of a patient: nothing without `grounds`; what is of a `hidden` period is left
    out."""

    @property
    def grounds(self) -> Any: ...
    @property
    def hidden(self) -> Sequence[Period]: ...


class Doorkeeper(Protocol):
    """`altid.lookup.entry.Entry`: who somebody is, what they may see, and that their looks are kept."""

    @property
    def closed(self) -> str | None:
        """Why the place answers nobody any more."""
        ...

    def who(self, request: Request) -> Person | None: ...
    def breaks_glass(self, person: Any) -> bool: ...
    def sight(self, person: Any, patient: str) -> Sight: ...
    def may_read(self, person: Any, kind: str) -> bool: ...
    async def look(
        self,
        person: Any,
        request: Request | None,
        page: str,
        patients: Sequence[str] = (),
        *,
        action: Action = Action.READ,
        grounds: Sequence[Any] = (),
    ) -> None: ...
