"""A real region in network namespaces, with an ear on its lines: nothing that is written can be heard."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from altid.region import certificates, envoy, faults, layout, netns
from altid.region.builtin import builtin_netns_region
from altid.region.error import RegionError
from altid.region.http import Connection, HttpError
from altid.region.layout import Layout
from altid.region.regionfile import render_region
from altid.region.shutdown import down
from altid.region.startup import up
from altid.region.status import gather
from altid.region.topology import Region, Site
from tests.guards import bearer, token_of
from tests.region import sniffer
from tests.region.certified import Certified
from tests.region.sniffer import Packet

pytestmark = pytest.mark.long

_MARK = b"Rosenkaal-Syltetoj"
_SHOUTED = b"shouted across the line"
_WRITES = 20
_WRITE_S_MAX, _PART_S_MAX, _CONNECT_S_MAX = 20.0, 30.0, 2.0
_POLL_S = 0.1
_UDP_DISCARD = 9
_HANDSHAKE, _RECORDS = 0x16, range(0x14, 0x18)
_RECORD_HEAD_BYTES = 5


@dataclass
class _Heard:
    """The region, and what was heard on the lines between its places while it was written to."""

    where: Layout
    region: Region
    packets: list[Packet]


@pytest.fixture(scope="module")
def heard() -> Iterator[_Heard]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    try:
        envoy.find()
    except RegionError as error:
        pytest.skip(str(error))
    folder = Path(tempfile.mkdtemp(prefix="altid-lines-"))
    folder.chmod(0o755)
    where, file = Layout(folder / "data"), folder / "region.toml"
    file.write_text(render_region(builtin_netns_region(netns.free_prefix(), servers=1)))
    try:
        asyncio.run(up(where, file, lambda _line: None, in_netns=True))
        region = layout.load_region(where)
        yield _Heard(where, region, _listen(where, region, folder / "packets"))
    finally:
        if where.marker.is_file():
            asyncio.run(down(where))
        shutil.rmtree(folder)


def _listen(where: Layout, region: Region, file: Path) -> list[Packet]:
    """Write at both sites while connections also begin anew, and keep what the places say to each other."""
    found = netns.load(where.data)
    assert found is not None
    inside = ["ip", "netns", "exec", found.router, sys.executable, sniffer.__file__, str(file)]
    ear = subprocess.Popen(inside, stdout=subprocess.PIPE)
    try:
        assert ear.stdout is not None
        assert ear.stdout.readline() == b"ready\n"
        _shout(found.places["A"], region.sites[1].host)
        for part in ("tunnel", "guardian"):
            asyncio.run(faults.inject(where, region, "part-kill", "B", part))
        _await(lambda: _whole(where, region))
        for number in range(_WRITES):
            _write(where, region.sites[number % 2], number)
    finally:
        ear.terminate()
        ear.wait(_PART_S_MAX)
        if ear.stdout is not None:
            ear.stdout.close()
    hosts = {place.host for place in region.places}
    return [one for one in sniffer.read(file) if {one.source, one.target} <= hosts and one.payload]


def _shout(namespace: str, host: str) -> None:
    """Say something in plain text between two places, which the ear must hear."""
    target = (host, _UDP_DISCARD)
    say = f"import socket; socket.socket(type=socket.SOCK_DGRAM).sendto({_SHOUTED!r}, {target!r})"
    subprocess.run(["ip", "netns", "exec", namespace, sys.executable, "-c", say], check=True)


def _whole(where: Layout, region: Region) -> bool:
    status = asyncio.run(gather(where, region))
    return status.durability == "two-sites" and all(site.state == "live" for site in status.sites)


def _await(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _PART_S_MAX
    while not holds():
        assert time.monotonic() < end, "the region is not whole again"
        time.sleep(_POLL_S)


def _write(where: Layout, site: Site, number: int) -> None:
    headers = {"Content-Type": "application/fhir+json", **bearer(token_of(where.data))}
    body = {"resourceType": "Observation", "id": f"line-{number}", "status": "final"}
    text = json.dumps(body | {"code": {"text": _MARK.decode()}}).encode()

    async def put() -> None:
        end = time.monotonic() + _WRITE_S_MAX
        while time.monotonic() < end:
            connection = Connection(site.host, site.server)
            try:
                answer = await connection.ask(
                    "PUT",
                    f"/fhir/Observation/line-{number}",
                    text,
                    headers,
                    s_max=_CONNECT_S_MAX,
                )
            except HttpError:
                continue
            finally:
                connection.close()
            if answer.status in (200, 201):
                return
        raise AssertionError("no write was acknowledged")

    asyncio.run(put())


def test_the_ear_hears_what_is_said_in_plain_text(heard: _Heard) -> None:
    assert any(_SHOUTED in packet.payload for packet in heard.packets)


def test_nothing_of_what_was_written_is_heard_on_a_line(heard: _Heard) -> None:
    assert not [packet for packet in heard.packets if _MARK in packet.payload]


def test_no_password_is_heard_on_a_line(heard: _Heard) -> None:
    secrets = [value for value in json.loads(heard.where.secrets_file.read_text()).values() if value]
    for packet in heard.packets:
        assert not any(secret.encode() in packet.payload for secret in secrets)


def test_only_known_ports_are_spoken_to(heard: _Heard) -> None:
    known = {"etcd_client", "etcd_peer", "guardian", "patroni", "postgres_tls", "gateway", "lookup"}
    ports = {
        (place.host, port)
        for place in heard.region.places
        for name, port in place.ports.items()
        if name in known
    }
    for packet in (one for one in heard.packets if one.is_tcp):
        ends = {(packet.source, packet.source_port), (packet.target, packet.target_port)}
        assert ends & ports, f"{packet.source}:{packet.source_port} to {packet.target}:{packet.target_port}"


def test_every_conversation_that_began_is_tls_from_its_first_byte_to_its_last(heard: _Heard) -> None:
    streams = _streams(heard.packets)
    whole = [stream for stream in streams if stream[0] == _HANDSHAKE]
    assert len(whole) >= 4, "too few conversations began: the tunnel's and the guardian's did at least"
    for stream in whole:
        assert _is_records(stream)


def test_the_database_is_reached_through_the_tunnel(heard: _Heard) -> None:
    leads = {site.postgres_tls for site in heard.region.sites}
    assert any(packet.target_port in leads for packet in heard.packets)


def _streams(packets: list[Packet]) -> list[bytes]:
    """What each end said in each conversation, in order, up to the first gap."""
    said: dict[tuple[str, int, str, int], dict[int, bytes]] = defaultdict(dict)
    for one in packets:
        if one.is_tcp:
            key = (one.source, one.source_port, one.target, one.target_port)
            said[key].setdefault(one.sequence, one.payload)
    return [_joined(segments) for segments in said.values()]


def _joined(segments: dict[int, bytes]) -> bytes:
    at, whole = min(segments), bytearray()
    while at in segments:
        whole += segments[at]
        at = (at + len(segments[at])) % 2**32
    return bytes(whole)


def _is_records(stream: bytes) -> bool:
    """Whether it is nothing but TLS records, the last of which may be cut off."""
    at = 0
    while at + _RECORD_HEAD_BYTES <= len(stream):
        if stream[at] not in _RECORDS or stream[at + 1] != 3:
            return False
        at += _RECORD_HEAD_BYTES + int.from_bytes(stream[at + 3 : at + 5], "big")
    return True


def test_strangers_are_refused_at_every_port(heard: _Heard, stranger: Certified) -> None:
    foreign = stranger.identity("A").client
    without = ssl.create_default_context()
    for tls in (foreign, without):
        tls.load_verify_locations(certificates.authority(heard.where.pki))
        tls.check_hostname = True
    for place in heard.region.places:
        for name, port in place.ports.items():
            if name in ("etcd_client", "etcd_peer", "guardian", "patroni", "postgres_tls"):
                for tls in (foreign, without, None):
                    assert not _answered(place.host, port, tls), f"{place.name}'s {name}"


def test_no_database_listens_on_a_line(heard: _Heard) -> None:
    for site in heard.region.sites:
        with pytest.raises(HttpError) as caught:
            asyncio.run(Connection(site.host, site.postgres).ask("GET", "/", s_max=_CONNECT_S_MAX))
        assert not caught.value.sent


def _answered(host: str, port: int, tls: ssl.SSLContext | None) -> bool:
    """Whether a question gets any answer but a refusal. In plain, TLS refuses with an alert or a 400."""
    connection = Connection(host, port, tls)
    try:
        return asyncio.run(connection.ask("GET", "/health", s_max=_CONNECT_S_MAX)).status != 400
    except HttpError:
        return False
