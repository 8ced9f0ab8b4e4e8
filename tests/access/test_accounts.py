"""Accounts on a real database."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from argon2 import PasswordHasher

from altid.access import accounts, logon
from altid.access.accounts import Account, AccountError, username_of
from altid.access.identity import Role
from altid.access.logon import Typed
from tests.access.desks import PASSWORD, WARD, Scene, at_desk, granted


async def added(scene: Scene, **changed: Any) -> Account:
    given: dict[str, Any] = {"username": "anne", "name": "Anne Holm", "roles": [Role.NURSE]}
    given |= {"organisations": [WARD], "now_s": scene.clock(), "rng": scene.desk.rng, **changed}
    async with scene.desk.database.writing() as connection:
        return await accounts.add(connection, **given)


def test_an_account_is_found_as_it_was_added(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        made = await added(scene, practitioner="Practitioner/12", password_hash=None, must_change=True)
        async with scene.desk.database.reading() as connection:
            assert await accounts.find(connection, "anne") == made
            assert await accounts.by_id(connection, made.id) == made

    at_desk(fresh, work)


@pytest.mark.parametrize("typed", ["ANNE", " anne ", "Anne", "\uff41nne"])
def test_a_user_name_has_one_spelling(fresh: str, typed: str) -> None:
    assert username_of(typed) == "anne"

    async def work(scene: Scene) -> None:
        await added(scene)
        with pytest.raises(AccountError, match="taken"):
            await added(scene, username=typed)

    at_desk(fresh, work)


@pytest.mark.parametrize(
    "changed",
    [
        {"username": ""},
        {"username": ".anne"},
        {"username": "an ne"},
        {"username": "a" * 65},
        {"username": "anne\x00"},
        {"name": " "},
        {"name": "x" * 121},
        {"name": "Anne\x07"},
        {"roles": []},
        {"roles": [Role.SYSTEM]},
        {"organisations": []},
        {"organisations": ["a b"]},
        {"practitioner": "Patient/1"},
    ],
)
def test_what_makes_no_account_is_refused_in_words(fresh: str, changed: dict[str, Any]) -> None:
    async def work(scene: Scene) -> None:
        with pytest.raises(AccountError):
            await added(scene, **changed)

    at_desk(fresh, work)


def test_the_list_is_in_order_in_pages_and_without_hashes(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        for name in ("carl", "anne", "bo"):
            await added(scene, username=name, password_hash="$argon2id$x")
        async with scene.desk.database.reading() as connection:
            first = await accounts.listing(connection, limit=2)
            rest = await accounts.listing(connection, after=first[-1].username)
        assert [one.username for one in (*first, *rest)] == ["anne", "bo", "carl"]
        assert {one.password for one in (*first, *rest)} == {None}

    at_desk(fresh, work)


def test_an_account_can_be_closed_and_opened(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await added(scene)
        async with scene.desk.database.writing() as connection:
            assert (await accounts.disable(connection, "ANNE", scene.clock())).is_disabled
            assert not (await accounts.enable(connection, "anne")).is_disabled

    at_desk(fresh, work)


def test_what_is_not_there_cannot_be_changed(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        async with scene.desk.database.writing() as connection:
            with pytest.raises(AccountError, match="no account"):
                await accounts.disable(connection, "nobody", scene.clock())
            with pytest.raises(AccountError, match="no account"):
                await accounts.set_organisations(connection, "nobody", ["1"], scene.clock())

    at_desk(fresh, work)


def test_verify_gives_the_account_to_the_right_password_only(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        made = await scene.account()
        pool = scene.desk.passwords
        async with scene.desk.database.reading() as connection:
            assert await accounts.verify(connection, pool, "anne", PASSWORD) == made
            assert await accounts.verify(connection, pool, "anne", "another password") is None
            assert await accounts.verify(connection, pool, "nobody", PASSWORD) is None

    at_desk(fresh, work)


def test_an_old_hash_is_renewed_at_a_logon(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
        await added(scene, password_hash=old)
        for _ in range(2):
            granted(await logon.with_password(scene.desk, scene.caller(), Typed("anne", PASSWORD)))
        async with scene.desk.database.reading() as connection:
            account = await accounts.find(connection, "anne")
        assert account is not None
        assert not accounts.has_outdated_hash(account)

    at_desk(fresh, work)


def test_those_who_work_at_a_place_are_found(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await added(scene, organisations=["emergency", WARD])
        await added(scene, username="bo")
        await added(scene, username="carl", organisations=["emergency"])
        async with scene.desk.database.writing() as connection:
            await accounts.disable(connection, "carl", scene.clock())
            assert await accounts.usernames_at(connection, ["emergency"]) == {"anne"}

    at_desk(fresh, work)


@pytest.mark.parametrize("table", ["account", "client", "workplace"])
def test_the_application_cannot_remove_who_was_ever_let_in(fresh: str, table: str) -> None:
    async def work(scene: Scene) -> None:
        async with scene.desk.database.writing() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"DELETE FROM {table}")

    at_desk(fresh, work)


def test_a_password_in_plain_text_cannot_be_stored(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        with pytest.raises(asyncpg.CheckViolationError):
            await added(scene, password_hash=PASSWORD)

    at_desk(fresh, work)
