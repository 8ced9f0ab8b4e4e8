"""What one request may do and be shown, and what it has looked at: the only way to patients' data.

A permit is made anew for each request. It asks for grounds only when they matter, looks once more before it
lets a refusal stand (a patient admitted a second ago counts), and keeps notes from which the audit's events
are made before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from altid.access import policy
from altid.access.audit.event import Action, Event, Outcome, who_of
from altid.access.grounds import EVERYONE, Grounds, Reach, reach_of_system
from altid.access.identity import Identity, Level, Role
from altid.access.reaching import Reaches
from altid.fhir.definitions import resource_types
from altid.fhir.search.about import PATIENT, patients_about
from altid.record.stored import Found, Stored
from altid.record.visibility import Visible

_REMEMBERED_MAX = 512
"""Role and scopes: a region has some hundred kinds of applications."""
_LETTERS = "cruds"


Types = tuple[frozenset[str], frozenset[str]]
"""Those that may be had without grounds, and those that need them."""

TOLD_SINGLY_MAX = 32
"""Notes of one request. A chart that is imported has hundreds of entries; the audit is no second history."""


class Note(NamedTuple):
    """One look or change, as far as the interaction knows it."""

    action: Action
    type: str = ""
    id: str = ""
    version: int | None = None
    patients: tuple[str, ...] = ()
    operation: str = ""
    parameters: tuple[str, ...] = ()
    durability: str = ""
    outcome: Outcome = Outcome.DONE


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, as the audit keeps it."""

    address: str = ""
    request: str = ""
    """Correlation id: the same in the answer's header."""
    workplace: str = ""


