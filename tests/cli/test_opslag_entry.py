"""`altid opslag codes | audit verify | seal | unlock` on a place's own folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from altid.access.secret import AccessSecret
from altid.cli.app import Options, Subcommands
from altid.cli.opslag_entry import COPY, ENTRY_COMMANDS
from altid.lookup import keys
from altid.lookup.copy import Copy
from altid.lookup.entry.code import plain
from altid.lookup.entry.codes import Codes
from tests.lookup.places import KEY, WARD, keep, new_copy

PASSPHRASE, OPERATIONS = "kold blæst over fjorden", "driften har sin egen sætning"
GROUP = Subcommands("opslag", commands=list(ENTRY_COMMANDS))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(keys, "MEMORY_KIB", 64)
    monkeypatch.setattr(keys, "find_in_keyring", lambda _: None)
    monkeypatch.setattr(keys, "keep_in_keyring", lambda *_: False)
    keys.add_seals(tmp_path, KEY, keys.Secrets(PASSPHRASE, operations=OPERATIONS))
    new_copy(tmp_path / COPY).close()
    return tmp_path


def opslag(folder: Path, *arguments: str, given: str = PASSPHRASE) -> Result:
    return CliRunner().invoke(GROUP, [*arguments, "--data", str(folder)], input=f"{given}\n", obj=Options())


@pytest.mark.parametrize("ward", [WARD, "ward-place"])
def test_a_code_is_shown_once_and_kept_as_a_hash(folder: Path, ward: str) -> None:
    copy = Copy.open(folder / COPY, KEY)
    place = {"reference": "Organization/ward"}
    keep(copy, {"resourceType": "Location", "id": "ward-place", "managingOrganization": place})
    copy.close()
    done = opslag(folder, "codes", "--ward", ward)
    assert done.exit_code == 0, done.output
    found = re.search(r"(\w{4}-\w{4}-\w{4})", done.stdout)
    assert found is not None
    assert "Afsnit A" in done.stdout
    kept = Codes(folder, AccessSecret(KEY))
    assert kept.wards() == [WARD]
    code = kept.of_ward(WARD)
    assert code is not None
    assert code.hash.startswith("$argon2id$")
    assert plain(found[1])


def test_a_ward_that_the_copy_does_not_know_gets_none(folder: Path) -> None:
    done = opslag(folder, "codes", "--ward", "nowhere")
    assert (done.exit_code, "knows no such ward" in done.output) == (1, True)


def test_a_wrong_passphrase_opens_nothing_and_is_not_repeated(folder: Path) -> None:
    done = opslag(folder, "audit", "verify", "--passphrase-file", "-", given="en forkert sætning")
    assert done.exit_code == 1
    assert "en forkert" not in done.output


def test_looks_are_proven(folder: Path) -> None:
    done = opslag(folder, "audit", "verify", "--json", "--passphrase-file", "-")
    assert json.loads(done.stdout)["sound"] is True


def test_a_seal_is_added_and_told(folder: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick" / "opslag.key"
    done = opslag(folder, "seal", "--new-key-file", str(stick), "--passphrase-file", "-")
    assert done.exit_code == 0, done.output
    assert "file, passphrase, operations" in done.stdout
    assert keys.open_key(folder, keys.Secrets(key_file=stick)) == KEY


def test_a_locked_place_is_unlocked_by_operations_alone(folder: Path) -> None:
    keys.lock(folder, "out of touch")
    assert opslag(folder, "audit", "verify").exit_code == 1
    assert opslag(folder, "unlock", given=PASSPHRASE).exit_code == 1
    passphrase = folder / "new"
    passphrase.write_text(f"{PASSPHRASE}\n")
    done = opslag(folder, "unlock", "--new-passphrase-file", str(passphrase), given=OPERATIONS)
    assert done.exit_code == 0, done.output
    assert keys.open_key(folder, keys.Secrets(PASSPHRASE)) == KEY
