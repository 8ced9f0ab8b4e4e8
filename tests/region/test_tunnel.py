"""PostgreSQL between hosts: what Envoy is told, and two real ones that carry bytes for those who may."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from altid.region import certificates, envoy, passage, tunnel
from altid.region.builtin import builtin_netns_region
from altid.region.error import RegionError
from altid.region.patroni import PARAMETERS, SENDER_TIMEOUT_S
from altid.region.topology import Place, Region, Site
from tests.region.certified import Certified

_START_S_MAX = 30.0
_ANSWER_S_MAX = 20.0
_AT_ONCE_S_MAX = 4.0
"""On a busy machine. Who waits for a time limit waits for longer."""
_POLL_S = 0.02
_TLS_ALERT = b"\x15"
_T = TypeVar("_T")


def _told(region: Region, place: Place) -> dict[str, Any]:
    text, _ = tunnel.configuration(region, place, Path("/data/A/tunnel"), Path("/data/A/pki"))
    value: dict[str, Any] = json.loads(text)
    return value["static_resources"]  # type: ignore[no-any-return]


def _hosts(told: list[dict[str, Any]]) -> set[str]:
    return {one["address"]["socket_address"]["address"] for one in told}


def test_one_machine_has_no_lines_and_needs_no_tunnel(certified: Certified) -> None:
    assert not [place for place in certified.region.places if tunnel.is_needed(place)]


def test_a_site_takes_connections_from_the_line_and_leads_to_the_other() -> None:
    region = builtin_netns_region("10.89")
    assert _hosts(_told(region, region.sites[0])["listeners"]) == {"10.89.1.2", "127.89.2.2"}


def test_the_witness_takes_none_from_the_line() -> None:
    region = builtin_netns_region("10.89")
    assert _hosts(_told(region, region.witness)["listeners"]) == {"127.89.1.2", "127.89.2.2"}


def test_whatever_is_on_the_line_is_encrypted_and_both_ends_are_proven() -> None:
    region = builtin_netns_region("10.89")
    told = _told(region, region.sites[0])
    for one in told["listeners"]:
        on_the_line = not one["address"]["socket_address"]["address"].startswith("127.")
        assert ("transport_socket" in one["filter_chains"][0]) == on_the_line
    for one in told["clusters"]:
        ends = one["load_assignment"]["endpoints"][0]["lb_endpoints"]
        host = ends[0]["endpoint"]["address"]["socket_address"]["address"]
        assert ("transport_socket" in one) == (not host.startswith("127."))


def test_the_tunnel_is_more_patient_than_the_leader_with_a_silent_standby() -> None:
    text = json.dumps(_told(region := builtin_netns_region("10.89"), region.sites[0]))
    waits_ms = {
        option["int_value"]
        for option in _options(json.loads(text))
        if (option["level"], option["name"]) == (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    }
    assert min(waits_ms) > SENDER_TIMEOUT_S * 1000
    assert PARAMETERS["wal_sender_timeout"] == "1500ms"


def _options(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield from value.get("socket_options", [])
        for one in value.values():
            yield from _options(one)
    elif isinstance(value, list):
        for one in value:
            yield from _options(one)


class _Line:
    """Two Envoys with a server at the far end that says back what it hears.

    All on one machine, so the near end listens at another port than the server it leads to.
    """

    def __init__(self, made: Certified) -> None:
        self.made = made
        self.site: Site = made.region.sites[0]
        self.near = replace(self.site, postgres=made.region.sites[1].postgres_tls + 40)
        self.arrived = 0
        """How many connections came to the far end."""

    def start(self) -> list[subprocess.Popen[bytes]]:
        far = replace(self.made.region, sites=(self.site, self.made.region.sites[1]))
        near = replace(self.made.region, sites=(self.near, self.made.region.sites[1]))
        return [self._envoy(far, self.site), self._envoy(near, self.made.region.witness)]

    def _envoy(self, region: Region, place: Place) -> subprocess.Popen[bytes]:
        folders = self.made.where.place(place.name)
        text, known = tunnel.configuration(region, place, folders.tunnel, folders.pki)
        tunnel.secrets_file(folders.tunnel).write_text(known)
        file = tunnel.configuration_file(folders.tunnel)
        file.write_text(_without_the_other_site(text, region.sites[1]))
        command = envoy.command(envoy.find(), file, node=place.name)
        with open(folders.log / "tunnel.log", "wb") as log:
            return subprocess.Popen(command, cwd=folders.tunnel, stdout=log, stderr=log)

    def run(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do the work while the server at the far end runs."""

        async def run() -> _T:
            server = await asyncio.start_server(self._echo, self.site.database_host, self.site.postgres)
            try:
                async with asyncio.timeout(_START_S_MAX):
                    return await work()
            finally:
                server.close()

        return asyncio.run(run())

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.arrived += 1
        try:
            while (line := await reader.readline()) not in (b"", b"hang up\n"):
                writer.write(line)
                await writer.drain()
        except OSError:
            pass  # who hung up was in the middle of something
        finally:
            writer.close()


def _without_the_other_site(text: str, other: Site) -> str:
    """On one machine the other site's own PostgreSQL would be at the same address: it isn't needed here."""
    told = json.loads(text)
    resources = told["static_resources"]
    resources["listeners"] = [one for one in resources["listeners"] if one["name"] != f"towards-{other.name}"]
    return json.dumps(told)


