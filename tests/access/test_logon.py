"""Logon as a whole: who is let in, who is refused, and with which words."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from altid.access import accounts, desk, invitations, joining, lists, logon, refusal
from altid.access.identity import Level, Role
from altid.access.logon import Typed
from altid.access.refusal import Code, Refusal
from altid.access.waiting import Priority, Ticket
from tests.access.desks import PASSWORD, SETTINGS, WARD, Hands, Scene, at_desk, granted

NEW = "en ny og lang sætning"


async def log_on(scene: Scene, typed: Typed, address: str = "10.0.0.1") -> Any:
    return await logon.with_password(scene.desk, scene.caller(address), typed)


def code(answer: object) -> Code:
    assert isinstance(answer, Refusal)
    return answer.code


def test_the_right_password_opens(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        account = await scene.account()
        identity = granted(await log_on(scene, Typed(" ANNE ", PASSWORD))).identity
        assert identity.subject == account.id
        assert (identity.role, identity.organisation, identity.level) == (Role.DOCTOR, WARD, Level.LOW)

    at_desk(fresh, work)


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        await scene.account("bo", password=None)
        wrong = await log_on(scene, Typed("anne", "forkert adgangskode"))
        unknown = await log_on(scene, Typed("nobody", "forkert adgangskode"))
        without = await log_on(scene, Typed("bo", "forkert adgangskode"))
        assert wrong == unknown == without == refusal.WRONG

    at_desk(fresh, work)


def test_that_an_account_is_closed_is_told_only_to_its_owner(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        async with scene.desk.database.writing() as connection:
            await accounts.disable(connection, "anne", scene.clock())
        assert code(await log_on(scene, Typed("anne", PASSWORD))) is Code.DISABLED
        assert code(await log_on(scene, Typed("anne", "forkert adgangskode"))) is Code.WRONG

    at_desk(fresh, work)


def test_a_first_password_must_be_changed(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account(must_change=True)
        typed = Typed("anne", PASSWORD)
        assert code(await log_on(scene, typed)) is Code.MUST_CHANGE
        granted(await logon.with_new_password(scene.desk, scene.caller(), typed, NEW))
        granted(await log_on(scene, Typed("anne", NEW)))
        assert code(await log_on(scene, typed)) is Code.WRONG

    at_desk(fresh, work)


def test_a_new_password_puts_out_whoever_knew_the_old_one(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        old = granted(await log_on(scene, Typed("anne", PASSWORD)))
        granted(await logon.with_new_password(scene.desk, scene.caller(), Typed("anne", PASSWORD), NEW))
        assert code(await logon.with_refresh(scene.desk, scene.caller(), old.refresh or "")) is Code.ENDED

    at_desk(fresh, work)


def test_a_weak_new_password_changes_nothing(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        answer = await logon.with_new_password(scene.desk, scene.caller(), Typed("anne", PASSWORD), "kort")
        assert code(answer) is Code.WEAK
        granted(await log_on(scene, Typed("anne", PASSWORD)))

    at_desk(fresh, work)


def test_guessing_is_slowed_with_the_seconds_to_wait(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        for _ in range(5):
            await log_on(scene, Typed("anne", "forkert adgangskode"))
            scene.clock.forward(0.01)
        answer = await log_on(scene, Typed("anne", PASSWORD))
        assert code(answer) is Code.SLOWED
        assert answer.retry_after_s > 0
        scene.clock.forward(answer.retry_after_s)
        granted(await log_on(scene, Typed("anne", PASSWORD)))

    at_desk(fresh, work)


def test_a_ward_under_attack_is_held_for_moments_and_let_in(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        for number in range(500):
            scene.desk.throttle.failed(f"user{number}", "10.0.0.1")
        granted(await log_on(scene, Typed("anne", PASSWORD)))
        assert scene.slept_s == [2]
        granted(await log_on(scene, Typed("anne", PASSWORD)))
        assert scene.slept_s == [2]

    at_desk(fresh, work)


def test_nobody_is_held_longer_than_there_is_time(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        for number in range(500):
            scene.desk.throttle.failed(f"user{number}", "10.0.0.1")
        caller = scene.caller(patience_s=1)
        granted(await logon.with_password(scene.desk, caller, Typed("anne", PASSWORD)))
        assert scene.slept_s == [0.5]

    at_desk(fresh, work)


async def crowd(scene: Scene) -> None:
    """The line is full of people who came first."""
    line = scene.desk.hashing.line
    for _ in range(line.limits.at_once):
        line.offer(Priority.REENTRY, scene.clock() + 1e6, scene.clock())
        line.take(scene.clock())
    while isinstance(line.offer(Priority.ORDINARY, scene.clock() + 1e6, scene.clock()), Ticket):
        pass


def test_who_is_sent_away_is_told_the_place_and_the_time_and_then_goes_first(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        await crowd(scene)
        answer = await log_on(scene, Typed("anne", PASSWORD))
        assert code(answer) is Code.BUSY
        assert answer.status == 503
        assert answer.place >= 1
        assert answer.retry_after_s >= 1
        assert str(answer.place) in answer.text("da")
        scene.clock.forward(answer.retry_after_s)
        made = scene.desk.appointments
        assert made.is_due(answer.appointment, "anne", scene.clock())
        assert not made.is_due(answer.appointment, "bo", scene.clock())
        assert not made.is_due(answer.appointment, "anne", scene.clock() - 5)
        assert not made.is_due(answer.appointment, "anne", scene.clock() + 120)
        assert not made.is_due((answer.appointment or "") + "x", "anne", scene.clock())

    at_desk(fresh, work)


def test_who_has_no_time_left_is_told_before_anything_is_done(
    fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(scene: Scene) -> None:
        monkeypatch.setattr(scene.desk.passwords, "verify", lambda *_: pytest.fail("hashed"))
        caller = scene.caller(patience_s=0)
        assert code(await logon.with_password(scene.desk, caller, Typed("anne", PASSWORD))) is Code.TOO_LATE

    at_desk(fresh, work)


def test_emergency_departments_and_those_who_return_go_first(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account(organisations=("akut",))
        await desk.tidy(scene.desk)
        appointment = scene.desk.appointments.make("bo", scene.clock())
        assert logon._priority(scene.desk, "anne", None) is Priority.EMERGENCY
        assert logon._priority(scene.desk, "bo", appointment) is Priority.RETURNING
        assert logon._priority(scene.desk, "bo", None) is Priority.ORDINARY

    at_desk(fresh, work, settings=replace(SETTINGS, emergency_organisations=("akut",)))


def test_when_the_database_is_away_logon_says_so_and_tokens_go_on(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        begun = granted(await log_on(scene, Typed("anne", PASSWORD)))
        scene.desk.database.readers.terminate()
        await scene.desk.database.primary.close()
        assert code(await log_on(scene, Typed("anne", PASSWORD))) is Code.UNAVAILABLE
        assert scene.desk.verifier.verify(begun.access) == begun.identity

    at_desk(fresh, work)


@pytest.mark.parametrize("typed", [Typed("a" * 10_000, PASSWORD), Typed("anne", "x" * 300)])
def test_what_nobody_types_is_refused_before_it_costs_anything(fresh: str, typed: Typed) -> None:
    async def work(scene: Scene) -> None:
        assert code(await log_on(scene, typed)) is Code.INVALID_REQUEST

    at_desk(fresh, work)


@pytest.mark.parametrize(
    "typed", [Typed("anne\x00", PASSWORD), Typed("\ud800", "\ud800" * 12), Typed("", "")]
)
def test_strange_characters_are_just_wrong(fresh: str, typed: Typed) -> None:
    async def work(scene: Scene) -> None:
        assert code(await log_on(scene, typed)) is Code.WRONG

    at_desk(fresh, work)


def test_many_at_once_are_all_answered(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.account()
        answers = await asyncio.gather(*(log_on(scene, Typed("anne", PASSWORD)) for _ in range(60)))
        codes = {one.code for one in answers if isinstance(one, Refusal)}
        assert codes <= {Code.BUSY}
        assert sum(not isinstance(one, Refusal) for one in answers) >= 10
        line = scene.desk.hashing.line
        assert (line.busy, line.waiting) == (0, 0)

    at_desk(fresh, work)


def test_the_first_administrators_link_works_once(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        rng = random.Random(1)
        async with scene.desk.database.writing() as connection:
            replaced = await invitations.invite_first_administrator(connection, "0815", scene.clock(), rng)
            link = await invitations.invite_first_administrator(connection, "0815", scene.clock(), rng)
        assert link is not None
        assert replaced is not None

        async def join(secret: str, name: str, password: str = NEW) -> Any:
            return await joining.with_invitation(
                scene.desk, scene.caller(), secret, name, "Ada Min", password
            )

        assert code(await join(replaced, "ada")) is Code.INVITATION
        assert code(await join("made up", "ada")) is Code.INVITATION
        assert code(await join(link, "ada", "kort")) is Code.WEAK
        assert code(await join(link, "a d a")) is Code.INVALID_REQUEST
        assert granted(await join(link, "ada")).identity.role is Role.ADMINISTRATOR
        assert code(await join(link, "bob")) is Code.INVITATION
        async with scene.desk.database.writing() as connection:
            assert (
                await invitations.invite_first_administrator(connection, "0815", scene.clock(), rng) is None
            )

    at_desk(fresh, work)


def test_a_link_can_give_an_account_its_password(fresh: str) -> None:
    clock = Hands()

    async def work(scene: Scene) -> None:
        account = await scene.account(password=None)
        async with scene.desk.database.writing() as connection:
            links = [
                await invitations.invite(
                    connection,
                    roles=account.roles,
                    organisations=account.organisations,
                    account=account.id,
                    now_s=scene.clock(),
                    rng=scene.desk.rng,
                )
                for _ in range(2)
            ]
        answer = await joining.with_invitation(scene.desk, scene.caller(), links[0], "", "", NEW)
        assert granted(answer).identity.subject == account.id
        granted(await log_on(scene, Typed("anne", NEW)))
        scene.clock.forward(invitations.INVITATION_S + 1)
        late = await joining.with_invitation(scene.desk, scene.caller(), links[1], "", "", PASSWORD)
        assert code(late) is Code.INVITATION

    at_desk(fresh, work, clock=clock)


def test_every_refusal_has_words_in_both_languages() -> None:
    constants = [one for one in (*vars(refusal).values(), *vars(lists).values()) if isinstance(one, Refusal)]
    made = [refusal.slowed(3.2), refusal.busy(7, 12.4, "x"), refusal.weak("a", "b")]
    assert {one.code for one in (*constants, *made)} == set(Code)
    for one in (*constants, *made):
        texts = {one.text("da"), one.text("en")}
        assert len(texts) == 2
        assert not any("{" in text for text in texts)
        assert one.as_json("da")["error_description"] == one.text("da")
        assert 400 <= one.status < 600
