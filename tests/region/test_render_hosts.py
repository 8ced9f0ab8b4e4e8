"""A region on hosts of its own: three network namespaces stand for the hosts, and share nothing else.

Each host is installed by the commands of its own README and started by the ExecStart of its own unit, as the
unit's user, in the unit's environment. One story, told in the order of the tests; each needs the ones before.
"""

from __future__ import annotations

import asyncio
import configparser
import json
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import httpx
import pytest

from altid.cli.app import run
from altid.record.postgres import account as accounts
from altid.record.postgres import launch
from altid.region import layout, netns, processes
from altid.region.builtin import builtin_netns_region
from altid.region.layout import Layout
from altid.region.regionfile import render_region
from altid.region.shutdown import kill_place
from altid.region.status import Status, gather
from altid.region.topology import Place, Region, Site
from tests.guards import bearer, token_of

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="network namespaces need the program `ip`"),
]

_COMMAND_S_MAX = 60
_READY_S_MAX, _STOP_S_MAX, _BACK_S_MAX, _WRITE_S_MAX, _RENEWED_S_MAX = 60.0, 120, 90.0, 20.0, 60.0
_TEST = {"resourceType": "Observation", "id": "hosts", "status": "final", "code": {"text": "hosts"}}


class Host:
    """One namespace with its own folder: what was rendered for it, and what runs in it."""

    def __init__(self, folder: Path, place: Place, region: Region, net: netns.Namespaces) -> None:
        self.place, self.region, self._net = place, region, net
        self.rendered, self.data = folder / "rendered" / place.name, folder / f"host-{place.name}" / "altid"
        self._notify = folder / f"notify-{place.name}"
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def where(self) -> Layout:
        return Layout(self.data)

    @property
    def root(self) -> Path:
        return self.where.place(self.place.name).root

    def install(self) -> None:
        """The page's own commands, but for those that speak to systemd."""
        page = (self.rendered / "README.md").read_text()
        block = page.split("## Install", 1)[1].split("```sh\n", 1)[1].split("```", 1)[0]
        lines = [line for line in block.splitlines() if "system" not in line or line.startswith("id ")]
        assert len(lines) >= 4
        subprocess.run(
            ["sh", "-euc", "\n".join(lines)], cwd=self.rendered, check=True, timeout=_COMMAND_S_MAX
        )

    def start(self) -> None:
        """What systemd would do with the unit: its user, environment, folder, command; and wait for READY."""
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[method-assign,assignment]
        text = (self.rendered / "altid-place.service").read_text()
        parser.read_string(text)
        unit = parser["Service"]
        environment = dict(
            pair.split("=", 1)
            for line in text.splitlines()
            if line.startswith("Environment=")
            for pair in shlex.split(line.partition("=")[2])
        )
        account = accounts.choose(Path(unit["WorkingDirectory"]))
        assert account.name == unit["User"]
        program = launch.command(account, Path(unit["WorkingDirectory"]), shlex.split(unit["ExecStart"]))
        self._notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(str(self._notify))
            self._notify.chmod(0o666)
            told.settimeout(_READY_S_MAX)
            self._supervisor = subprocess.Popen(
                [*netns.entering(self._net, self.place.name), *program],
                env=environment | {"NOTIFY_SOCKET": str(self._notify)},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            assert told.recv(64) == b"READY=1"

    def power_off(self) -> None:
        """Everything is gone at once."""
        asyncio.run(kill_place(self.where, self.place))
        if self._supervisor is not None:
            self._supervisor.wait(_COMMAND_S_MAX)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`altid` on this very host, as root."""
        program = [sys.executable, "-m", "altid.cli", *arguments, "--data", str(self.data)]
        return subprocess.run(
            [*netns.entering(self._net, self.place.name), *program],
            capture_output=True,
            text=True,
            timeout=_STOP_S_MAX,
            check=False,
        )

    def stop(self) -> int | None:
        """What `systemctl stop` does; the exit code."""
        if self._supervisor is None or self._supervisor.poll() is not None:
            return None
        self._supervisor.send_signal(signal.SIGTERM)
        return self._supervisor.wait(_STOP_S_MAX)


class Story:
    """The operator's folder, and the three hosts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.region = builtin_netns_region(netns.free_prefix(), servers=1)
        self.file, self.keys = folder / "region.toml", Layout(folder / "keys")
        self.file.write_text(render_region(self.region))
        (folder / "net").mkdir()
        net = netns.make(folder / "net", self.region)
        self.hosts = {place.name: Host(folder, place, self.region, net) for place in self.region.places}
        self.first_leader = ""

    def render(self, host: Host) -> int:
        user = accounts.choose(self.folder / "nothing").name
        ours = ["--region", str(self.file), "--keys", str(self.keys.data), "--out", str(host.rendered)]
        theirs = ["--data", str(host.data), "--user", user, "--python", sys.executable]
        return run(["render", *ours, "--host", host.place.host, *theirs, "--quiet"])

    def status(self) -> Status:
        return asyncio.run(gather(self.keys, layout.load_region(self.keys)))

    def is_whole(self) -> bool:
        status = self.status()
        return status.durability == "two-sites" and all(site.state == "live" for site in status.sites)

    def is_live(self, name: str) -> bool:
        """Whether the site is well and holds every write, whatever the other one still lacks."""
        status = self.status()
        state = next(site.state for site in status.sites if site.name == name)
        return status.durability == "two-sites" and state == "live"

    def shown_at(self, site: Site, port: int) -> bytes | None:
        """The certificate that is shown at the port."""
        folder = self.keys.pki / "operator"
        context = ssl.create_default_context(cafile=folder / "authority.pem")
        context.load_cert_chain(folder / "identity.pem")
        try:
            with (
                socket.create_connection((site.host, port), 5) as line,
                context.wrap_socket(line, server_hostname=site.host) as secure,
            ):
                return secure.getpeercert(binary_form=True)
        except OSError:
            return None

    @property
    def leader(self) -> Site:
        return self.region.site(self.first_leader)

    @property
    def other(self) -> Site:
        return self.region.other(self.leader)

    @cached_property
    def token(self) -> dict[str, str]:
        """Made with the operator's folder, by way of the operator's passage."""
        return bearer(token_of(self.keys.data))

    def client(self, site: Site) -> httpx.Client:
        """A client of the site's door, which trusts the region's authority."""
        context = ssl.create_default_context(cafile=self.keys.pki / "authority.pem")
        base = f"https://{site.host}:{site.gateway}/fhir"
        return httpx.Client(base_url=base, verify=context, timeout=5.0, headers=self.token)

    def put(self, site: Site, value: int) -> float:
        """Write through the site's door until it is acknowledged; gives how long that took, in seconds."""
        began_s = time.monotonic()
        with self.client(site) as client:
            while time.monotonic() - began_s < _WRITE_S_MAX:
                try:
                    answer = client.put("/Observation/hosts", json=_TEST | {"valueInteger": value})
                except httpx.TransportError:
                    continue
                if answer.status_code in (200, 201):
                    return time.monotonic() - began_s
                time.sleep(0.05)
        raise AssertionError(f"no write was acknowledged within {_WRITE_S_MAX} s")

    def get(self, site: Site) -> int:
        with self.client(site) as client:
            return int(json.loads(client.get("/Observation/hosts").content)["valueInteger"])


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    folder = Path(tempfile.mkdtemp(prefix="altid-hosts-"))
    folder.chmod(0o755)
    told = Story(folder)
    try:
        yield told
    finally:
        for host in told.hosts.values():
            host.power_off()
        netns.remove(folder / "net")
        shutil.rmtree(folder)


def eventually(holds: Callable[[], bool], s_max: float) -> bool:
    end_s = time.monotonic() + s_max
    while time.monotonic() < end_s:
        if holds():
            return True
        time.sleep(0.2)
    return False


def test_each_host_is_installed_from_its_own_folder_alone(story: Story) -> None:
    for host in story.hosts.values():
        assert story.render(host) == 0
        host.install()
        names = {path.name for path in host.data.iterdir()}
        assert names == {"region.toml", "region.json", "secrets.json", host.place.name}


def test_the_units_start_the_places(story: Story) -> None:
    for host in story.hosts.values():
        host.start()


def test_init_completes_the_region_and_may_be_repeated(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "--data", str(story.keys.data), "--json"]) == 0, capsys.readouterr().err
    told = json.loads(capsys.readouterr().out)
    assert told["durability"] == "two-sites"
    story.first_leader = told["leader"]
    assert run(["init", "--data", str(story.keys.data), "--quiet"]) == 0


