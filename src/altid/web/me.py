"""Who is logged on, as it stands on top of every page; and what their role finds there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from altid.access import places
from altid.access.blocks import SETS
from altid.access.code_uses import SEES as SEES_CODE_USES
from altid.access.grounds import TREATING
from altid.access.identity import Role
from altid.access.overrides import FOLLOW_UP
from altid.orders.policy import OPERATORS, prescribes
from altid.web.gate import Service, Visit

SEES_LOOKS = frozenset({Role.DOCTOR, Role.NURSE, Role.PHARMACIST})
"""Who sees who else has looked at a patient: those who treat, and read what was looked at."""
_NAMES_S_MAX = 300.0
_NAMES_MAX = 10_000
"""Wards and hospitals of a region; a place that is renamed has its new name within five minutes."""


@dataclass(frozen=True, slots=True)
class Me:
    """`place` is the name of where one works, or its SOR id where nobody has said a name."""

    name: str
    role: Role
    place: str
    form_token: str
    finds_patients: bool
    follows_up: bool
    sees_code_uses: bool
    makes_workplaces: bool
    has_list: bool
    sees_looks: bool
    sets_blocks: bool
    oversees_orders: bool
    prescribes: bool
    lookup_url: str
    """Where to look when no site answers; empty: not known."""


@dataclass(slots=True)
class PlaceNames:
    """Names of places, read once in a while. One for a server process."""

    _known: dict[str, tuple[float, str]] = field(default_factory=dict)

    async def of(self, service: Service, organisations: tuple[str, ...]) -> dict[str, str]:
        """A name for each of them. Raises one of `UNREACHABLE` where new ones can't be read."""
        now = time.monotonic()
        missing = [each for each in organisations if self._known.get(each, (0.0, ""))[0] <= now]
        if missing:
            async with service.database.reading() as connection:
                found = await places.names(connection, missing)
            if len(self._known) + len(missing) > _NAMES_MAX:
                self._known.clear()
            for each in missing:
                self._known[each] = (now + _NAMES_S_MAX, found.get(each, each))
        return {each: self._known[each][1] for each in organisations}


async def me_of(visit: Visit, names: PlaceNames) -> Me:
    """Raises one of `UNREACHABLE`."""
    identity = visit.identity
    known = await names.of(visit.service, (identity.organisation,))
    return Me(
        name=identity.name,
        role=identity.role,
        place=known[identity.organisation],
        form_token=visit.form_token,
        finds_patients=visit.permit.may("s", "Patient"),
        follows_up=identity.role in FOLLOW_UP,
        sees_code_uses=identity.role in SEES_CODE_USES,
        makes_workplaces=identity.role is Role.ADMINISTRATOR,
        has_list=identity.role in TREATING,
        sees_looks=identity.role in SEES_LOOKS,
        sets_blocks=identity.role in SETS,
        oversees_orders=identity.role in OPERATORS,
        prescribes=prescribes(identity),
        lookup_url=visit.service.guard.lookup_url,
    )
