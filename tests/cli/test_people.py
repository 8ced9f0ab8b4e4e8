"""`altid serve` from nothing, and the commands of whoever runs it: accounts, systems, tokens. One story."""

from __future__ import annotations

import io
import json
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey
from scripted import Altid

from altid.cli.credentials import credentials_for
from tests.guards import bearer

_START_S_MAX, _REFUSED_S_MAX = 60.0, 30.0
_WARD = "999000001001"


class Server:
    """`altid serve` on a data folder; what it said is kept."""

    def __init__(self, folder: Path) -> None:
        self.data, self._log = folder / "data", folder / "log"
        self.address = ""
        self.said: list[str] = []

    def start(self) -> None:
        command = [sys.executable, "-m", "altid.cli", "serve", "--data", str(self.data), "--port", "0"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--workers", "1"], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("Altid is ready: ")
        self.address = json.loads((self.data / "server.json").read_text())["web"]

    def stop(self) -> str:
        """What it printed after its first line."""
        self._process.terminate()
        said, _ = self._process.communicate(timeout=_START_S_MAX)
        return said

    @property
    def log(self) -> str:
        return self._log.read_text()

    def status(self, token: str) -> int:
        return httpx.get(f"{self.address}/fhir/Patient", headers=bearer(token), timeout=30).status_code


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="altid-people-"))
    folder.chmod(0o755)
    made = Server(folder)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@pytest.fixture
def at(server: Server, capsys: pytest.CaptureFixture[str]) -> Altid:
    """The command line on that data folder."""
    return Altid(server.data, capsys)


def test_the_first_start_makes_a_secret_of_its_own(server: Server) -> None:
    assert stat.S_IMODE((server.data / "access.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((server.data / "audit").stat().st_mode) == 0o700


def test_a_restart_keeps_the_secret_and_prints_a_link_while_there_is_no_account(server: Server) -> None:
    secret = (server.data / "access.key").read_text()
    said = server.stop()
    link = next(line.strip() for line in said.splitlines() if "/join#" in line)
    assert said.count("/join#") == 1
    assert link.partition("#")[2] not in server.log
    server.start()
    assert (server.data / "access.key").read_text() == secret


def test_a_link_for_the_first_administrator_can_be_asked_for(at: Altid, server: Server) -> None:
    assert at("user", "invite", "--first", "--quiet") == 0
    assert at.out.startswith(f"http://localhost:{server.address.rpartition(':')[2]}/join#")


def test_whoever_is_added_gets_a_link(at: Altid) -> None:
    assert at("user", "add", "Anne", "--name", "Anne Holm", "--role", "doctor", "--organisation", _WARD) == 0
    assert "anne is added." in at.out
    assert "/join#" in at.out


def test_then_there_is_no_link_for_a_first_administrator(at: Altid) -> None:
    assert at("user", "invite", "--first") == 2
    assert "There are accounts already" in at.err


def test_a_password_comes_from_standard_input(at: Altid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _typed("en lang sætning om køer\n"))
    ole = ("user", "add", "ole", "--name", "Ole Juhl", "--role", "nurse", "--organisation", _WARD)
    assert at(*ole, "--password-file", "-", "--json") == 0
    assert "invitation" not in json.loads(at.out)


@pytest.mark.parametrize(
    ("typed", "hint"), [("kort\n", "at least 12 characters"), ("\n", "no password in the first line")]
)
def test_a_password_that_is_none_makes_no_account(
    at: Altid, monkeypatch: pytest.MonkeyPatch, typed: str, hint: str
) -> None:
    monkeypatch.setattr(sys, "stdin", _typed(typed))
    bo = ("user", "add", "bo", "--name", "Bo", "--role", "nurse", "--organisation", _WARD)
    assert at(*bo, "--password-file", "-") == 2
    assert hint in at.err
    assert len(at.err.splitlines()) == 1
    at("user", "list", "--json")
    assert [user["username"] for user in json.loads(at.out)["users"]] == ["anne", "ole"]


def test_a_token_is_printed_alone_and_the_server_knows_it(at: Altid, server: Server) -> None:
    assert at("token", "--user", "anne") == 0
    assert len(at.out.split()) == 1
    assert server.status(at.out.strip()) == 200


def test_as_json_it_says_whose_it_is(at: Altid) -> None:
    assert at("token", "--user", "ole", "--json") == 0
    told = json.loads(at.out)
    assert (told["role"], told["organisation"], told["name"]) == ("nurse", _WARD, "Ole Juhl")


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "--user", "nobody"),
        ("token", "--user", "anne", "--role", "auditor"),
        ("token", "--user", "anne", "--organisation", "1"),
        ("user", "disable", "nobody"),
        ("user", "enable", "nobody"),
        ("user", "invite"),
        ("user", "invite", "anne", "--first"),
        ("user", "add", "anne", "--name", "x", "--role", "nurse", "--organisation", "1"),
        ("user", "add", "-x", "--name", "x", "--role", "nurse"),
        ("user", "change"),
        ("user",),
        ("client", "disable", "nobody"),
        ("client", "rotate", "nobody"),
        ("client", "rotate", "nobody", "--keys", "/dev/null"),
        ("client", "add", "x", "--name", "x", "--organisation", "1", "--scope", "all", "--keys", "/dev/null"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(at: Altid, arguments: tuple[str, ...]) -> None:
    assert at(*arguments) == 2
    assert len(at.err.splitlines()) == 1
    assert at.out == ""


def test_a_closed_account_is_refused_within_seconds(at: Altid, server: Server) -> None:
    at("token", "--user", "ole")
    token = at.out.strip()
    assert server.status(token) == 200
    assert at("user", "disable", "ole") == 0
    end_s = time.monotonic() + _REFUSED_S_MAX
    while server.status(token) != 401:
        assert time.monotonic() < end_s, "it still comes in"
        time.sleep(0.2)
    assert at("token", "--user", "ole") == 2
    assert at("user", "enable", "ole") == 0
    assert at.out == "ole is open.\n"
    assert at("token", "--user", "ole") == 0
    assert server.status(token) == 401


def test_a_system_is_registered_with_its_public_keys(at: Altid, tmp_path: Path) -> None:
    key = ECKey.generate_key("P-384")
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [{**key.as_dict(private=False), "kid": "k1"}]}))
    lab = ("client", "add", "lab", "--name", "Laboratory", "--organisation", "12", "--keys", keys)
    assert at(*lab, "--scope", "system/Observation.cru") == 0
    assert at("client", "list", "--json") == 0
    [told] = json.loads(at.out)["clients"]
    assert (told["id"], told["scopes"], told["disabled"]) == ("lab", ["system/Observation.cru"], False)
    other = {**ECKey.generate_key("P-384").as_dict(private=False), "kid": "k2"}
    keys.write_text(json.dumps({"keys": [other]}))
    assert at("client", "rotate", "lab", "--keys", keys) == 0
    assert at.out == "lab has new keys.\n"
    assert at("client", "disable", "lab") == 0
    assert at("client", "rotate", "lab", "--keys", keys) == 2
    at("client", "list", "--json")
    assert json.loads(at.out)["clients"][0]["disabled"]


