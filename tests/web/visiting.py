"""People who look at the pages in tests: accounts, a browser's way of asking, and grounds."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from starlette.applications import Starlette

from altid.access import accounts
from altid.access.accounts import Account
from altid.access.guard import Guard, open_guard
from altid.access.identity import Level, Role
from altid.access.tokens import Subject
from altid.record.database import Database, Limits, open_database
from altid.web.pages import pages
from tests.access.desks import PASSWORD, WARD, hashed
from tests.guards import make_guard, minted

_HASHES: dict[str, str] = {}


class Browser(httpx.Client):
    """A browser as far as these tests ask: it keeps cookies, says where a form comes from, and sends along
    the form's token as the page has it."""

    form_token: str | None = None

    def post(self, url: Any, *, data: Any = None, **more: Any) -> httpx.Response:  # type: ignore[override]
        headers = {"origin": str(self.base_url).rstrip("/"), **more.pop("headers", {})}
        if self.form_token is not None and data is not None and "form_token" not in data:
            data = {**data, "form_token": self.form_token}
        return super().post(url, data=data, headers=headers, **more)

    def log_on(self, username: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """By the form, and on to the page that it leads to."""
        answer = self.post("/logon", data={"username": username, "password": password, **more})
        if answer.status_code == 303:
            self.take_token()
        return answer

    def take_token(self) -> None:
        """From the forms of a page."""
        found = token_in(self.get("/").text)
        assert found is not None
        self.form_token = found


def token_in(html: str) -> str | None:
    """What the forms of a page hold."""
    found = re.search(r'name="form_token" value="([^"]+)"', html)
    return found and found[1]


def run(dsn: str, work: Any) -> Any:
    """Some work on a connection of its own; in a thread, since Playwright has a loop in the tests' own."""

    async def inside() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return in_thread(lambda: asyncio.run(inside()))


def in_thread(work: Callable[[], Any]) -> Any:
    """What the work gives, done where no event loop runs: Playwright has one in the tests' own thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def make_account(
    dsn: str,
    username: str,
    *,
    roles: Sequence[Role] = (Role.DOCTOR,),
    organisations: Sequence[str] = (WARD,),
    name: str | None = None,
    password: str = PASSWORD,
    must_change: bool = False,
) -> Account:
    if password not in _HASHES:
        _HASHES[password] = in_thread(lambda: hashed(password))

    def add(connection: Any) -> Coroutine[Any, Any, Account]:
        return accounts.add(
            connection,
            username=username,
            name=name or f"{username.title()} Holm",
            roles=roles,
            organisations=organisations,
            password_hash=_HASHES[password],
            must_change=must_change,
            now_s=time.time(),
            rng=random.SystemRandom(),
        )

    made: Account = run(dsn, add)
    return made


_LIST = """
INSERT INTO personal_list (account, role, organisation, patient, added, until)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""


def give_grounds(
    dsn: str, account: str, patient: str, role: Role = Role.DOCTOR, organisation: str = WARD
) -> None:
    """The patient is on the person's own list."""
    now = datetime.now(UTC)

    def add(connection: Any) -> Any:
        return connection.execute(
            _LIST,
            account,
            role,
            organisation,
            patient,
            now,
            now + timedelta(days=1),
        )

    run(dsn, add)


@dataclass(frozen=True)
class Pages:
    """What `pages` needs."""

    database: Database
    guard: Guard


@asynccontextmanager
async def asking(
    dsn: str, limits: Limits, folder: Path, doctor: Account, audit: Any = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """The pages in this process, so that a test can get at their database and audit; the doctor is logged
    on."""
    whom = Subject(
        id=doctor.id,
        name=doctor.name,
        role=doctor.roles[0],
        organisation=doctor.organisations[0],
        level=Level.LOW,
        session=str(uuid.uuid4()),
    )
    made = await minted(dsn, whom)
    async with (
        open_database(dsn, dsn, limits=limits) as database,
        open_guard(database, make_guard(folder)) as guard,
    ):
        if audit is not None:
            guard = replace(guard, audit=audit)
        app = Starlette(routes=pages(Pages(database, guard)))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://pages", cookies={"altid": made}
        ) as client:
            yield client, database