async def _ask(host: str, port: int, tls: ssl.SSLContext | None = None, line: bytes = b"hello\n") -> bytes:
    """What comes back through a new connection; nothing when it is refused."""
    try:
        async with asyncio.timeout(_ANSWER_S_MAX):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            writer.write(line)
            answer = await reader.readline()
    except (OSError, TimeoutError):
        return b""
    writer.transport.abort()
    return answer


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Line]:
    try:
        envoy.find()
    except RegionError as error:
        pytest.skip(str(error))
    made = _Line(Certified(tmp_path_factory.mktemp("tunnel") / "data"))
    running = made.start()
    try:
        _await(lambda: made.run(lambda: _ask(made.near.database_host, made.near.postgres)) == b"hello\n")
        yield made
    finally:
        for process in running:
            process.kill()
            process.wait(_START_S_MAX)


def _await(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _START_S_MAX
    while not holds():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(_POLL_S)


def test_bytes_come_through(line: _Line) -> None:
    assert line.run(lambda: _ask(line.near.database_host, line.near.postgres)) == b"hello\n"


@pytest.mark.parametrize("holder", ["B", "operator"])
def test_the_places_and_the_operator_come_in(line: _Line, holder: str) -> None:
    tls = line.made.identity(holder).client
    assert line.run(lambda: _ask(line.site.host, line.site.postgres_tls, tls)) == b"hello\n"


@pytest.mark.parametrize("holder", ["monitoring", None])
def test_nobody_else_of_the_region_comes_in(line: _Line, holder: str | None) -> None:
    tls = ssl.create_default_context(cafile=certificates.authority(line.made.where.pki))
    if holder is not None:
        tls = line.made.identity(holder).client
    assert line.run(lambda: _ask(line.site.host, line.site.postgres_tls, tls)) == b""


def test_a_stranger_does_not_come_in(line: _Line, stranger: Certified) -> None:
    tls = stranger.identity("A").client
    tls.load_verify_locations(certificates.authority(line.made.where.pki))
    assert line.run(lambda: _ask(line.site.host, line.site.postgres_tls, tls)) == b""


def test_nobody_comes_in_without_tls(line: _Line) -> None:
    answer = line.run(lambda: _ask(line.site.host, line.site.postgres_tls))
    assert answer[:1] in (b"", _TLS_ALERT)


def test_those_who_only_knock_are_no_trouble_to_the_database(line: _Line) -> None:
    async def work() -> int:
        before = line.arrived
        for _ in range(10):
            await _knock(line.site)
        await _ask(line.near.database_host, line.near.postgres)  # the eleventh, and the first to arrive
        return line.arrived - before

    assert line.run(work) == 1


async def _knock(site: Site) -> None:
    _, writer = await asyncio.open_connection(site.host, site.postgres_tls)
    writer.close()
    await writer.wait_closed()


def test_when_the_far_end_hangs_up_the_near_end_hears_it_at_once(line: _Line) -> None:
    async def work() -> float:
        reader, writer = await asyncio.open_connection(line.near.database_host, line.near.postgres)
        writer.write(b"hang up\n")
        began_s = time.monotonic()
        assert await reader.read() == b""
        writer.close()
        return time.monotonic() - began_s

    assert line.run(work) < _AT_ONCE_S_MAX


def test_where_no_database_listens_the_near_end_hears_it_at_once(line: _Line) -> None:
    began_s = time.monotonic()
    assert asyncio.run(_ask(line.near.database_host, line.near.postgres)) == b""
    assert time.monotonic() - began_s < _AT_ONCE_S_MAX


def test_a_renewed_certificate_is_shown_without_a_restart(line: _Line) -> None:
    before = _shown(line)
    line.made.renew_anyway("A")
    _await(lambda: _shown(line) != before)
    assert line.run(lambda: _ask(line.near.database_host, line.near.postgres)) == b"hello\n"


def _shown(line: _Line) -> bytes:
    """The certificate that the site's Envoy shows."""
    tls = line.made.identity("operator").client
    with (
        socket.create_connection((line.site.host, line.site.postgres_tls), _ANSWER_S_MAX) as plain,
        tls.wrap_socket(plain, server_hostname=line.site.host) as connection,
    ):
        shown = connection.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def test_the_operator_needs_no_envoy(line: _Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "is_needed", lambda _place: True)

    async def work() -> bytes:
        async with passage.opened(line.made.where, [line.site]) as at:
            reader, writer = await asyncio.open_unix_connection(_socket(at[line.site.name]))
            writer.write(b"hello\n")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return answer

    assert line.run(work) == b"hello\n"


def test_nobody_else_enters_the_operators_passage(line: _Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "is_needed", lambda _place: True)

    async def work() -> int:
        async with passage.opened(line.made.where, [line.site]) as at:
            return os.stat(Path(_socket(at[line.site.name])).parent.parent).st_mode & 0o077

    assert line.run(work) == 0


def _socket(at: str) -> str:
    from urllib.parse import unquote

    folder, port = unquote(at).rsplit(":", 1)
    return f"{folder}/.s.PGSQL.{port}"