class Permit:
    """One request's."""

    def __init__(self, identity: Identity, reaches: Reaches | None) -> None:
        """`reaches` may be missing only for systems, whose scopes say all."""
        self.identity = identity
        self.notes: list[Note] = []
        self.was_refused = False
        self._reaches = reaches
        self._reach: Reach | None = None
        if identity.role is Role.SYSTEM:
            self._reach = reach_of_system(identity.patient)
        elif reaches is None:
            self._reach = EVERYONE
        self._is_fresh = self._reach is not None
        self._rights = _rights(identity.role, identity.scopes, identity.patient is not None)

    @property
    def is_for_everyone(self) -> bool:
        """A system: what its scopes allow, it may do with every patient, unless it is bound to one."""
        return self.identity.role is Role.SYSTEM and self.identity.patient is None

    def may(self, letter: str, type_: str) -> bool:
        """Whether the identity may do it at all: grounds are asked for afterwards."""
        whole, bound = self._types(letter)
        return type_ in whole or type_ in bound

    def is_bound(self, letter: str, type_: str) -> bool:
        """Whether it needs grounds for each patient concerned."""
        return type_ in self._types(letter)[1]

    @property
    def reads_everything(self) -> bool:
        """Every type, of whomever: a system with `system/*.r`."""
        return len(self._types("r")[0]) == len(resource_types())

    async def visible(self, letter: str) -> Visible:
        """What may be shown to whoever has the right of this letter ("r", "s")."""
        whole, bound = self._types(letter)
        if not bound:
            return Visible(whole)
        reach = await self._reached()
        return Visible(whole, bound, reach.patients, reach.hidden)

    async def shows(self, found: Found) -> bool:
        """Whether a current version may be read."""
        if found.stored.type in self._types("r")[0]:
            return True
        return (await self.visible("r")).shows(*found) or (
            await self._again() and (await self.visible("r")).shows(*found)
        )

    async def shows_version(self, stored: Stored) -> bool:
        """Whether an earlier version may be read."""
        if stored.type in self._types("r")[0]:
            return True
        return (await self.visible("r")).shows_version(stored) or (
            await self._again() and (await self.visible("r")).shows_version(stored)
        )

    async def has_grounds(self, patients: Iterable[str]) -> bool:
        """Whether there are grounds for every one of these patients; for none of them: no.

        Looks once more also where something of theirs is hidden: the glass may just have been broken, before
        another server.
        """
        named = list(patients)
        if not named:
            return self.is_for_everyone
        if await self._has(named) and not await self._hides(named):
            return True
        await self._again()
        return await self._has(named)

    async def is_by_override(self, patient: str) -> bool:
        """Whether it is broken glass that opens this patient, as far as was looked already."""
        return (await self._reached()).of(patient) is Grounds.OVERRIDE

    def is_made_for(self, type_: str, id_: str) -> bool:
        """The very patient whom a system's token is bound to: it may also make that one."""
        identity = self.identity
        return identity.role is Role.SYSTEM and type_ == PATIENT and identity.patient == id_

    def note(self, note: Note) -> None:
        """Tell of a look or a change, before its answer leaves."""
        self.notes.append(note)

    def events(self, origin: Origin, at_us: int) -> list[Event]:
        """The audit's events of all notes. What a big Bundle did is told type by type, not one by one."""
        notes = self.notes if len(self.notes) <= TOLD_SINGLY_MAX else _by_type(self.notes)
        return [self._event(note, origin, at_us) for note in notes]

    def _event(self, note: Note, origin: Origin, at_us: int) -> Event:
        return Event(
            at_us=at_us,
            action=note.action,
            outcome=note.outcome,
            who=who_of(self.identity),
            patients=note.patients,
            grounds=self._grounds_of(note.patients),
            type=note.type,
            id=note.id,
            version=note.version,
            operation=note.operation,
            parameters=note.parameters,
            address=origin.address,
            workplace=origin.workplace,
            request=origin.request,
            durability=note.durability,
        )

    def _grounds_of(self, patients: Sequence[str]) -> tuple[str, ...]:
        reach = self._reach
        if not patients or reach is None:
            return ()
        if reach.everyone:
            return (str(reach.of(patients[0]) or ""),)
        return tuple(str(reach.of(patient) or "") for patient in patients)

    async def _has(self, patients: Iterable[str]) -> bool:
        reachable = (await self._reached()).patients
        return all(patient in reachable for patient in patients)

    async def _hides(self, patients: Iterable[str]) -> bool:
        hidden = (await self._reached()).hidden
        return any(patient in hidden for patient in patients)

    async def _reached(self) -> Reach:
        if self._reach is None:
            assert self._reaches is not None
            self._reach = await self._reaches.of(self.identity)
        return self._reach

    async def _again(self) -> bool:
        """Look anew, once a request; whether that was done."""
        if self._is_fresh or self._reaches is None:
            return False
        self._is_fresh = True
        self._reach = await self._reaches.of(self.identity, fresh=True)
        return True

    def _types(self, letter: str) -> Types:
        return self._rights[letter]


def _by_type(notes: Iterable[Note]) -> list[Note]:
    """One note for all that was done alike with a type: of whom, and how many."""
    alike: dict[Note, list[Note]] = {}
    for note in notes:
        kind = Note(note.action, note.type, durability=note.durability, outcome=note.outcome)
        alike.setdefault(kind, []).append(note)
    return [
        kind._replace(
            patients=tuple(sorted({patient for note in some for patient in note.patients})),
            operation=f"bundle:{len(some)}",
        )
        for kind, some in alike.items()
    ]


def about(found: Iterable[Found]) -> tuple[str, ...]:
    """The patients whom these are about, each once."""
    patients: set[str] = set()
    for stored, refs in found:
        patients |= patients_about(stored.type, stored.id, refs)
    return tuple(sorted(patients))


@lru_cache(maxsize=_REMEMBERED_MAX)
def _rights(role: Role, scopes: tuple[str, ...], has_patient: bool) -> Mapping[str, Types]:
    """By letter: the types for which there is the right, without grounds and with."""
    somebody = "somebody" if has_patient else None
    identity = Identity("", "", role, "", scopes, Level.LOW, "", "", 0, somebody)
    rights = {type_: policy.right(identity, type_) for type_ in resource_types()}
    by_letter = {}
    for letter in _LETTERS:
        may = frozenset(type_ for type_, right in rights.items() if letter in right.letters)
        needing = frozenset(type_ for type_ in may if policy.needs_grounds(identity, letter, type_))
        by_letter[letter] = (may - needing, needing)
    return by_letter
