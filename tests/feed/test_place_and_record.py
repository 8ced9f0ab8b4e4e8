"""A place and the real record: who may come in is brought here, looks go there once, and revoking arrives."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from altid.lookup import keys
from altid.lookup.entry.entry import Entry, EntrySettings, open_entry
from altid.lookup.entry.line import Answer
from altid.lookup.entry.person import Person
from altid.lookup.entry.routes import entry_routes
from tests.feed.reading import Reader, execute, reader_of, register
from tests.feed.ward import ELSEWHERE, HERE, WARD_SOR
from tests.lookup.places import KEY, PASSWORD, account, admission, keep, new_copy, organisation

REASON = "Bevidstløs ved ankomst, ukendt medicin"


@pytest.fixture
def nina(dsn: str) -> str:
    """A nurse of the ward with an account in the record; her user name."""
    username = f"nina{uuid.uuid4().hex[:8]}"
    execute(
        dsn,
        """
        INSERT INTO account (id, username, name, password, roles, organisations, created)
        VALUES (gen_random_uuid(), $1, 'Nina Nør', $2, ARRAY['nurse'], ARRAY[$3], now())
        """,
        username,
        account()["password"],
        WARD_SOR,
    )
    return username


@pytest.fixture
def client(dsn: str) -> str:
    """The place as the record knows it, of its own each time."""
    made = f"place-{uuid.uuid4().hex[:8]}"
    register(dsn, made, "system/feed-ward", WARD_SOR)
    return made


@pytest.fixture
def reader(server: str, dsn: str, client: str) -> Iterator[Reader]:
    with reader_of(server, dsn, client, "system/feed-ward") as made:
        yield made


class Place:
    def __init__(self, entry: Entry, browser: httpx.AsyncClient) -> None:
        self.entry, self.browser = entry, browser

    async def go(self) -> bool:
        assert self.entry.courier is not None
        return await self.entry.courier.go()

    async def post(self, path: str, **form: str) -> int:
        answer = await self.browser.post(path, data=form, headers={"sec-fetch-site": "same-origin"})
        return answer.status_code

    def person(self) -> Person | None:
        found = self.entry.sessions.find(self.browser.cookies.get("altid-opslag"))
        return found if found is not None and self.entry._may_stay(found) else None


@asynccontextmanager
async def place(folder: Path, reader: Reader) -> AsyncIterator[Place]:
    """With the ward and who lies there, and a line to the real server."""
    copy = new_copy(folder / "copy.db")
    keep(
        copy,
        organisation("real", WARD_SOR, "hospital", "Afsnit R"),
        admission("r", HERE, organisation="real"),
    )
    keys.add_seals(folder, KEY, keys.Secrets(operations="driftens egen sætning"))
    async with httpx.AsyncClient(
        base_url=reader.client.base_url, headers=reader.client.headers, timeout=30
    ) as http:

        async def line(method: str, path: str, body: bytes | None) -> Answer:
            json = {"content-type": "application/json"}
            answer = await http.request(method, path, content=body, headers=json)
            return Answer(answer.status_code, answer.content)

        settings = EntrySettings(folder, "stue 3", (WARD_SOR,), hash_threads=1)
        async with open_entry(copy, KEY, settings, line) as entry:
            transport = httpx.ASGITransport(Starlette(routes=entry_routes(entry)))
            async with httpx.AsyncClient(transport=transport, base_url="http://opslag") as browser:
                yield Place(entry, browser)
    copy.close()


def events(dsn: str, client: str) -> list[str]:
    rows = execute(dsn, "SELECT action FROM audit WHERE writer ^@ $1 ORDER BY seq", f"opslag-{client}")
    return [row[0] for row in rows]


def test_what_is_done_at_a_place_is_known_to_the_record_once(
    tmp_path: Path, nina: str, client: str, reader: Reader, dsn: str
) -> None:
    async def work() -> None:
        async with place(tmp_path, reader) as here:
            assert await here.go()
            assert await here.post("/logon", username=nina, password=PASSWORD) == 303
            person = here.person()
            assert person is not None
            await here.entry.look(person, None, "patient", (HERE,))
            glass = {"kind": "acute", "reason": REASON, "form_token": person.form_token}
            assert await here.post(f"/patient/{ELSEWHERE}/override", **glass) == 303
            code = await here.entry.door.make_code(WARD_SOR, random.Random(1))
            used = {"ward": WARD_SOR, "code": code, "name": "Vikar Vest", "reason": REASON}
            assert await here.post("/logon/code", **used) == 303
            for _ in range(3):
                assert await here.go()
            assert here.entry.courier is not None
            assert (here.entry.courier.problems.looks, here.entry.courier.problems.entry) == ("", "")

    asyncio.run(work())
    assert events(dsn, client) == ["logon", "read", "override", "emergency-code"]
    uses = execute(dsn, "SELECT ward, name, reason FROM code_use WHERE client = $1", client)
    assert [tuple(row) for row in uses] == [(WARD_SOR, "Vikar Vest", REASON)]
    rows = execute(dsn, "SELECT patient, kind, reason FROM override WHERE reason = $1", REASON)
    assert [tuple(row) for row in rows] == [(ELSEWHERE, "acute", REASON)]


def test_an_account_that_is_closed_in_the_record_is_out_at_the_place(
    tmp_path: Path, nina: str, client: str, reader: Reader, dsn: str
) -> None:
    async def work() -> None:
        async with place(tmp_path, reader) as here:
            assert await here.go()
            assert await here.post("/logon", username=nina, password=PASSWORD) == 303
            close = "UPDATE account SET disabled_at = now() WHERE username = $1"
            await asyncio.to_thread(execute, dsn, close, nina)
            assert await here.go()
            assert here.person() is None

    asyncio.run(work())


def test_a_place_that_is_revoked_in_the_record_tells_its_looks_and_closes(
    tmp_path: Path, nina: str, client: str, reader: Reader, dsn: str
) -> None:
    async def work() -> None:
        async with place(tmp_path, reader) as here:
            assert await here.go()
            assert await here.post("/logon", username=nina, password=PASSWORD) == 303
            revoke = "UPDATE client SET scopes = '{system/feed-revoked}' WHERE id = $1"
            await asyncio.to_thread(execute, dsn, revoke, client)
            assert await here.go()
            assert here.entry.closed == "revoked"

    asyncio.run(work())
    assert keys.ways(tmp_path) == ()
    assert events(dsn, client) == ["logon"]
