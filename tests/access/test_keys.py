"""Signing keys: made, sealed, rotated without logging anybody out, and the set that outlives its database."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from altid.access import keys
from altid.access.identity import Level, Role
from altid.access.keys import PUBLISHED_BEFORE_S, KeySet, NoSigningKeyError
from altid.access.secret import AccessSecret
from altid.access.settings import LEEWAY_S, AccessSettings
from altid.access.tokens import Fault, Subject, TokenError, Verifier, issue
from tests.access.desks import NOON, SECRET, SETTINGS, WARD, Hands, at_desk

SUBJECT = Subject("a-1", "Anne Holm", Role.DOCTOR, WARD, Level.LOW, "s-1")
SITE_B = AccessSettings(region="nordby", site="B")
LAST_TOKEN_S = SETTINGS.token_s_max + LEEWAY_S


def with_connection(fresh: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(fresh)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def token(key_set: KeySet, clock: Hands) -> str:
    return issue(SUBJECT, key_set.signing(), SETTINGS, clock(), random.Random(1))[0]


def test_the_first_key_is_made_once_however_many_servers_begin(fresh: str) -> None:
    async def begin(_: Any) -> list[bool]:
        connections = await asyncio.gather(*(asyncpg.connect(fresh) for _ in range(4)))
        made = await asyncio.gather(
            *(keys.maintain(connection, SETTINGS, SECRET, NOON) for connection in connections)
        )
        await asyncio.gather(*(connection.close() for connection in connections))
        return list(made)

    assert sorted(with_connection(fresh, begin)) == [False, False, False, True]
    assert with_connection(fresh, lambda c: c.fetchval("SELECT count(*) FROM signing_key")) == 1


def test_both_sites_verify_each_others_tokens(fresh: str) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        site_a, site_b = KeySet(SETTINGS, SECRET, clock), KeySet(SITE_B, SECRET, clock)
        await site_a.refresh(connection)
        await site_b.refresh(connection)
        identity = Verifier(site_b, SITE_B, clock).verify(token(site_a, clock))
        assert (identity.subject, identity.site) == ("a-1", "A")
        other = issue(SUBJECT, site_b.signing(), SITE_B, clock(), random.Random(2))[0]
        assert Verifier(site_a, SETTINGS, clock).verify(other).site == "B"

    with_connection(fresh, work)


def test_a_rotation_logs_nobody_out_at_either_site(fresh: str) -> None:
    """Tokens of every minute around a rotation are good for their whole life, also when read late."""
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        site_a, site_b = KeySet(SETTINGS, SECRET, clock), KeySet(SITE_B, SECRET, clock)
        await site_a.refresh(connection)
        await keys.rotate(connection, SETTINGS, SECRET, clock())
        await site_b.refresh(connection)
        verify_a = Verifier(site_a, SETTINGS, clock, remembered_max=0)
        verify_b = Verifier(site_b, SITE_B, clock, remembered_max=0)
        living: list[tuple[float, str]] = []
        signers = set()
        for minute in range(60):
            clock.now_s = NOON + minute * 60
            if minute == 8:  # Site A could not read for a while, but did before the new key signs.
                await site_a.refresh(connection)
            if minute > 8:
                await site_a.refresh(connection)
                await site_b.refresh(connection)
            for key_set in (site_a, site_b):
                signers.add(key_set.signing().kid)
                text = token(key_set, clock)
                living.append((verify_b.verify(text).expires_s, text))
            living = [(ends, text) for ends, text in living if ends > clock()]
            for _, text in living:
                verify_a.verify(text)
                verify_b.verify(text)
        assert len(signers) == 2
        assert len(site_a.published()["keys"]) == 1

    with_connection(fresh, work)


def test_a_new_key_is_published_before_it_signs(fresh: str) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        key_set = KeySet(SETTINGS, SECRET, clock)
        new = await keys.rotate(connection, SETTINGS, SECRET, clock())
        await key_set.refresh(connection)
        assert new in {key["kid"] for key in key_set.published()["keys"]}
        assert key_set.signing().kid != new
        clock.forward(PUBLISHED_BEFORE_S)
        assert key_set.signing().kid == new

    with_connection(fresh, work)


def test_after_a_rotation_the_old_key_is_refused_once_its_last_token_has_ended(fresh: str) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        key_set = KeySet(SETTINGS, SECRET, clock)
        await key_set.refresh(connection)
        old = key_set.signing().kid
        await keys.rotate(connection, SETTINGS, SECRET, clock())
        await key_set.refresh(connection)
        clock.forward(PUBLISHED_BEFORE_S + LAST_TOKEN_S)
        assert key_set.verifying(old) is not None
        clock.forward(PUBLISHED_BEFORE_S + 1)
        assert key_set.verifying(old) is None

    with_connection(fresh, work)


def test_keys_are_rotated_when_it_is_time_and_removed_when_nobody_needs_them(fresh: str) -> None:
    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, NOON)
        assert not await keys.maintain(connection, SETTINGS, SECRET, NOON + keys.ROTATED_EVERY_S - 1)
        assert await keys.maintain(connection, SETTINGS, SECRET, NOON + keys.ROTATED_EVERY_S)
        assert await connection.fetchval("SELECT count(*) FROM signing_key") == 2
        await keys.maintain(connection, SETTINGS, SECRET, NOON + keys.ROTATED_EVERY_S + 3 * 24 * 3600)
        assert await connection.fetchval("SELECT count(*) FROM signing_key") == 1

    with_connection(fresh, work)


def test_a_withdrawn_key_is_refused_at_the_next_look(fresh: str) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        key_set = KeySet(SETTINGS, SECRET, clock)
        await key_set.refresh(connection)
        text = token(key_set, clock)
        checker = Verifier(key_set, SETTINGS, clock)
        checker.verify(text)
        await keys.withdraw(connection, key_set.signing().kid, clock())
        await key_set.refresh(connection)
        with pytest.raises(TokenError) as caught:
            checker.verify(text)
        assert caught.value.fault is Fault.KEY

    with_connection(fresh, work)


def test_when_the_database_is_away_the_last_keys_go_on(fresh: str) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        key_set = KeySet(SETTINGS, SECRET, clock)
        await key_set.refresh(connection)
        text = token(key_set, clock)
        await connection.close()
        with pytest.raises(asyncpg.InterfaceError):
            await key_set.refresh(connection)
        clock.forward(60)
        assert Verifier(key_set, SETTINGS, clock).verify(text).subject == "a-1"
        assert token(key_set, clock)
        assert key_set.age_s == 60

    with_connection(fresh, work)


def test_the_keys_are_of_no_use_without_the_access_secret(fresh: str) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        right, wrong = (KeySet(SETTINGS, secret, clock) for secret in (SECRET, AccessSecret(bytes(32))))
        await right.refresh(connection)
        await wrong.refresh(connection)
        assert Verifier(wrong, SETTINGS, clock).verify(token(right, clock)).subject == "a-1"
        with pytest.raises(NoSigningKeyError):
            wrong.signing()

    with_connection(fresh, work)


def test_a_sealed_key_cannot_be_put_in_anothers_place(fresh: str) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        await connection.execute("UPDATE signing_key SET kid = 'another'")
        key_set = KeySet(SETTINGS, SECRET, clock)
        await key_set.refresh(connection)
        with pytest.raises(NoSigningKeyError):
            key_set.signing()

    with_connection(fresh, work)


def test_what_is_published_holds_no_private_part(fresh: str) -> None:
    async def work(scene: Any) -> dict[str, Any]:
        return dict(scene.desk.keys.published())

    published = at_desk(fresh, work)
    assert [set(key) for key in published["keys"]] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]


def test_a_record_whose_keys_the_secret_does_not_open_gets_one_of_its_own(fresh: str) -> None:
    """As one that was restored from a backup without the secret that it had."""
    clock, other = Hands(), AccessSecret(bytes(32))

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        assert await keys.maintain(connection, SETTINGS, other, clock())
        assert not await keys.maintain(connection, SETTINGS, other, clock())
        key_set = KeySet(SETTINGS, other, clock)
        await key_set.refresh(connection)
        Verifier(key_set, SETTINGS, clock).verify(token(key_set, clock))

    with_connection(fresh, work)


def test_it_is_said_once_that_a_key_cannot_be_opened(fresh: str, caplog: pytest.LogCaptureFixture) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        key_set = KeySet(SETTINGS, AccessSecret(bytes(32)), clock)
        for _ in range(3):
            await key_set.refresh(connection)

    with_connection(fresh, work)
    assert len([one for one in caplog.records if "does not open" in one.getMessage()]) == 1


def test_what_all_keys_have_signed_can_be_refused(fresh: str) -> None:
    clock = Hands()

    async def work(connection: Any) -> None:
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        key_set = KeySet(SETTINGS, SECRET, clock)
        await key_set.refresh(connection)
        signed = token(key_set, clock)
        await keys.withdraw_all(connection, clock())
        await keys.maintain(connection, SETTINGS, SECRET, clock())
        await key_set.refresh(connection)
        with pytest.raises(TokenError) as refused:
            Verifier(key_set, SETTINGS, clock).verify(signed)
        assert refused.value.fault is Fault.KEY
        Verifier(key_set, SETTINGS, clock).verify(token(key_set, clock))

    with_connection(fresh, work)
