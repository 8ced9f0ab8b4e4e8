"""`altid opslag codes | audit verify | seal | unlock` on a place's own folder."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from altid.access.secret import AccessSecret
from altid.cli.app import Options
from altid.cli.opslag import opslag as opslag_commands
from altid.lookup import keys
from altid.lookup.copy import Copy
from altid.lookup.entry.code import plain
from altid.lookup.entry.codes import Codes
from altid.lookup.entry.contact import DAY_S
from altid.lookup.settings import FILE
from tests.cli.test_opslag_command import ALTID
from tests.lookup.places import KEY, WARD, keep, new_copy
from tests.ports import free_port

WAIT_S = 60.0
PASSPHRASE, OPERATIONS = "kold blæst over fjorden", "driften har sin egen sætning"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(keys, "MEMORY_KIB", 64)
    monkeypatch.setattr(keys, "find_in_keyring", lambda _: None)
    monkeypatch.setattr(keys, "keep_in_keyring", lambda *_: False)
    place, stick = tmp_path / "place", tmp_path / "stick.key"
    place.mkdir()
    (place / FILE).write_text('name = "Stue 3"\nkind = "hospital"\nprefix = "ST3"\n')
    keys.make_key_file(stick)
    keys.add_seals(place, KEY, keys.Secrets(PASSPHRASE, stick, OPERATIONS))
    new_copy(place / "copy.db").close()
    return place


def opslag(folder: Path, *arguments: str, given: str = "", stick: str = "stick.key") -> Result:
    """As it is typed, with the key file on its stick."""
    words = [*arguments, "--data", str(folder), "--key-file", str(folder.parent / stick)]
    return CliRunner().invoke(opslag_commands, words, input=given, obj=Options())


@pytest.mark.parametrize("ward", [WARD, "ward-place"])
def test_a_code_is_shown_once_and_kept_as_a_hash(folder: Path, ward: str) -> None:
    copy = Copy.open(folder / "copy.db", KEY)
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


def test_another_key_file_opens_nothing(folder: Path) -> None:
    keys.make_key_file(folder.parent / "other.key")
    done = opslag(folder, "audit", "verify", stick="other.key")
    assert (done.exit_code, "does not open" in done.output) == (1, True)


def test_looks_are_proven(folder: Path) -> None:
    done = opslag(folder, "audit", "verify", "--json")
    assert json.loads(done.stdout)["sound"] is True


def test_a_seal_is_added_and_told(folder: Path) -> None:
    other = folder.parent / "other.key"
    done = opslag(folder, "seal", "--new-key-file", str(other))
    assert done.exit_code == 0, done.output
    assert "file, passphrase, operations" in done.stdout
    assert keys.open_key(folder, keys.Secrets(key_file=other)) == KEY


def test_a_locked_place_is_unlocked_by_operations_alone(folder: Path) -> None:
    keys.lock(folder, "out of touch")
    assert "locked" in opslag(folder, "audit", "verify").output
    assert opslag(folder, "unlock", given=f"{PASSPHRASE}\n").exit_code == 1
    done = opslag(folder, "unlock", given=f"{OPERATIONS}\n")
    assert done.exit_code == 0, done.output
    assert keys.ways(folder) == (keys.Way.FILE, keys.Way.OPERATIONS)
    assert opslag(folder, "audit", "verify").exit_code == 0


def test_a_place_that_locks_itself_while_it_is_served_says_so_from_then_on(folder: Path) -> None:
    """Alone for too long, as its copy tells: the process lets go of the key, and answers with one page."""
    with (folder / FILE).open("a") as settings:
        settings.write(f'lock_after_days = 1\n[listen]\naddress = "127.0.0.1:{(port := free_port())}"\n')
    copy = Copy.open(folder / "copy.db", KEY)
    copy.set_meta("entry contact", f"{3 * DAY_S} {time.time():.0f}")
    copy.close()
    words = ["opslag", "serve", "--data", str(folder), "--key-file", str(folder.parent / "stick.key")]
    with subprocess.Popen([*ALTID, *words], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        page = _page_once_locked(f"http://127.0.0.1:{port}/patient/hers")
        assert "har låst sig selv" in page
        assert keys.ways(folder) == (keys.Way.OPERATIONS,)
        process.terminate()
        assert process.wait(WAIT_S) == 0


def _page_once_locked(url: str) -> str:
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        try:
            answer = httpx.get(url, timeout=WAIT_S)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == 503:
            return answer.text
        time.sleep(0.05)
    raise AssertionError("it did not lock itself in time")
