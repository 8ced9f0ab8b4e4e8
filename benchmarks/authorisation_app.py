"""The servers that the guard's cost is measured with: the product's own, and the same with less of it.

Run as `python -m benchmarks.authorisation_app`. The product can't be run without its guard: what is left out
here is taken out of this process's modules, before anything is served.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from altid.access.guard import GuardSettings
from altid.api import http, keeping, rights
from altid.record.visibility import EVERYTHING
from altid.server.app import AppSettings
from altid.server.worker import WorkerSettings, application_of, run


class _NobodyAsked:
    """In place of a permit: everything may be seen, and nothing is noted."""

    notes: tuple[()] = ()
    was_refused = False
    is_for_everyone = True
    reads_everything = True

    def may(self, _letter: str, _type: str) -> bool:
        return True

    def is_bound(self, _letter: str, _type: str) -> bool:
        return False

    async def visible(self, _letter: str) -> Any:
        return EVERYTHING

    async def shows(self, _found: Any) -> bool:
        return True

    async def has_grounds(self, _patients: Iterable[str]) -> bool:
        return True


def _without_audit() -> None:
    """Who may see what is found out; nothing is written down of it."""

    async def keep(*_: Any) -> None: ...

    _replace(keeping.Keeper, "keep", keep)
    _replace(rights, "note_look", lambda *_, **__: None)


def _without_guard() -> None:
    """FHIR as it would be if nobody cared who asks."""
    permit = _NobodyAsked()

    async def shown(_request: Any, _type: str, found: Any) -> Any:
        return found

    async def searched(_request: Any, query: Any) -> Any:
        return rights.Searched(query, EVERYTHING, frozenset(), False)

    _without_audit()
    _replace(http.FhirApp, "_permit", lambda *_: permit)
    _replace(rights, "require", lambda *_: None)
    _replace(rights, "require_shown", shown)
    _replace(rights, "searched", searched)


def _replace(owner: Any, name: str, by: Any) -> None:
    """Raises `AttributeError` where the product has nothing of that name any more."""
    getattr(owner, name)
    setattr(owner, name, by)


VARIANTS: dict[str, Callable[[], None]] = {
    "whole": lambda: None,
    "no audit": _without_audit,
    "no guard": _without_guard,
}


def main() -> int:
    given = json.loads(sys.stdin.readline())
    VARIANTS[given["variant"]]()
    dsn, guard = given["dsn"], GuardSettings.load(given["guard"])
    settings = WorkerSettings("127.0.0.1", given["port"], AppSettings(dsn, dsn, guard))
    return run(settings, application_of(settings))


if __name__ == "__main__":
    sys.exit(main())
