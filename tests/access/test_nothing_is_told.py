"""Passwords, tokens and keys stand in no `repr`, no log and no error text."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import logging
import os
import pkgutil
import random
import stat
from pathlib import Path
from typing import Any

import pytest

import altid.access
from altid.access import clients, keys, logon, returning
from altid.access.door import Granted
from altid.access.folder import prepare
from altid.access.logon import Typed
from altid.access.passkeys import Asked
from altid.access.refreshing import Chain
from altid.access.secret import AccessSecret, SecretError, read_secret_file
from altid.access.tokens import TokenError
from altid.record.postgres.account import Account, current
from tests.access.desks import PASSWORD, SECRET, SETTINGS, Scene, at_desk, granted

NAMES_OF_SECRETS = {
    "access", "appointment", "chain", "credential", "jwks", "password", "pin", "private", "public", "refresh",
    "rng", "secret", "state", "value",
}  # fmt: skip
"""Fields by these names hold what nobody else may see (or, for keys, what clutters a log)."""


def dataclasses_of_the_room() -> list[type[Any]]:
    found = []
    for module in pkgutil.iter_modules(altid.access.__path__):
        if module.name.startswith(("audit", "policy")):
            continue
        members = vars(importlib.import_module(f"altid.access.{module.name}")).values()
        found += [one for one in members if inspect.isclass(one) and dataclasses.is_dataclass(one)]
    return list(dict.fromkeys(one for one in found if one.__module__.startswith("altid.access")))


@pytest.mark.parametrize("kind", dataclasses_of_the_room(), ids=lambda kind: kind.__name__)
def test_no_repr_shows_a_secret(kind: type[Any]) -> None:
    if kind.__name__ == "Desk":  # Its parts hide their own.
        return
    shown = {field.name for field in dataclasses.fields(kind) if field.repr}
    assert shown & NAMES_OF_SECRETS == set()


def test_objects_that_were_really_made_show_nothing(fresh: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def work(scene: Scene) -> None:
        account = await scene.account()
        typed = Typed("anne", PASSWORD)
        begun = granted(await logon.with_password(scene.desk, scene.caller(), typed))
        assert begun.refresh is not None
        await logon.with_password(scene.desk, scene.caller(), Typed("anne", "forkert adgangskode"))
        await logon.with_refresh(scene.desk, scene.caller(), begun.refresh)
        scene.clock.forward(SETTINGS.refresh_overlap_s + 1)
        await logon.with_refresh(scene.desk, scene.caller(), begun.refresh)
        await logon.with_assertion(scene.desk, scene.caller(), begun.access)
        await logon.with_passkey(scene.desk, scene.caller(), begun.access, begun.refresh)
        await returning.with_badge(scene.desk, scene.caller(), begun.refresh, "04A22B91")
        with pytest.raises(TokenError) as caught:
            scene.desk.verifier.verify(begun.access + "x")
        shown = repr([scene, account, typed, begun, scene.desk.keys, scene.desk.keys.signing(), caught.value])
        link = scene.desk.chain.read(begun.refresh)
        shown += repr(link) + caplog.text
        for secret in secrets_of(begun):
            assert secret not in shown
        assert account.password is not None
        assert account.password not in shown
        assert "$argon2id" not in shown

    at_desk(fresh, work)


def secrets_of(begun: Granted) -> list[str]:
    assert begun.refresh is not None
    secrets = [PASSWORD, "forkert adgangskode", begun.access, begun.access.split(".")[2], begun.refresh]
    return [*secrets, begun.refresh.split(".")[2], SECRET.value.hex(), repr(SECRET.value), "04A22B91"]


def test_a_secret_shows_nothing_of_itself() -> None:
    assert repr(SECRET) == "AccessSecret()"
    assert repr(Asked("{}", "state")) == "Asked(options='{}')"
    assert SECRET.value.hex() not in repr(Chain.first("s", random.Random(1)))


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert SECRET.derive("a") != SECRET.derive("b")
    assert SECRET.derive("a") != AccessSecret(bytes(32)).derive("a")


def test_what_a_guard_needs_is_for_its_owner_only(tmp_path: Path) -> None:
    prepare(tmp_path, current())
    assert stat.S_IMODE((tmp_path / "access.key").stat().st_mode) == 0o600
    for journals in ("audit", "intents"):
        assert stat.S_IMODE((tmp_path / journals).stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_that_root_has_made_is_served_from_by_others(tmp_path: Path) -> None:
    nobody = Account("nobody", 65_534, 65_534, ())
    prepare(tmp_path, nobody)
    owners = {(tmp_path / name).stat().st_uid for name in ("access.key", "audit", "intents")}
    assert owners == {nobody.uid}


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    prepare(tmp_path, current())
    made = read_secret_file(tmp_path / "access.key")
    prepare(tmp_path, current())
    assert read_secret_file(tmp_path / "access.key") == made


def test_a_secret_that_must_be_another_is_replaced(tmp_path: Path) -> None:
    prepare(tmp_path, current())
    prepare(tmp_path, current(), SECRET)
    assert read_secret_file(tmp_path / "access.key") == SECRET


def test_a_secret_that_cannot_be_read_is_never_replaced_by_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "access.key").write_text("damaged")
    (tmp_path / "access.key").chmod(0o600)
    with pytest.raises(SecretError):
        prepare(tmp_path, current())
    assert (tmp_path / "access.key").read_text() == "damaged"


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_a_file_that_holds_no_secret_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "access.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(SecretError, match="64 hexadecimal"):
        read_secret_file(file)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path, current())
    file = tmp_path / "access.key"
    file.chmod(0o640)
    with pytest.raises(SecretError, match="chmod 600"):
        read_secret_file(file)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="can't be read"):
        read_secret_file(tmp_path / "access.key")


def test_errors_of_this_room_have_fixed_texts() -> None:
    """Nothing that was sent is put together into a text that may be logged."""
    for module in (clients, keys, logon, returning):
        assert "{error}" not in inspect.getsource(module)
