"""What `altid render` writes for each host of a region: all that it needs, and nothing of the others."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from altid.cli.app import SUMMARIES, run
from altid.region import layout
from altid.region.builtin import builtin_netns_region
from altid.region.layout import Layout
from altid.region.regionfile import read_region, render_region
from tests.access.test_identity_file import OIDC, SECRET

HOSTS = {"A": "10.89.1.2", "B": "10.89.2.2", "W": "10.89.3.2"}
VERIFY_S_MAX = 60


class Operator:
    """The operator's machine: a region file, the folder with the keys, a folder for each host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file, self.keys = folder / "region.toml", Layout(folder / "keys")
        self.file.write_text(render_region(builtin_netns_region("10.89")))

    def host(self, place: str) -> Path:
        return self.folder / place

    def render(self, place: str, *more: str, out: Path | None = None) -> int:
        ours = ["--region", str(self.file), "--keys", str(self.keys.data), *more]
        return run(
            ["render", *ours, "--host", HOSTS.get(place, place), "--out", str(out or self.host(place))]
        )


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


@pytest.fixture(scope="module")
def all_hosts(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """One operator with all three hosts rendered; tests only look."""
    made = Operator(tmp_path_factory.mktemp("operator"))
    assert [made.render(place) for place in HOSTS] == [0, 0, 0]
    return made


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def private_keys(text: bytes) -> set[bytes]:
    return set(re.findall(rb"-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----", text, re.DOTALL))


def unit_of(folder: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read(folder / "altid-place.service")
    return parser["Service"]


@pytest.mark.parametrize("place", HOSTS)
def test_a_host_has_its_own_key_and_nobody_elses(place: str, all_hosts: Operator) -> None:
    theirs = set[bytes]()
    for path in all_hosts.keys.data.rglob("*"):
        if path.is_file() and not path.is_relative_to(all_hosts.keys.data / place):
            theirs |= private_keys(path.read_bytes())
    mine = private_keys(b"".join(everything(all_hosts.host(place)).values()))
    assert len(mine) == (1 if place == "W" else 2), "a site's lookup record has a key of its own"
    assert not mine & theirs


def test_the_authoritys_key_leaves_the_operators_folder_never(all_hosts: Operator) -> None:
    key = (all_hosts.keys.pki / "authority.key").read_bytes().strip()
    for place in HOSTS:
        assert all(key not in text for text in everything(all_hosts.host(place)).values())


def test_the_witness_gets_only_the_passwords_that_it_uses(all_hosts: Operator) -> None:
    told = json.loads((all_hosts.host("W") / "data" / "secrets.json").read_text())
    assert {name for name, value in told.items() if value} == {"monitor", "replication"}
    assert all(
        value in asdict(layout.load_secrets(all_hosts.keys)).values() for value in told.values() if value
    )


@pytest.mark.parametrize("place", HOSTS)
def test_passwords_are_in_one_file_alone(place: str, all_hosts: Operator) -> None:
    passwords = [value.encode() for value in asdict(layout.load_secrets(all_hosts.keys)).values()]
    holding = [
        name
        for name, text in everything(all_hosts.host(place)).items()
        if any(password in text for password in passwords)
    ]
    assert holding == ["data/secrets.json"]


@pytest.mark.parametrize("place", HOSTS)
def test_only_the_owner_reads_what_was_written(place: str, all_hosts: Operator) -> None:
    folder = all_hosts.host(place)
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_the_same_region_and_keys_give_the_same_files(operator: Operator) -> None:
    operator.render("A")
    operator.render("A", out=operator.folder / "again")
    assert everything(operator.host("A")) == everything(operator.folder / "again")


def test_what_is_rendered_again_replaces_what_was_there(operator: Operator) -> None:
    operator.render("A")
    text = operator.file.read_text().replace("servers = 2", "servers = 1")
    operator.file.write_text(text)
    assert operator.render("A") == 0
    assert read_region(operator.host("A") / "data" / "region.toml").sites[0].servers == 1


def test_a_host_holds_the_region_as_it_was_given(all_hosts: Operator) -> None:
    region = read_region(all_hosts.file)
    for place in HOSTS:
        where = Layout(all_hosts.host(place) / "data")
        assert layout.load_region(where) == region
        layout.check_ours(where, region)


@pytest.mark.parametrize("place", HOSTS)
def test_the_unit_runs_the_places_supervisor_as_the_service_user(place: str, all_hosts: Operator) -> None:
    unit = unit_of(all_hosts.host(place))
    assert unit["ExecStart"] == (
        f"/opt/altid/.venv/bin/python -m altid.region.supervisor /var/lib/altid {place}"
    )
    assert (unit["User"], unit["KillMode"], unit["Restart"]) == ("altid", "mixed", "always")
    assert (unit["WorkingDirectory"], unit["ReadWritePaths"]) == (f"/var/lib/altid/{place}", "/var/lib/altid")


def test_the_witness_may_write_a_backup_folder_of_its_own(operator: Operator) -> None:
    text = operator.file.read_text().replace('folder = ""', 'folder = "/srv/backup"')
    operator.file.write_text(text)
    operator.render("W")
    operator.render("A")
    assert unit_of(operator.host("W"))["ReadWritePaths"] == "/var/lib/altid /srv/backup"
    assert unit_of(operator.host("A"))["ReadWritePaths"] == "/var/lib/altid"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_accepts_the_unit(operator: Operator) -> None:
    operator.render("A", "--python", sys.executable, "--user", "root")
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(operator.host("A") / "altid-place.service")],
        capture_output=True,
        text=True,
        timeout=VERIFY_S_MAX,
        check=False,
    )
    ours = [line for line in result.stderr.splitlines() if "altid-place" in line]
    assert ours == []