def test_an_application_that_people_use_is_registered_with_where_it_comes_back_to(at: Altid) -> None:
    chart = ("client", "add", "chart", "--name", "Chart", "--organisation", "12", "--scope", "patient/*.rs")
    assert at(*chart) == 2
    assert "--redirect" in at.err
    assert at(*chart, "--redirect", "http://chart.example/back") == 2
    assert at(*chart, "--redirect", "https://chart.example/back", "--json") == 0
    assert json.loads(at.out)["redirects"] == ["https://chart.example/back"]


def test_a_private_key_is_refused(at: Altid, tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [{**ECKey.generate_key("P-384").as_dict(private=True), "kid": "k"}]}))
    lab = ("client", "add", "lab2", "--name", "x", "--organisation", "12", "--keys", keys)
    assert at(*lab, "--scope", "system/Observation.cru") == 2
    assert "private" in at.err


def test_load_and_export_prove_themselves(at: Altid, tmp_path: Path) -> None:
    (tmp_path / "in.ndjson").write_text('{"resourceType":"Patient","id":"p1"}\n')
    assert at("load", tmp_path / "in.ndjson") == 0
    assert at("export", "--out", tmp_path / "out", "--json") == 0
    assert json.loads(at.out)["resources"] == 1


def test_a_token_of_ones_own_is_sent_to_nobody_else(server: Server) -> None:
    assert credentials_for(server.data, f"{server.address}/fhir", None, "load") is not None
    for other in (
        "http://ehr.example.org/fhir",
        f"{server.address}.example.org/fhir",
        "http://127.0.0.1/fhir",
    ):
        assert credentials_for(server.data, other, None, "load") is None


def test_a_server_that_does_not_know_us_is_said_so(at: Altid, server: Server, tmp_path: Path) -> None:
    stranger = Altid(tmp_path / "data", at.capture)
    (tmp_path / "in.ndjson").write_text('{"resourceType":"Patient","id":"p1"}\n')
    assert stranger("load", tmp_path / "in.ndjson", "--server", f"{server.address}/fhir") == 1
    assert "does not know who asks" in stranger.err
    assert len(stranger.err.splitlines()) == 1


@pytest.mark.parametrize("how", ["file", "environment"])
def test_a_token_can_be_given(
    at: Altid, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    at("token", "--user", "anne")
    stranger = Altid(tmp_path / "data", at.capture)
    there: list[Any] = ["--server", f"{server.address}/fhir", "--type", "Organization"]
    if how == "file":
        (tmp_path / "token").write_text(at.out)
        (tmp_path / "token").chmod(0o600)
        there += ["--token-file", tmp_path / "token"]
    else:
        monkeypatch.setenv("ALTID_TOKEN", at.out.strip())
    assert stranger("export", "--out", tmp_path / "out", *there) == 0


def test_a_token_file_that_others_may_read_is_refused(at: Altid, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a.b.c")
    (tmp_path / "token").chmod(0o644)
    assert at("export", "--out", tmp_path, "--token-file", tmp_path / "token") == 2
    assert "chmod 600" in at.err


def test_all_of_it_is_in_the_audit_which_is_whole(at: Altid) -> None:
    assert at("audit", "search", "--json", "--limit", "1000") == 0
    events = json.loads(at.out)["events"]
    done = {
        (event["action"], event["operation"]) for event in events if event["writer"].startswith("terminal.")
    }
    assert {("administer", "add"), ("administer", "invite"), ("administer", "disable")} <= done
    assert {("administer", "enable"), ("administer", "rotate")} <= done
    assert {("logon", "load"), ("logon", "export")} <= done
    assert at("audit", "verify") == 0


def _typed(text: str) -> Any:
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
