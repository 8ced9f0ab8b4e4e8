"""`altid opslag`: a place made, started, asked and printed from by its command, on its own file alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey

from altid.lookup import keys
from altid.lookup.change import Change, Heartbeat, Position
from altid.lookup.copy import Copy
from altid.sample import REFERENCE, resources
from tests.ports import free_port

ALTID = (sys.executable, "-m", "altid.cli")
_WAIT_S = 60


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ALTID, "opslag", *arguments],
        capture_output=True,
        text=True,
        timeout=_WAIT_S,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place whose copy has some patients."""
    folder = tmp_path_factory.mktemp("place")
    made = run(
        "create",
        *("--data", str(folder), "--name", "Sengeafsnit B12", "--kind", "site", "--prefix", "B12"),
        *("--port", str(free_port()), "--key-file", str(folder.parent / "b12.key")),
    )
    assert made.returncode == 0, made.stderr
    key = keys.open_key(folder, keys.Secrets(key_file=folder.parent / "b12.key"))
    copy = Copy.open(folder / "copy.db", key)
    changes = [
        Change(one["resourceType"], one["id"], 1, REFERENCE, json.dumps(one).encode())
        for one in resources(10, 1)
    ]
    copy.apply(changes, Position("record", "1", "1"), Heartbeat(REFERENCE, REFERENCE))
    copy.close()
    return folder


@pytest.fixture(scope="module")
def key_file(place: Path) -> str:
    return str(place.parent / "b12.key")


@pytest.fixture(scope="module")
def served(place: Path, key_file: str) -> Iterator[str]:
    """Its address, once it has said that it is ready."""
    with serving(place, key_file) as address:
        yield address


@contextmanager
def serving(place: Path, key_file: str) -> Iterator[str]:
    with subprocess.Popen(
        [*ALTID, "opslag", "serve", "--data", str(place), "--key-file", key_file],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "is ready" in line
        yield line.split()[-1].rstrip("/")
        process.terminate()
        assert process.wait(_WAIT_S) == 0


def test_it_answers_by_its_own_certificate(place: Path, served: str) -> None:
    context = ssl.create_default_context(cafile=str(place / "tls.pem"))
    with httpx.Client(verify=context, timeout=_WAIT_S) as client:
        shown = client.get(f"{served}/logon")
        assert shown.status_code == 200
        assert 'id="age"' in shown.text
        assert client.get(f"{served}/").headers["location"] == "/logon"
        assert client.post(f"{served}/fhir/Patient", json={}).status_code == 405


def test_whoever_opens_the_envelope_sees_the_wards_patients_and_no_others(
    place: Path, served: str, key_file: str
) -> None:
    ward, inside, outside = whom(place, key_file)
    made = run("codes", "--data", str(place), "--ward", ward, "--key-file", key_file, "--json")
    code = json.loads(made.stdout)["codes"][0]
    form = {**code, "name": "Nanna Sørensen", "reason": "Journalen svarer ikke i nat."}
    context = ssl.create_default_context(cafile=str(place / "tls.pem"))
    with httpx.Client(
        verify=context, timeout=_WAIT_S, base_url=served, headers={"sec-fetch-site": "same-origin"}
    ) as client:
        assert client.post("/logon/code", data=form).status_code == 303
        listed = client.get(f"/ward/{ward}").text
        assert f'href="/patient/{inside}"' in listed
        assert 'id="medication"' in client.get(f"/patient/{inside}").text
        assert client.get(f"/ward/{ward}/report.pdf").content.startswith(b"%PDF")
        assert client.get(f"/patient/{outside}").status_code == 403
        token = re.search(r'name="form_token" value="([^"]+)"', listed)
        assert token is not None
        assert client.post("/logoff", data={"form_token": token[1]}).status_code == 303
        assert client.get(f"/patient/{inside}").status_code == 303


def whom(place: Path, key_file: str) -> tuple[str, str, str]:
    """A ward, a patient who lies there, and one who does not."""
    copy = Copy.open(place / "copy.db", keys.open_key(place, keys.Secrets(key_file=Path(key_file))))
    ward = next(row for row in copy.wards() if row.taken)
    beds = [bed.identity.id for bed in copy.ward(ward.id)]
    outside = next(iter(copy.patients() - set(beds)))
    copy.close()
    return ward.id, beds[0], outside


def test_its_status_tells_age_position_and_lock(place: Path, served: str) -> None:
    told = json.loads(run("status", "--data", str(place), "--json").stdout)
    assert told["place"] == "Sengeafsnit B12"
    assert told["data_at"] == REFERENCE.isoformat()
    assert told["positions"] == {"record": {"epoch": "1", "cursor": "1"}}
    assert told["lock"] is None


def test_a_ward_is_printed_while_it_runs(place: Path, served: str, key_file: str, tmp_path: Path) -> None:
    ward, *_ = whom(place, key_file)
    out = tmp_path / "ward.pdf"
    done = run("print", "--data", str(place), "--ward", ward, "--out", str(out), "--key-file", key_file)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b"%PDF")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_forms_are_made(place: Path, key_file: str, tmp_path: Path) -> None:
    out = tmp_path / "forms.pdf"
    done = run(
        *("forms", "--data", str(place), "--kind", "order", "--count", "2", "--out", str(out)),
        env={"ALTID_OPSLAG_KEY_FILE": key_file},
    )
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b"%PDF")


def test_it_answers_though_no_source_can_be_reached_and_says_so(
    place: Path, key_file: str, tmp_path: Path
) -> None:
    folder = unreachable(place, tmp_path)
    key = ECKey.generate_key("P-384", {"kid": "tests"}).as_dict(private=True)
    told = {"client_id": "b12", "audience": "https://a.epj.example.org/access/token", "key": key}
    (folder / "client.json").write_text(json.dumps(told))
    source = f'[[source]]\nname = "A"\nurl = "http://127.0.0.1:{free_port()}"\n'
    settings = (folder / "opslag.toml").read_text()
    (folder / "opslag.toml").write_text(f'credentials = "client.json"\n{settings}\n{source}')
    with serving(folder, key_file) as address:
        context = ssl.create_default_context(cafile=str(folder / "tls.pem"))
        with httpx.Client(verify=context, timeout=_WAIT_S) as client:
            until_s = time.monotonic() + _WAIT_S
            while not (feed := client.get(f"{address}/health/ready").json()["feed"]) or not feed["problem"]:
                assert time.monotonic() < until_s
            assert feed["problem"] == "no line"
            assert client.get(f"{address}/logon").status_code == 200


def test_what_is_wrong_is_told_in_one_line(place: Path, key_file: str, tmp_path: Path) -> None:
    here = ("--data", str(place), "--key-file", key_file)
    cases = {
        ("serve", "--data", str(tmp_path)): (2, "there is no opslag.toml"),
        ("create", "--data", str(tmp_path)): (2, "give --name, --kind and --prefix"),
        ("create", *here): (1, "is there already"),
        (
            "print",
            "--data",
            str(place),
            "--ward",
            "x",
            "--out",
            str(tmp_path / "o"),
            "--key-file",
            key_file,
        ): (
            2,
            "no ward 'x'",
        ),
        ("status", "--data", str(unreachable(place, tmp_path))): (1, "nothing answers"),
    }
    for arguments, (code, said) in cases.items():
        done = run(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert said in done.stderr


def unreachable(place: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    shutil.copytree(place, folder)
    text = (folder / "opslag.toml").read_text()
    port = text.split("127.0.0.1:")[1].split('"')[0]
    (folder / "opslag.toml").write_text(text.replace(port, str(free_port())))
    return folder
