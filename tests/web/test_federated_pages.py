"""Logon at the region's identity provider, by the pages: there and back again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette

from altid.access.audit.event import Event
from altid.access.audit.unavailable import Cause
from altid.access.guard import Guard
from altid.access.reaching import Reaches
from altid.record.postgres import Cluster
from altid.web.pages import pages
from tests.access.federating import ORIGIN, Beside, beside
from tests.running import make_database
from tests.web.visiting import Pages


@dataclass
class Told:
    """An audit that keeps what it was told in memory."""

    events: list[Event] = field(default_factory=list)
    fault: Cause | None = None

    async def record(self, event: Event) -> None:
        self.events.append(event)


@asynccontextmanager
async def browser_at(scene: Beside, told: Told) -> AsyncIterator[httpx.AsyncClient]:
    desk = scene.scene.desk
    guard = Guard(desk, told, Reaches(desk.database))  # type: ignore[arg-type]
    app = Starlette(routes=pages(Pages(desk.database, guard)))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def at_pages(postgres: Cluster, work: Callable[[Beside, httpx.AsyncClient, Told], Awaitable[None]]) -> None:
    async def run(scene: Beside) -> None:
        told = Told()
        async with browser_at(scene, told) as client:
            await work(scene, client, told)

    beside(make_database(postgres), run)


def test_the_way_there_and_back(postgres: Cluster) -> None:
    async def work(scene: Beside, client: httpx.AsyncClient, told: Told) -> None:
        name = scene.peer.provider.name
        offered = (await client.get("/logon?next=/looks")).text
        assert f'href="/logon/with/{name}?next=/looks"' in offered
        out = await client.get(f"/logon/with/{name}?next=/looks")
        assert out.status_code == 303
        code, state = scene.provider.log_on(out.headers["location"])
        back = await client.get(f"/logon/oidc/{name}", params={"code": code, "state": state})
        assert back.status_code == 303, back.text
        assert back.headers["location"] in ("/looks", "/role?next=%2Flooks")
        assert client.cookies["altid"]
        assert "altid-journey" not in client.cookies
        assert told.events[-1].operation == f"provider {name}"
        assert (await client.get("/role")).status_code == 200

    at_pages(postgres, work)


def test_an_answer_in_another_browser_lets_nobody_in(postgres: Cluster) -> None:
    async def work(scene: Beside, client: httpx.AsyncClient, _told: Told) -> None:
        name = scene.peer.provider.name
        out = await client.get(f"/logon/with/{name}")
        code, state = scene.provider.log_on(out.headers["location"])
        client.cookies.clear()
        back = await client.get(f"/logon/oidc/{name}", params={"code": code, "state": state})
        assert back.status_code >= 400
        assert "altid" not in client.cookies

    at_pages(postgres, work)


def test_a_journey_leads_nowhere_else(postgres: Cluster) -> None:
    async def work(scene: Beside, client: httpx.AsyncClient, _told: Told) -> None:
        name = scene.peer.provider.name
        out = await client.get(f"/logon/with/{name}", params={"next": "//evil.example"})
        code, state = scene.provider.log_on(out.headers["location"])
        back: Any = await client.get(f"/logon/oidc/{name}", params={"code": code, "state": state})
        assert back.headers["location"] in ("/", "/role?next=%2F")

    at_pages(postgres, work)
