"""Back in at a ward's PC by badge or PIN."""

from __future__ import annotations

from typing import Any

import pytest

from altid.access import accounts, logon, reentry, returning
from altid.access.door import Granted
from altid.access.identity import Level
from altid.access.logon import Typed
from altid.access.reentry import Workplace
from altid.access.refusal import Code, Refusal
from altid.access.returning import OFFERED_S
from tests.access.desks import PASSWORD, SETTINGS, WARD, Scene, at_desk, granted

BADGE = "04:A2:2B:91:C3:5E:80"
PIN = "190734"


async def workplace(scene: Scene, name: str = "Stue 4") -> tuple[Workplace, str]:
    async with scene.desk.database.writing() as connection:
        return await reentry.add_workplace(connection, name, WARD, scene.clock(), scene.desk.rng)


async def at_work(scene: Scene, **kinds: Any) -> tuple[Granted, str]:
    """Anne has logged on in full at a workplace and may come back."""
    if not (await _exists(scene, "anne")):
        await scene.account()
    _, key = await workplace(scene)
    begun = granted(await logon.with_password(scene.desk, scene.caller(), Typed("anne", PASSWORD)))
    kinds = kinds or {"badge": BADGE, "pin": PIN}
    assert await returning.allow(scene.desk, scene.caller(), begun.identity, key, **kinds) is None
    return begun, key


async def _exists(scene: Scene, username: str) -> bool:
    async with scene.desk.database.reading() as connection:
        return await accounts.find(connection, username) is not None


async def by_badge(scene: Scene, key: str, badge: str = BADGE) -> Any:
    return await returning.with_badge(scene.desk, scene.caller(), key, badge)


async def by_pin(scene: Scene, key: str, pin: str = PIN, username: str = "anne") -> Any:
    return await returning.with_pin(scene.desk, scene.caller(), key, username, pin)


def code(answer: object) -> Code:
    assert isinstance(answer, Refusal)
    return answer.code


