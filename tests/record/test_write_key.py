"""A write that is sent again with its key: done once, and answered as it was the first time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.record.postgres import Cluster
from altid.record.read import find_write
from altid.record.write import Write, Written, create, delete, update, write
from altid.record.write_key import WriteKey, client_id, client_key, new_key
from running import make_database

PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1950-01-01"}


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


def run(dsn: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def connected() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


async def one(
    connection: Any, prepared: Write, key: WriteKey | None = None, *, again: bool = False
) -> Written:
    (written,) = await write(connection, [prepared], [key or new_key()], again=again)
    return written


def patient(id_: str, gender: str = "female") -> dict[str, Any]:
    return {**PATIENT, "id": id_, "gender": gender}


def same(first: Written, second: Written) -> bool:
    return first[:3] == second[:3]


def test_a_create_sent_again_is_the_same_create(dsn: str) -> None:
    async def work(connection: Any) -> None:
        prepared, key = create(PATIENT), new_key()
        first = await one(connection, prepared, key)
        again = await one(connection, prepared, key, again=True)
        assert first.outcome == "created"
        assert same(first, again)

    run(dsn, work)


def test_an_update_sent_again_is_answered_as_the_first_time_whatever_came_after(dsn: str) -> None:
    async def work(connection: Any) -> None:
        key = new_key()
        await one(connection, update(patient("u")))
        first = await one(connection, update(patient("u", "male"), 1), key)
        for gender in ("other", "unknown"):
            await one(connection, update(patient("u", gender)))
        again = await one(connection, update(patient("u", "male"), 1), key, again=True)
        assert (first.outcome, first.version) == ("updated", 2)
        assert same(first, again)

    run(dsn, work)


def test_a_deletion_sent_again_deletes_nothing_that_came_after(dsn: str) -> None:
    async def work(connection: Any) -> None:
        key = new_key()
        await one(connection, update(patient("d")))
        first = await one(connection, delete("Patient", "d"), key)
        revived = await one(connection, update(patient("d")))
        again = await one(connection, delete("Patient", "d"), key, again=True)
        assert (first.outcome, revived.outcome, revived.version) == ("deleted", "created", 3)
        assert same(first, again)

    run(dsn, work)


def test_a_resource_that_was_revived_is_told_as_created_again(dsn: str) -> None:
    async def work(connection: Any) -> None:
        key = new_key()
        await one(connection, update(patient("r")))
        await one(connection, delete("Patient", "r"))
        first = await one(connection, update(patient("r")), key)
        assert same(first, await one(connection, update(patient("r")), key, again=True))

    run(dsn, work)


def test_what_was_not_done_is_done_at_the_second_time(dsn: str) -> None:
    async def work(connection: Any) -> None:
        await one(connection, update(patient("n")))
        written = await one(connection, update(patient("n", "male")), again=True)
        assert (written.outcome, written.version) == ("updated", 2)
        assert (await one(connection, create(PATIENT), again=True)).outcome == "created"

    run(dsn, work)


def test_of_a_group_what_was_done_is_not_done_again_and_the_rest_is(dsn: str) -> None:
    async def work(connection: Any) -> None:
        done, key = update(patient("g1")), new_key()
        first = await one(connection, done, key)
        written = await write(connection, [done, update(patient("g2"))], [key, new_key()], again=True)
        assert same(first, written[0])
        assert [result.outcome for result in written] == ["created", "created"]

    run(dsn, work)


def test_a_key_with_another_content_is_a_mismatch_and_writes_nothing(dsn: str) -> None:
    async def work(connection: Any) -> None:
        key, other = client_key("k", "PUT Patient/m", b"one"), client_key("k", "PUT Patient/m", b"two")
        await one(connection, update(patient("m")), key)
        written = await one(connection, update(patient("m", "male")), other)
        assert (written.outcome, written.version) == ("mismatch", 1)
        assert await connection.fetchval("SELECT version FROM resource WHERE id = 'm'") == 1

    run(dsn, work)


def test_a_write_is_found_by_its_key_with_what_it_made(dsn: str) -> None:
    async def work(connection: Any) -> None:
        prepared, key = update(patient("f")), new_key()
        first = await one(connection, prepared, key)
        found = await find_write(connection, "Patient", "f", key)
        assert found is not None
        assert same(found[0], first)
        assert found[1] == prepared.body
        assert await find_write(connection, "Patient", "f", new_key()) is None
        assert await find_write(connection, "Patient", "nobody", key) is None

    run(dsn, work)


def test_the_version_before_may_still_write_while_servers_are_replaced_one_by_one(dsn: str) -> None:
    """And its versions carry no key, so that no retry takes them for its own."""

    async def work(connection: Any) -> None:
        key = new_key()
        await one(connection, update(patient("o")), key)
        statement = "SELECT outcome, version FROM write_resources($1::resource_write[])"
        old = await connection.fetchrow(statement, [update(patient("o", "male"))])
        assert tuple(old) == ("updated", 2)
        assert await connection.fetchval("SELECT write_key FROM resource WHERE id = 'o'") is None
        again = await one(connection, update(patient("o")), key, again=True)
        assert again.version == 1

    run(dsn, work)


@given(st.text(min_size=1), st.text(min_size=1), st.binary())
def test_a_clients_key_is_the_same_everywhere_and_its_content_only_in_the_last_bytes(
    text: str, interaction: str, content: bytes
) -> None:
    key = client_key(text, interaction, content)
    assert key == client_key(text, interaction, content)
    other = client_key(text, interaction, content + b"x")
    assert key.value.bytes[:10] == other.value.bytes[:10]
    assert key.value.bytes[10:] != other.value.bytes[10:]
    assert client_key(text + "x", interaction, content).value.bytes[:10] != key.value.bytes[:10]


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_clients_key_gives_a_create_an_id_that_fhir_allows(text: str, interaction: str) -> None:
    id_ = client_id(text, interaction)
    assert id_ == client_id(text, interaction) != client_id(text, interaction + "x")
    assert len(id_) == 36
    assert id_[14] == "8"
