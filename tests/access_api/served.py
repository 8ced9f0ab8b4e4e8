"""The endpoints on a real desk, spoken to over HTTP, with an audit that shows what it was told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from starlette.applications import Starlette

from altid.access.audit.event import Event
from altid.access.audit.unavailable import AuditUnavailableError, Cause
from altid.access.guard import Guard
from altid.access.reaching import Reaches
from altid.access.settings import AccessSettings
from altid.api.access.routes import routes
from tests.access.desks import PASSWORD, SETTINGS, Hands, Scene, at_desk

ADDRESS = "10.0.0.1"

_Result = TypeVar("_Result")


@dataclass
class Told:
    """What the audit was told; `is_broken`: it can't keep anything."""

    events: list[Event] = field(default_factory=list)
    is_broken: bool = False

    async def record(self, event: Event) -> None:
        if self.is_broken:
            raise AuditUnavailableError(Cause.DISK)
        self.events.append(event)

    @property
    def last(self) -> tuple[str, str, str]:
        """Action, outcome and operation."""
        event = self.events[-1]
        return (event.action, event.outcome, event.operation)


@dataclass
class Web:
    """A server's endpoints and a client of them."""

    scene: Scene
    http: httpx.AsyncClient
    told: Told

    async def post(self, path: str, bearer: str | None = None, /, **fields: Any) -> httpx.Response:
        headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        return await self.http.post(path, json=fields, headers=headers)

    async def get(self, path: str, bearer: str | None = None) -> httpx.Response:
        headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        return await self.http.get(path, headers=headers)

    async def log_on(self, username: str = "anne", password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        answer = await self.post("/access/logon", username=username, password=password, **more)
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given


def over_http(
    dsn: str,
    work: Callable[[Web], Awaitable[_Result]],
    *,
    settings: AccessSettings = SETTINGS,
    clock: Hands | None = None,
) -> _Result:
    """Open a desk, serve it, do the work."""

    async def at_scene(scene: Scene) -> _Result:
        told = Told()
        guard = Guard(scene.desk, told, Reaches(scene.desk.database))  # type: ignore[arg-type]
        app = Starlette(routes=routes(guard))
        transport = httpx.ASGITransport(app, client=(ADDRESS, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as http:
            return await work(Web(scene, http, told))

    return at_desk(dsn, at_scene, settings=settings, clock=clock)


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["error"]
