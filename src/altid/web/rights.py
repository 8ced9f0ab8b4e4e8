"""What one visitor may see on the pages: by role, and of which patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from altid.access.glass import BREAK
from altid.access.permit import Permit


class Why(StrEnum):
    """Why a type of resources of a patient is not shown."""

    ROLE = "role"
    GROUNDS = "grounds"


@dataclass(frozen=True, slots=True)
class Closed:
    """The types that are not shown of a patient."""

    why: dict[str, Why]
    has_grounds: bool

    @property
    def types(self) -> frozenset[str]:
        return frozenset(self.why)

    @property
    def lacks_grounds(self) -> bool:
        """With grounds more would be shown."""
        return Why.GROUNDS in self.why.values()


async def closed_of(permit: Permit, types: Iterable[str], patient: str) -> Closed:
    """Looks for grounds only where they matter."""
    named = list(types)
    needing = [type_ for type_ in named if permit.may("r", type_) and permit.is_bound("r", type_)]
    has_grounds = bool(needing) and await permit.has_grounds([patient])
    why = {type_: Why.ROLE for type_ in named if not permit.may("r", type_)}
    if not has_grounds:
        why |= dict.fromkeys(needing, Why.GROUNDS)
    return Closed(why, has_grounds)


def breaks_glass(permit: Permit) -> bool:
    return permit.identity.role in BREAK