def test_a_badge_opens_a_new_session_of_the_same_person(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun, key = await at_work(scene)
        back = granted(await by_badge(scene, key))
        assert back.identity.subject == begun.identity.subject
        assert back.identity.session != begun.identity.session
        assert scene.desk.verifier.verify(back.access) == back.identity

    at_desk(fresh, work)


def test_so_does_a_pin(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun, key = await at_work(scene, pin=PIN)
        assert granted(await by_pin(scene, key)).identity.subject == begun.identity.subject
        assert code(await by_badge(scene, key)) is Code.FULL_LOGON

    at_desk(fresh, work)


def test_a_badge_is_read_in_capitals_or_not(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        granted(await by_badge(scene, key, BADGE.lower()))

    at_desk(fresh, work)


def test_neither_is_worth_anything_at_another_workplace(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        await at_work(scene)
        _, other = await workplace(scene, "Stue 5")
        assert code(await by_badge(scene, other)) is Code.FULL_LOGON
        assert code(await by_pin(scene, other)) is Code.FULL_LOGON
        assert code(await by_badge(scene, "no key at all")) is Code.FULL_LOGON

    at_desk(fresh, work)


def test_neither_is_worth_anything_after_the_shift(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        scene.clock.forward(SETTINGS.reentry_s + 1)
        assert code(await by_badge(scene, key)) is Code.FULL_LOGON
        assert code(await by_pin(scene, key)) is Code.FULL_LOGON

    at_desk(fresh, work)


def test_a_session_of_a_badge_ends_with_the_shift(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        scene.clock.forward(SETTINGS.reentry_s * 0.7)
        back = granted(await by_badge(scene, key))
        scene.clock.forward(SETTINGS.reentry_s * 0.3 + 1)
        answer = await logon.with_refresh(scene.desk, scene.caller(), back.refresh or "")
        assert code(answer) is Code.ENDED

    at_desk(fresh, work)


def test_a_badge_cannot_be_had_by_a_badge(fresh: str) -> None:
    """Else one full logon would do for ever."""

    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        back = granted(await by_badge(scene, key))
        answer = await returning.allow(scene.desk, scene.caller(), back.identity, key, badge=BADGE)
        assert answer is not None
        assert answer.code is Code.FULL_LOGON

    at_desk(fresh, work)


def test_the_right_is_offered_only_shortly_after_the_logon(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun, key = await at_work(scene)
        scene.clock.forward(OFFERED_S + 1)
        answer = await returning.allow(scene.desk, scene.caller(), begun.identity, key, badge=BADGE)
        assert answer is not None
        assert answer.code is Code.FULL_LOGON

    at_desk(fresh, work)


def test_after_five_wrong_pins_only_the_full_logon_is_left(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        for number in range(5):
            answer = await by_pin(scene, key, "734190")
            expected = Code.WRONG if number < 4 else Code.FULL_LOGON
            assert code(answer) is expected
            pause = scene.desk.throttle.pause(f"pin {reentry.fingerprint(key)} anne", "x")
            scene.clock.forward(max(pause.refuse_s, 2.0) if number >= 3 else 0)
        scene.clock.forward(120)
        assert code(await by_pin(scene, key)) is Code.FULL_LOGON
        granted(await logon.with_password(scene.desk, scene.caller(), Typed("anne", PASSWORD)))

    at_desk(fresh, work)


def test_somebody_without_a_pin_costs_as_much_as_a_wrong_pin(
    fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        seen: list[str | None] = []
        real = scene.desk.passwords.verify

        async def watched(stored: str | None, pin: str) -> bool:
            seen.append(stored)
            return await real(stored, pin)

        monkeypatch.setattr(scene.desk.passwords, "verify", watched)
        await by_pin(scene, key, username="nobody")
        assert seen == [None]

    at_desk(fresh, work)


def test_a_badge_belongs_to_the_last_who_showed_it(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        await scene.account("bo")
        begun = granted(await logon.with_password(scene.desk, scene.caller(), Typed("bo", PASSWORD)))
        await returning.allow(scene.desk, scene.caller(), begun.identity, key, badge=BADGE)
        assert granted(await by_badge(scene, key)).identity.subject == begun.identity.subject

    at_desk(fresh, work)


@pytest.mark.parametrize("change", ["disable", "set_password"])
def test_a_closed_account_or_a_new_password_ends_it(fresh: str, change: str) -> None:
    async def work(scene: Scene) -> None:
        begun, key = await at_work(scene)
        async with scene.desk.database.writing() as connection:
            if change == "disable":
                await accounts.disable(connection, "anne", scene.clock())
            else:
                hashed = await scene.desk.passwords.hash("en helt ny sætning")
                await accounts.set_password(connection, begun.identity.subject, hashed, scene.clock())
        assert code(await by_badge(scene, key)) is Code.FULL_LOGON

    at_desk(fresh, work)


def test_a_closed_workplace_opens_nothing(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        async with scene.desk.database.writing() as connection:
            found = await reentry.workplace_of(connection, key)
            assert found is not None
            await reentry.close_workplace(connection, found.id, scene.clock())
        assert code(await by_badge(scene, key)) is Code.FULL_LOGON

    at_desk(fresh, work)


def test_the_level_is_that_of_the_full_logon_and_never_high(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun, key = await at_work(scene)
        assert granted(await by_badge(scene, key)).identity.level is Level.LOW
        async with scene.desk.database.writing() as connection:
            found = await reentry.workplace_of(connection, key)
            assert found is not None
            await reentry.allow(
                connection, scene.desk.secret, SETTINGS, found, account=begun.identity.subject,
                role=begun.identity.role, organisation=WARD, level=Level.HIGH, now_s=scene.clock(),
                rng=scene.desk.rng, badge=BADGE,
            )  # fmt: skip
        assert granted(await by_badge(scene, key)).identity.level is Level.SUBSTANTIAL

    at_desk(fresh, work)


@pytest.mark.parametrize("badge", ["", "123", "x" * 200, "04 A2 2B 91", "04a22b91\n"])
def test_what_no_reader_sends_is_refused(fresh: str, badge: str) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        assert code(await by_badge(scene, key, badge)) is Code.INVALID_REQUEST

    at_desk(fresh, work)


def test_a_weak_pin_cannot_be_chosen(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        begun, key = await at_work(scene)
        answer = await returning.allow(scene.desk, scene.caller(), begun.identity, key, pin="123456")
        assert answer is not None
        assert answer.code is Code.WEAK

    at_desk(fresh, work)


def test_the_database_holds_neither_badge_nor_pin_nor_key(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, key = await at_work(scene)
        async with scene.desk.database.reading() as connection:
            row = await connection.fetchrow("SELECT r::text || w::text AS text FROM reentry r, workplace w")
        assert row is not None
        for secret in (PIN, BADGE, BADGE.lower(), key):
            assert secret not in row["text"]

    at_desk(fresh, work)
