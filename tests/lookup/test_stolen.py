"""A stolen PC yields nothing: what lies in a place's folder is noise to whoever does not hold the key."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from altid.access.secret import AccessSecret
from altid.lookup import keys
from altid.lookup.copy import Copy
from altid.lookup.damage import WrongKeyError
from altid.lookup.entry import people
from altid.lookup.entry.codes import Codes
from altid.lookup.entry.proving import prove
from tests.lookup.places import HERS, KEY, PASSWORD, WARD, account, keep
from tests.lookup.places import told as entry
from tests.lookup.test_entry import REASON, Place, at_a_place

CPR, FAMILY, GIVEN = "010203-1234", "Hemmelighed", "Ulrikkemarie"
PASSPHRASE = "kold blæst over fjorden"


def patient() -> dict[str, object]:
    return {
        "resourceType": "Patient",
        "id": HERS,
        "name": [{"family": FAMILY, "given": [GIVEN]}],
        "identifier": [{"system": "urn:oid:1.2.208.176.1.2", "value": CPR.replace("-", "")}],
    }


@pytest.fixture
def stolen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """The folder as it is while the place runs, with what SQLite keeps beside it; and the ward's code."""
    monkeypatch.setattr(keys, "MEMORY_KIB", 64)
    here, there, made = tmp_path / "place", tmp_path / "stolen", list[str]()
    here.mkdir()
    keys.add_seals(here, KEY, keys.Secrets(PASSPHRASE, operations="driftens egen sætning"))

    async def work(place: Place) -> None:
        keep(place.file, patient())
        with place.file.writing() as connection:
            people.replace(connection, entry(accounts=[account(name="Nina Særlig")]))
        await place.log_on()
        person = place.person()
        assert person is not None
        await place.entry.look(person, None, "patient", (HERS,))
        form = {"kind": "acute", "reason": REASON, "form_token": person.form_token}
        await place.post("/patient/theirs/override", **form)
        made.append(await place.entry.door.make_code(WARD, random.Random(3)))
        shutil.copytree(here, there)

    at_a_place(here, work)
    return there, made[0]


def test_no_file_of_it_tells_anything(stolen: tuple[Path, str]) -> None:
    folder, code = stolen
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"copy.db", "copy.db-wal", "codes.sealed"} <= {path.name for path in files}
    assert any(path.suffix == ".journal" for path in files)
    # Long enough that no noise looks like one of them.
    told = (FAMILY, GIVEN, CPR, CPR.replace("-", ""), "Nina Særlig", "id-of-nina", "$argon2id$", REASON)
    secrets = (*told, code, PASSWORD, PASSPHRASE, KEY.hex())
    for path in files:
        data = path.read_bytes().lower()
        if path.suffix != ".seal":
            assert KEY not in path.read_bytes()
        for secret in secrets:
            assert secret.lower().encode() not in data, f"{path.name} tells"
            assert secret.lower().encode("utf-16-le") not in data, f"{path.name} tells"


def test_without_the_key_nothing_opens(stolen: tuple[Path, str]) -> None:
    folder, _ = stolen
    with pytest.raises(keys.KeyUnavailableError):
        keys.open_key(folder)
    with pytest.raises(WrongKeyError):
        Copy.open(folder / "copy.db", bytes(32))
    assert Codes(folder, AccessSecret(bytes(32))).wards() == []
    assert not prove(folder, AccessSecret(bytes(32))).sound


def test_with_it_all_is_there(stolen: tuple[Path, str]) -> None:
    folder, _ = stolen
    key = keys.open_key(folder, keys.Secrets(PASSPHRASE))
    copy = Copy.open(folder / "copy.db", key)
    try:
        assert copy.chart(HERS) is not None
    finally:
        copy.close()
    assert prove(folder, AccessSecret(key)).sound
    keys.wipe(folder, "the test is over")


def test_a_folder_that_was_copied_before_the_place_was_revoked_still_needs_the_passphrase(
    stolen: tuple[Path, str],
) -> None:
    """Revoking does not reach a copy of the folder; that its key is elsewhere does."""
    folder, _ = stolen
    for wrong in ("driftens egen sætning", "kold blæst over fjorder", ""):
        with pytest.raises(keys.KeyUnavailableError):
            keys.open_key(folder, keys.Secrets(wrong))


def test_names_of_files_tell_nothing_either(stolen: tuple[Path, str]) -> None:
    folder, _ = stolen
    names = "\n".join(str(path.relative_to(folder)) for path in folder.rglob("*"))
    assert not any(secret in names for secret in (HERS, FAMILY, CPR, "nina"))