def test_nothing_runs_as_root(story: Story) -> None:
    for host in story.hosts.values():
        found = processes.of_place(host.root)
        assert found
        assert all(Path(f"/proc/{process}").stat().st_uid != 0 for process in found)


def test_a_write_at_one_site_is_read_at_the_other(story: Story) -> None:
    story.put(story.other, 1)
    assert (story.get(story.leader), story.get(story.other)) == (1, 1)


def test_when_the_leaders_host_loses_power_the_other_goes_on(story: Story) -> None:
    story.hosts[story.leader.name].power_off()
    assert story.put(story.other, 2) < 10.0, "that was Patroni's own takeover, not the guardian's"
    assert story.get(story.other) == 2
    assert story.status().durability == "one-site"


def test_the_host_comes_back_by_its_unit_alone(story: Story) -> None:
    story.hosts[story.leader.name].start()
    assert eventually(story.is_whole, _BACK_S_MAX)
    story.put(story.leader, 3)
    assert (story.get(story.leader), story.get(story.other)) == (3, 3)


def test_the_lead_moves_when_it_is_asked_to(story: Story) -> None:
    assert run(["switchover", "--data", str(story.keys.data), "--quiet"]) == 0
    assert story.get(story.other) == 3


def test_servers_are_added_by_rendering_again_one_site_after_the_other(story: Story) -> None:
    story.file.write_text(story.file.read_text().replace("servers = 1", "servers = 2"))
    for _ in story.region.sites:
        standby = next(site.name for site in story.status().sites if site.role == "standby")
        assert story.render(story.hosts[standby]) == 0
        story.hosts[standby].install()
        assert story.hosts[standby].stop() == 0
        story.hosts[standby].start()
        assert eventually(lambda site=standby: story.is_live(site), _BACK_S_MAX)  # type: ignore[misc]
        assert run(["switchover", "--data", str(story.keys.data), "--quiet"]) == 0
    assert eventually(story.is_whole, _BACK_S_MAX)
    assert [len(site.servers) for site in story.status().sites] == [2, 2]


