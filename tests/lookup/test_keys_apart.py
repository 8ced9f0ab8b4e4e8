"""The key of a copy is nowhere in its folder, and goes when the place is locked or revoked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from altid.lookup import keys
from altid.lookup.keys import KeyUnavailableError, LockedError, Secrets, Way
from altid.lookup.machine import find_in_keyring, forget_in_keyring, has_tpm, keep_in_keyring

PASSPHRASE, OPERATIONS = "kold blæst over fjorden", "driften har sin egen sætning"
BOTH = Secrets(PASSPHRASE, operations=OPERATIONS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(keys, "MEMORY_KIB", 64)  # a thousandth: what it costs to guess is not tested here
    place = tmp_path / "opslag"
    place.mkdir()
    yield place
    keys.wipe(place, "the test is over")


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the machine was switched off."""
    monkeypatch.setattr("altid.lookup.keys.find_in_keyring", lambda _: None)


@pytest.mark.usefixtures("no_keyring")
def test_the_passphrase_opens_what_it_sealed(folder: Path) -> None:
    key = keys.make_key(folder, BOTH)
    assert keys.open_key(folder, Secrets(PASSPHRASE)) == key


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("given", [Secrets(), Secrets("en helt anden sætning"), Secrets(OPERATIONS)])
def test_nothing_else_does(folder: Path, given: Secrets) -> None:
    keys.make_key(folder, BOTH)
    with pytest.raises(KeyUnavailableError) as refused:
        keys.open_key(folder, given)
    assert not any(secret in str(refused.value) for secret in (PASSPHRASE, OPERATIONS, "anden"))


def test_a_key_file_on_another_medium_opens_it(folder: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick" / "opslag.key"
    keys.make_key_file(stick)
    key = keys.make_key(folder, Secrets(key_file=stick))
    assert keys.open_key(folder, Secrets(key_file=stick)) == key
    other = tmp_path / "other.key"
    keys.make_key_file(other)
    with pytest.raises(KeyUnavailableError):
        keys.open_key(folder, Secrets(key_file=other))


def test_a_key_file_that_others_may_read_is_refused(folder: Path, tmp_path: Path) -> None:
    stick = tmp_path / "opslag.key"
    keys.make_key_file(stick)
    stick.chmod(0o644)
    with pytest.raises(KeyUnavailableError, match="chmod 600"):
        keys.make_key(folder, Secrets(key_file=stick))


def test_a_weak_passphrase_is_refused(folder: Path) -> None:
    with pytest.raises(KeyUnavailableError, match="12 characters"):
        keys.make_key(folder, Secrets("kort"))


def test_a_key_that_is_held_by_nothing_is_not_made(folder: Path) -> None:
    with pytest.raises(KeyUnavailableError, match="held apart"):
        keys.make_key(folder, Secrets())


@pytest.mark.skipif(has_tpm(), reason="there is a TPM")
def test_without_a_tpm_it_says_so(folder: Path) -> None:
    with pytest.raises(KeyUnavailableError, match="no TPM"):
        keys.make_key(folder, Secrets(), tpm=True)


def test_once_typed_the_kernel_keeps_it_until_the_machine_is_off(folder: Path) -> None:
    if not keep_in_keyring("altid-opslag-trial", b"x"):
        pytest.skip("the kernel's keyring can't be used here")
    forget_in_keyring("altid-opslag-trial")
    key = keys.make_key(folder, BOTH)
    keys.open_key(folder, Secrets(PASSPHRASE))
    assert keys.open_key(folder) == key
    keys.lock(folder, "out of touch")
    assert find_in_keyring(keys._name(folder)) is None


def test_the_folder_holds_no_key(folder: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick.key"
    keys.make_key_file(stick)
    key = keys.make_key(folder, Secrets(PASSPHRASE, stick, OPERATIONS))
    told = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert key not in told
    assert key.hex().encode() not in told
    assert PASSPHRASE.encode() not in told


def test_seals_are_for_the_user_alone(folder: Path) -> None:
    keys.make_key(folder, BOTH)
    assert {path.stat().st_mode & 0o777 for path in (folder / "keys").iterdir()} == {0o600}


class TestLocked:
    def test_nothing_opens_a_locked_place(self, folder: Path) -> None:
        keys.make_key(folder, BOTH)
        keys.lock(folder, "out of touch")
        assert keys.ways(folder) == (Way.OPERATIONS,)
        for given in (Secrets(PASSPHRASE), Secrets(), Secrets(operations=OPERATIONS)):
            with pytest.raises(LockedError):
                keys.open_key(folder, given)

    def test_but_operations_can_unlock_it(self, folder: Path) -> None:
        key = keys.make_key(folder, BOTH)
        keys.lock(folder, "out of touch")
        with pytest.raises(KeyUnavailableError):
            keys.unlock(folder, PASSPHRASE)
        assert keys.locked(folder) is not None
        assert keys.unlock(folder, OPERATIONS) == key
        keys.add_seals(folder, key, Secrets(PASSPHRASE))
        assert keys.open_key(folder, Secrets(PASSPHRASE)) == key

    def test_a_place_that_was_killed_while_it_locked_itself_is_locked(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys.make_key(folder, BOTH)
        monkeypatch.setattr("altid.lookup.keys._delete", _killed)
        with pytest.raises(KeyboardInterrupt):
            keys.lock(folder, "out of touch")
        monkeypatch.undo()
        with pytest.raises(LockedError):
            keys.open_key(folder, Secrets(PASSPHRASE))

    def test_it_is_locked_on_a_full_disk_too(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        keys.make_key(folder, BOTH)
        real, tries = keys._mark_locked, iter((OSError(28, "full"), None))

        def mark(place: Path, why: str) -> None:
            if (fault := next(tries)) is not None:
                raise fault
            real(place, why)

        monkeypatch.setattr(keys, "_mark_locked", mark)
        keys.lock(folder, "out of touch")
        monkeypatch.undo()
        assert keys.locked(folder) == "out of touch"
        assert keys.ways(folder) == (Way.OPERATIONS,)

    def test_a_revoked_place_is_opened_by_nobody(self, folder: Path) -> None:
        keys.make_key(folder, BOTH)
        keys.wipe(folder, "revoked")
        assert keys.ways(folder) == ()
        with pytest.raises(KeyUnavailableError):
            keys.unlock(folder, OPERATIONS)

    def test_enrolling_anew_makes_another_key(self, folder: Path) -> None:
        old = keys.make_key(folder, BOTH)
        keys.wipe(folder, "revoked")
        assert keys.make_key(folder, BOTH) != old
        assert keys.locked(folder) is None


def _killed(_: Path) -> None:
    raise KeyboardInterrupt
