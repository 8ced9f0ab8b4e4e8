"""Passkeys: registered and used with an authenticator in software, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from altid.access import accounts, logon, passkeys
from altid.access.accounts import Account
from altid.access.identity import Level
from altid.access.passkeys import CHALLENGE_S, PasskeyError
from altid.access.refusal import Code, Refusal
from tests.access.authenticator import Authenticator
from tests.access.desks import SETTINGS, Scene, at_desk, granted


async def ask(scene: Scene, account: Account) -> passkeys.Asked:
    desk = scene.desk
    async with desk.database.reading() as connection:
        return await passkeys.ask_to_register(connection, desk.challenges, SETTINGS, account, scene.clock())


async def register(scene: Scene, account: Account, answer: str, state: str) -> bytes:
    desk = scene.desk
    async with desk.database.writing() as connection:
        return await passkeys.register(
            connection,
            desk.challenges,
            SETTINGS,
            account.id,
            answer=answer,
            state=state,
            name="min nøgle",
            now_s=scene.clock(),
        )


async def registered(scene: Scene, device: Authenticator, username: str = "anne") -> Account:
    account = await scene.account(username, password=None)
    asked = await ask(scene, account)
    await register(scene, account, device.create(asked.options), asked.state)
    return account


def ask_logon(scene: Scene) -> passkeys.Asked:
    return passkeys.ask_to_log_on(scene.desk.challenges, SETTINGS, scene.clock())


async def log_on(scene: Scene, answer: str, state: str) -> Any:
    return await logon.with_passkey(scene.desk, scene.caller(), answer, state)


async def refused(scene: Scene, answer: str, state: str) -> bool:
    found = await log_on(scene, answer, state)
    return isinstance(found, Refusal) and found.code is Code.PASSKEY


def test_a_registered_passkey_logs_its_owner_on(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        account = await registered(scene, device)
        await registered(scene, Authenticator(), "bo")
        for _ in range(2):
            asked = ask_logon(scene)
            identity = granted(await log_on(scene, device.get(asked.options), asked.state)).identity
            assert identity.subject == account.id
            assert identity.level is Level.SUBSTANTIAL

    at_desk(fresh, work)


def test_a_synced_passkey_that_does_not_count_works(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator(counts=False)
        await registered(scene, device)
        for _ in range(2):
            asked = ask_logon(scene)
            granted(await log_on(scene, device.get(asked.options), asked.state))

    at_desk(fresh, work)


def test_the_same_answer_works_once(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator(counts=False)
        await registered(scene, device)
        asked = ask_logon(scene)
        answer = device.get(asked.options)
        granted(await log_on(scene, answer, asked.state))
        assert await refused(scene, answer, asked.state)

    at_desk(fresh, work)


def test_an_old_challenge_is_refused(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        await registered(scene, device)
        asked = ask_logon(scene)
        scene.clock.forward(CHALLENGE_S + 1)
        assert await refused(scene, device.get(asked.options), asked.state)

    at_desk(fresh, work)


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(origin="https://altid.example"),
        Authenticator(relying_party="altid.example"),
        Authenticator(verifies_user=False),
    ],
    ids=["another origin", "another relying party", "nobody verified"],
)
def test_an_answer_for_others_or_of_nobody_is_refused(fresh: str, device: Authenticator) -> None:
    async def work(scene: Scene) -> None:
        honest = Authenticator(key=device.key, credential=device.credential)
        await registered(scene, honest)
        device.count = 10
        asked = ask_logon(scene)
        assert await refused(scene, device.get(asked.options), asked.state)

    at_desk(fresh, work)


def test_a_copied_device_is_noticed_by_its_count(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        await registered(scene, device)
        copy = Authenticator(key=device.key, credential=device.credential, count=device.count)
        for _ in range(3):
            asked = ask_logon(scene)
            granted(await log_on(scene, device.get(asked.options), asked.state))
        asked = ask_logon(scene)
        assert await refused(scene, copy.get(asked.options), asked.state)

    at_desk(fresh, work)


def test_another_key_under_the_same_name_is_refused(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        await registered(scene, device)
        thief = Authenticator(credential=device.credential, count=99)
        asked = ask_logon(scene)
        assert await refused(scene, thief.get(asked.options), asked.state)

    at_desk(fresh, work)


def test_a_state_is_good_for_its_purpose_and_account_only(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        anne = await registered(scene, device)
        bo = await scene.account("bo")
        registering = await ask(scene, anne)
        assert await refused(scene, device.get(ask_logon(scene).options), registering.state)
        with pytest.raises(PasskeyError):
            await register(scene, bo, Authenticator().create(registering.options), registering.state)

    at_desk(fresh, work)


def test_a_passkey_belongs_to_one_account(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        await registered(scene, device)
        bo = await scene.account("bo")
        asked = await ask(scene, bo)
        with pytest.raises(PasskeyError):
            await register(scene, bo, device.create(asked.options), asked.state)

    at_desk(fresh, work)


def test_a_closed_accounts_passkey_opens_nothing(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        await registered(scene, device)
        async with scene.desk.database.writing() as connection:
            await accounts.disable(connection, "anne", scene.clock())
        asked = ask_logon(scene)
        assert await refused(scene, device.get(asked.options), asked.state)

    at_desk(fresh, work)


def test_a_removed_passkey_opens_nothing(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        account = await registered(scene, device)
        async with scene.desk.database.writing() as connection:
            assert await passkeys.remove(connection, account.id, device.credential)
            assert not await passkeys.remove(connection, account.id, device.credential)
        asked = ask_logon(scene)
        assert await refused(scene, device.get(asked.options), asked.state)

    at_desk(fresh, work)


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", '{"rawId": 7}', '{"rawId": "AA"}', "x" * 20_000, '{"rawId": "é"}']
)
def test_what_is_no_answer_is_refused(fresh: str, answer: str) -> None:
    async def work(scene: Scene) -> None:
        assert await refused(scene, answer, ask_logon(scene).state)
        assert await refused(scene, answer, "no state")

    at_desk(fresh, work)


def test_a_garbled_answer_of_a_known_passkey_is_refused(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        device = Authenticator()
        await registered(scene, device)
        asked = ask_logon(scene)
        answer = json.loads(device.get(asked.options))
        for name in ("clientDataJSON", "authenticatorData", "signature"):
            for value in ("", "AAAA", None, 7):
                garbled = {**answer, "response": {**answer["response"], name: value}}
                assert await refused(scene, json.dumps(garbled), asked.state)

    at_desk(fresh, work)


def test_an_account_has_no_more_than_ten_passkeys(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        account = await scene.account()
        for _ in range(passkeys.PASSKEYS_MAX):
            asked = await ask(scene, account)
            await register(scene, account, Authenticator().create(asked.options), asked.state)
        with pytest.raises(PasskeyError):
            await ask(scene, account)

    at_desk(fresh, work)