def test_a_hosts_own_servers_are_restarted_one_by_one(story: Story) -> None:
    host = story.hosts["A"]
    done = host.command("rollout", "--json")
    assert done.returncode == 0, done.stderr
    assert "server-2" in done.stdout


def test_a_renewed_certificate_is_taken_over_while_everything_runs(story: Story) -> None:
    host, site = story.hosts["A"], story.region.site("A")
    ports = (site.etcd_client, site.patroni, site.guardian, site.gateway, site.postgres_tls)
    before = {port: story.shown_at(site, port) for port in ports}
    (story.keys.place("A").pki / "identity.pem").unlink()
    assert story.render(host) == 0
    host.install()
    eventually(lambda: all(story.shown_at(site, port) != before[port] for port in ports), _RENEWED_S_MAX)
    assert [
        part
        for part, port in site.ports.items()
        if port in ports and story.shown_at(site, port) == before[port]
    ] == []
    assert eventually(story.is_whole, _BACK_S_MAX)


def test_after_a_total_loss_of_power_everything_comes_back_by_itself(story: Story) -> None:
    for host in story.hosts.values():
        host.power_off()
    for host in story.hosts.values():
        host.start()
    assert eventually(story.is_whole, _BACK_S_MAX)
    assert (story.get(story.leader), story.get(story.other)) == (3, 3)


def test_a_host_that_lost_its_disk_is_replaced_by_a_new_one(story: Story) -> None:
    host = story.hosts[story.leader.name]
    assert run(["replace", host.place.name, "--data", str(story.keys.data), "--quiet"]) == 2, "it runs"
    host.power_off()
    shutil.rmtree(host.data)
    story.put(story.other, 4)
    assert run(["replace", host.place.name, "--data", str(story.keys.data), "--quiet"]) == 0
    assert story.render(host) == 0
    host.install()
    host.start()
    assert eventually(story.is_whole, _BACK_S_MAX)
    assert (story.get(story.leader), story.get(story.other)) == (4, 4)


def test_stopping_the_units_leaves_nothing_running(story: Story) -> None:
    order = [story.leader, story.other, story.region.witness]
    assert [story.hosts[place.name].stop() for place in order] == [0, 0, 0]
    assert all(processes.of_place(host.root) == [] for host in story.hosts.values())
    assert all(layout.holder(host.where.place(name).lock) is None for name, host in story.hosts.items())
