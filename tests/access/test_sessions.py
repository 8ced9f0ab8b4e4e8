"""Sessions on a real database: refresh, reuse, ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from altid.access import accounts, logon, sessions
from altid.access.door import Granted
from altid.access.identity import Role
from altid.access.logon import Typed
from altid.access.refusal import Code, Refusal
from altid.access.tokens import Fault, TokenError
from tests.access.desks import PASSWORD, SETTINGS, WARD, Hands, Scene, at_desk, granted


async def logged_on(scene: Scene, username: str = "anne", **account: Any) -> Granted:
    await scene.account(username, **account)
    return granted(await logon.with_password(scene.desk, scene.caller(), Typed(username, PASSWORD)))


async def refreshed(scene: Scene, token: str | None) -> Granted:
    assert token is not None
    return granted(await logon.with_refresh(scene.desk, scene.caller(), token))


async def code(scene: Scene, token: str | None) -> Code:
    assert token is not None
    answer = await logon.with_refresh(scene.desk, scene.caller(), token)
    assert isinstance(answer, Refusal)
    return answer.code


def test_a_refresh_goes_on_with_the_same_session_and_person(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        scene.clock.forward(500)
        next_one = await refreshed(scene, begun.refresh)
        assert next_one.refresh != begun.refresh
        assert next_one.access != begun.access
        assert next_one.identity.session == begun.identity.session
        assert next_one.identity.name == begun.identity.name
        assert scene.desk.verifier.verify(next_one.access) == next_one.identity

    at_desk(fresh, work)


def test_a_session_lives_on_through_a_shift_of_refreshes_and_no_longer(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        current = await logged_on(scene)
        for _ in range(60):
            scene.clock.forward(600)
            current = await refreshed(scene, current.refresh)
        for _ in range(20):
            scene.clock.forward(600)
            answer = await logon.with_refresh(scene.desk, scene.caller(), current.refresh or "")
            if isinstance(answer, Refusal):
                assert answer.code is Code.ENDED
                return
            current = granted(answer)
        pytest.fail("the session outlived its shift")

    at_desk(fresh, work)


def test_the_answer_may_be_lost_and_asked_for_again(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        lost = await refreshed(scene, begun.refresh)
        scene.clock.forward(SETTINGS.refresh_overlap_s)
        again = await refreshed(scene, begun.refresh)
        assert again.refresh == lost.refresh
        await refreshed(scene, again.refresh)

    at_desk(fresh, work)


def test_two_tabs_that_refresh_at_once_both_go_on(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        both = await asyncio.gather(*(refreshed(scene, begun.refresh) for _ in range(3)))
        assert len({one.refresh for one in both}) == 1
        await refreshed(scene, both[0].refresh)

    at_desk(fresh, work)


def test_an_old_refresh_token_that_comes_back_ends_the_session(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        owner = await refreshed(scene, begun.refresh)
        scene.clock.forward(SETTINGS.refresh_overlap_s + 1)
        assert await code(scene, begun.refresh) is Code.ENDED
        assert await code(scene, owner.refresh) is Code.ENDED
        with pytest.raises(TokenError) as caught:
            scene.desk.verifier.verify(owner.access)
        assert caught.value.fault is Fault.REVOKED
        async with scene.desk.database.reading() as connection:
            assert await connection.fetchval("SELECT end_reason FROM session") == "reuse"

    at_desk(fresh, work)


def test_a_thief_and_the_owner_cannot_both_go_on(fresh: str) -> None:
    """The thief copies a token and uses it within the overlap: whoever comes second later ends both."""

    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        owner, thief = await refreshed(scene, begun.refresh), await refreshed(scene, begun.refresh)
        scene.clock.forward(600)
        thief = await refreshed(scene, thief.refresh)
        scene.clock.forward(SETTINGS.refresh_overlap_s + 1)
        assert await code(scene, owner.refresh) is Code.ENDED
        assert await code(scene, thief.refresh) is Code.ENDED

    at_desk(fresh, work)


def test_a_made_up_token_ends_nobodys_session(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        assert begun.refresh is not None
        sid, number, _, seal = begun.refresh.split(".")
        assert await code(scene, f"{sid}.{number}.{'A' * 43}.{seal}") is Code.ENDED
        await refreshed(scene, begun.refresh)

    at_desk(fresh, work)


def test_after_a_restore_from_a_moment_before_nobody_is_logged_out(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        async with scene.desk.database.writing() as connection:
            before = await connection.fetchrow("SELECT refresh_hash, refresh_number FROM session")
        newer = await refreshed(scene, (await refreshed(scene, begun.refresh)).refresh)
        async with scene.desk.database.writing() as connection:
            assert before is not None
            await connection.execute("UPDATE session SET refresh_hash = $1, refresh_number = $2", *before)
        await refreshed(scene, newer.refresh)

    at_desk(fresh, work)


def test_a_session_that_nobody_has_used_for_hours_is_over(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        scene.clock.forward(SETTINGS.session_idle_s + 1)
        assert await code(scene, begun.refresh) is Code.ENDED

    at_desk(fresh, work)


def test_who_logs_off_is_out_at_once_here_and_at_the_next_look_elsewhere(fresh: str) -> None:
    clock = Hands()

    async def begin(scene: Scene) -> Granted:
        begun = await logged_on(scene)
        other = scene.desk.verifier.verify(begun.access)
        assert await logon.log_off(scene.desk, scene.caller(), other) is True
        with pytest.raises(TokenError):
            scene.desk.verifier.verify(begun.access)
        assert await code(scene, begun.refresh) is Code.ENDED
        assert await logon.log_off(scene.desk, scene.caller(), other) is False
        return begun

    async def elsewhere(scene: Scene) -> None:
        with pytest.raises(TokenError) as caught:
            scene.desk.verifier.verify(begun.access)
        assert caught.value.fault is Fault.REVOKED

    begun = at_desk(fresh, begin, clock=clock)
    at_desk(fresh, elsewhere, clock=clock)


def test_one_logon_works_at_both_sites_also_when_the_first_is_gone(fresh: str) -> None:
    clock = Hands()

    async def elsewhere(scene: Scene) -> None:
        assert scene.desk.verifier.verify(begun.access).site == "A"
        assert (await refreshed(scene, begun.refresh)).identity.site == "B"

    begun = at_desk(fresh, logged_on, clock=clock)
    from dataclasses import replace

    at_desk(fresh, elsewhere, clock=clock, settings=replace(SETTINGS, site="B"))


def test_all_sessions_of_an_account_can_be_ended_and_no_others(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        second = granted(await logon.with_password(scene.desk, scene.caller(), Typed("anne", PASSWORD)))
        other = await logged_on(scene, "bo")
        async with scene.desk.database.writing() as connection:
            assert await sessions.end_all(connection, begun.identity.subject, scene.clock()) == 2
        assert await code(scene, begun.refresh) is Code.ENDED
        assert await code(scene, second.refresh) is Code.ENDED
        await refreshed(scene, other.refresh)

    at_desk(fresh, work)


def test_a_closed_account_is_out(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        async with scene.desk.database.writing() as connection:
            await accounts.disable(connection, "anne", scene.clock())
            await scene.desk.keys.refresh(connection)
        assert await code(scene, begun.refresh) is Code.ENDED
        with pytest.raises(TokenError):
            scene.desk.verifier.verify(begun.access)

    at_desk(fresh, work)


def test_a_session_ends_with_the_role_that_it_was_for(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene, roles=(Role.DOCTOR, Role.NURSE))
        typed = Typed("anne", PASSWORD, role=Role.NURSE)
        as_nurse = granted(await logon.with_password(scene.desk, scene.caller(), typed))
        async with scene.desk.database.writing() as connection:
            await accounts.set_roles(connection, "anne", [Role.NURSE], scene.clock())
        assert await code(scene, begun.refresh) is Code.ENDED
        await refreshed(scene, as_nurse.refresh)

    at_desk(fresh, work)


def test_every_logon_is_a_new_session(fresh: str) -> None:
    """No session id is ever taken from outside, so none can be planted (session fixation)."""

    async def work(scene: Scene) -> None:
        first = await logged_on(scene)
        typed = Typed("anne", PASSWORD)
        again = [granted(await logon.with_password(scene.desk, scene.caller(), typed)) for _ in range(3)]
        assert len({first.identity.session, *(one.identity.session for one in again)}) == 4

    at_desk(fresh, work)


def test_the_database_holds_no_token(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun = await logged_on(scene)
        assert begun.refresh is not None
        async with scene.desk.database.reading() as connection:
            rows = await connection.fetch("SELECT s::text AS text FROM session s")
        stored = rows[0]["text"]
        secret = scene.desk.chain.read(begun.refresh)
        assert secret is not None
        assert secret.secret.hex() not in stored
        assert begun.refresh.split(".")[2] not in stored

    at_desk(fresh, work)


def test_old_sessions_are_removed_and_open_ones_kept(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await logged_on(scene)
        scene.clock.forward(8 * 24 * 3600)
        kept = granted(await logon.with_password(scene.desk, scene.caller(), Typed("anne", PASSWORD)))
        async with scene.desk.database.writing() as connection:
            assert await sessions.remove_old(connection, scene.clock()) == 1
        await refreshed(scene, kept.refresh)

    at_desk(fresh, work)


def test_workplaces_can_be_chosen_among_ones_own(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account(organisations=(WARD, "0815"))
        typed = Typed("anne", PASSWORD, organisation="0815")
        assert (
            granted(await logon.with_password(scene.desk, scene.caller(), typed)).identity.organisation
            == "0815"
        )
        refused = await logon.with_password(
            scene.desk, scene.caller(), Typed("anne", PASSWORD, role=Role.AUDITOR)
        )
        assert isinstance(refused, Refusal)
        assert refused.code is Code.NOT_YOURS

    at_desk(fresh, work)