def test_a_folder_with_a_space_is_one_word_to_systemd(operator: Operator) -> None:
    operator.render("A", "--python", "/opt/altid 1/100 %/python")
    unit = unit_of(operator.host("A"))
    assert unit["ExecStart"].startswith('"/opt/altid 1/100 %%/python" -m altid.region.supervisor ')


def test_what_the_parts_will_run_can_be_read(all_hosts: Operator) -> None:
    shown = all_hosts.host("A") / "shown"
    patroni = json.loads((shown / "patroni" / "patroni.yml").read_text())
    assert (patroni["name"], patroni["scope"]) == ("A", "altid")
    commands = (shown / "commands.txt").read_text()
    for part in ("etcd", "tunnel", "patroni", "guardian", "server-1", "server-2"):
        assert f"# {part}, in /var/lib/altid/A" in commands
    assert "--name=A" in commands


def test_a_site_has_its_gateway_and_the_witness_has_none(all_hosts: Operator) -> None:
    assert (all_hosts.host("A") / "data" / "A" / "gateway" / "envoy.json").is_file()
    assert not (all_hosts.host("W") / "data" / "W" / "gateway").exists()


def test_the_firewalls_list_names_who_may_come_in(all_hosts: Operator) -> None:
    lines = (all_hosts.host("A") / "firewall.txt").read_text().splitlines()
    peer = next(line for line in lines if line.startswith("etcd_peer"))
    assert HOSTS["B"] in peer
    assert HOSTS["W"] in peer
    assert HOSTS["A"] not in peer
    assert not any(line.startswith("postgres ") for line in lines), "PostgreSQL itself is on loopback"


@pytest.mark.parametrize("place", HOSTS)
def test_the_page_names_only_commands_that_exist(place: str, all_hosts: Operator) -> None:
    page = (all_hosts.host(place) / "README.md").read_text()
    named = set(re.findall(r"(?:bin/|`|^)altid ([a-z]+)\b", page, re.MULTILINE))
    assert named
    assert named <= set(SUMMARIES)


def refused(capsys: pytest.CaptureFixture[str], code: int) -> str:
    assert code == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    return captured.err


def test_an_address_that_is_no_host_is_refused_and_nothing_made(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, operator.render("192.0.2.7", out=operator.folder / "out"))
    assert "192.0.2.7 is no host of the region altid: A 10.89.1.2, B 10.89.2.2, W 10.89.3.2" in told
    assert not operator.keys.data.exists()
    assert not (operator.folder / "out").exists()


def test_two_places_at_one_host_are_refused(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    text = operator.file.read_text().replace(HOSTS["W"], HOSTS["B"])
    for port in ("12379", "12380", "17400"):  # else the same port is there twice
        head, tail = text.rsplit(port, 1)
        text = f"{head}{int(port) + 1_000}{tail}"
    operator.file.write_text(text)
    assert "B and W share the host 10.89.2.2" in refused(capsys, operator.render("B"))


def test_the_keys_of_another_region_are_refused(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.render("A")
    capsys.readouterr()
    operator.file.write_text(operator.file.read_text().replace('name = "altid"', 'name = "syd"', 1))
    before = everything(operator.keys.data)
    assert "belongs to the region altid, not syd" in refused(
        capsys, operator.render("A", out=operator.folder / "x")
    )
    assert everything(operator.keys.data) == before


def test_another_hosts_folder_is_not_written_over(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.render("A")
    capsys.readouterr()
    assert "is for A of the region altid" in refused(capsys, operator.render("B", out=operator.host("A")))


def test_a_folder_with_something_else_is_not_written_into(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = operator.folder / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    assert "was not made by `altid render`" in refused(capsys, operator.render("A", out=mine))
    assert everything(mine) == {"thesis.txt": b"mine"}


def test_a_site_gets_the_regions_identity_providers(operator: Operator) -> None:
    assert operator.render("A") == 0
    for name, text in (("identity.toml", OIDC), ("region.secret", SECRET)):
        (operator.keys.data / name).write_text(text)
        (operator.keys.data / name).chmod(0o600)
    assert operator.render("A") == 0
    assert operator.render("W") == 0
    assert (operator.host("A") / "data/A/identity.toml").read_text() == OIDC
    assert (operator.host("A") / "data/A/region.secret").read_text() == SECRET
    assert stat.S_IMODE((operator.host("A") / "data/A/region.secret").stat().st_mode) == 0o600
    assert "data/A/identity.toml data/A/region.secret" in (operator.host("A") / "README.md").read_text()
    assert not any(SECRET.encode() in content for content in everything(operator.host("W")).values())
    assert "identity.toml" not in (operator.host("W") / "README.md").read_text()
