"""One request's permit looks once more before it hides or refuses, and no more than that."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from altid.access.grounds import Grounds, Own, Place, Reach
from altid.access.identity import Identity
from altid.access.permit import Permit
from altid.fhir.search.hidden import Period
from tests.access.little_region import NOW, someone

_PERIOD = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
_HERE = Place(patients={"anna": Grounds.ADMITTED})
_HIDING = Reach(False, _HERE, Own(hidden={"anna": (_PERIOD,)}), NOW)
_OPENED = Reach(False, _HERE, Own(overrides={"anna": datetime.max.replace(tzinfo=UTC)}), NOW)


class _Looks:
    """Reaches that give what was known, and what is so now."""

    def __init__(self, known: Reach, now: Reach) -> None:
        self._known, self._now = known, now
        self.fresh = 0

    async def of(self, _identity: Identity, *, fresh: bool = False) -> Reach:
        self.fresh += fresh
        return self._now if fresh else self._known


def _asked(known: Reach, now: Reach) -> tuple[bool, dict[str, Any], int]:
    async def story() -> tuple[bool, dict[str, Any], int]:
        looks = _Looks(known, now)
        permit = Permit(someone(), looks)  # type: ignore[arg-type]
        has = await permit.has_grounds(["anna"])
        await permit.has_grounds(["anna"])
        return has, dict((await permit.visible("r")).hidden), looks.fresh

    return asyncio.run(story())


def test_a_period_that_was_just_opened_before_another_server_is_not_hidden() -> None:
    assert _asked(_HIDING, _OPENED) == (True, {}, 1)


def test_what_stays_hidden_is_looked_at_once_more_and_no_oftener() -> None:
    assert _asked(_HIDING, _HIDING) == (True, {"anna": (_PERIOD,)}, 1)


def test_where_nothing_is_hidden_nobody_looks_again() -> None:
    assert _asked(_OPENED, _OPENED) == (True, {}, 0)


def test_whoever_is_newly_admitted_has_no_refusal() -> None:
    assert _asked(Reach(False, now=NOW), Reach(False, _HERE, now=NOW)) == (True, {}, 1)
