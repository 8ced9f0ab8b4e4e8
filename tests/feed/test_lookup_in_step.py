"""The lookup record's own reader on the record's own feed: after whatever happens they are the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from altid.lookup.copy import Copy
from altid.lookup.entry.line import Answer, Line, LineDownError
from altid.lookup.sync.feed import Feed
from altid.lookup.sync.syncer import SOURCE, Syncer
from tests.feed.reading import Reader, wait_until
from tests.feed.ward import HERE, observation

KEY = bytes(range(32))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    made = Copy.create(tmp_path / "copy.db", KEY)
    yield made
    made.close()


def line_of(reader: Reader) -> Line:
    """As the product's line answers: what is not to be had from here is no line."""

    async def line(method: str, path: str, body: bytes | None = None) -> Answer:
        response = await asyncio.to_thread(reader.client.request, method, path, content=body)
        if response.status_code == 503:
            raise LineDownError
        return Answer(response.status_code, response.content)

    return line


def step(syncer: Syncer) -> bool:
    """Whether it got on."""
    try:
        asyncio.run(syncer.step())
    except LineDownError:
        return False
    return True


def follow(syncer: Syncer, copy: Copy) -> None:
    """Until the first load is done and was compared."""
    wait_until(lambda: step(syncer) and SOURCE in copy.positions() and copy.meta("must compare") != "yes")


def is_same(copy: Copy, reader: Reader) -> bool:
    """By the digests of a plain reader that computes its own."""
    reader.load()
    told = {group: (one.count, one.value.hex()) for group, one in copy.digests(SOURCE).items()}
    return reader.is_same() and told == reader.digests()


def test_it_loads_follows_and_has_an_age(copy: Copy, site: Reader, fhir: httpx.Client) -> None:
    syncer = Syncer(copy, Feed(line_of(site)))
    follow(syncer, copy)
    assert is_same(copy, site)
    fhir.put("/Observation/lk-1", json=observation("lk-1", HERE, 38)).raise_for_status()
    fhir.put("/Observation/lk-1", json=observation("lk-1", HERE, 39)).raise_for_status()
    fhir.put("/Observation/lk-2", json=observation("lk-2", HERE)).raise_for_status()
    fhir.delete("/Observation/lk-2").raise_for_status()
    wait_until(lambda: step(syncer) and is_same(copy, site))
    found = copy.resource("Observation", "lk-1")
    assert found is not None
    assert found.version == 2
    wait_until(lambda: step(syncer) and copy.heartbeat() is not None)
    assert syncer.state.differences == 0


def test_another_past_is_compared_and_what_differs_fetched_again(copy: Copy, site: Reader) -> None:
    """As after a failover: the copy stands in another past, and has not what the record has."""
    syncer = Syncer(copy, Feed(line_of(site)))
    follow(syncer, copy)
    copy.forget([HERE])
    with copy.writing() as connection:
        connection.execute("UPDATE source SET epoch = 'ffff'")
    assert not is_same(copy, site)
    wait_until(lambda: step(syncer) and copy.positions()[SOURCE].epoch == site.epoch)
    follow(syncer, copy)
    assert is_same(copy, site)


def test_a_wards_copy_is_what_the_ward_may_have(copy: Copy, ward: Reader) -> None:
    syncer = Syncer(copy, Feed(line_of(ward)), ["ward"])
    follow(syncer, copy)
    assert HERE in copy.patients()
    assert is_same(copy, ward)
    assert syncer.state.differences == 0
