"""A copy that reads the feed has what the record has, whatever happens meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from altid.record.postgres import Cluster
from tests.feed.reading import Reader, execute, wait_until
from tests.feed.ward import HERE, observation


def test_a_copy_loads_everything_page_by_page(site: Reader) -> None:
    site.load(count=3)
    site.follow()
    assert {"Patient/p-here", "Observation/o-elsewhere", "Organization/ward", "Binary/opaque"} <= site.names
    assert site.is_same()


def test_test_orders_are_nobodys_and_left_out(site: Reader) -> None:
    site.load()
    assert not any("canary" in name for name in site.names)


def test_changes_and_deletions_come_after_the_load(site: Reader, fhir: httpx.Client) -> None:
    site.load()
    fhir.put("/Observation/o-new", json=observation("o-new", HERE, 38)).raise_for_status()
    fhir.put("/Observation/o-new", json=observation("o-new", HERE, 39)).raise_for_status()
    fhir.put("/Observation/o-away", json=observation("o-away", HERE)).raise_for_status()
    fhir.delete("/Observation/o-away").raise_for_status()
    wait_until(lambda: site.follow() and site.held.get("Observation/o-away", {}).get("version") == 2)
    assert site.held["Observation/o-new"]["version"] == 2
    assert site.held["Observation/o-new"]["body"]["meta"]["versionId"] == "2"
    assert "Observation/o-away" not in site.names
    assert site.is_same()


def test_a_reader_who_waits_is_told_as_soon_as_there_is_something(site: Reader, fhir: httpx.Client) -> None:
    site.load()
    site.follow()
    writing = threading.Timer(0.3, lambda: fhir.put("/Observation/o-w", json=observation("o-w", HERE)))
    writing.start()
    site.follow(wait=15)
    writing.join()
    wait_until(lambda: site.follow(wait=1) and "Observation/o-w" in site.names)


def test_nothing_new_is_answered_after_the_wait(site: Reader) -> None:
    site.load()
    site.follow()
    last = site.follow(wait=1)
    assert last["caught_up"]


def test_the_age_comes_from_a_heartbeat_of_each_second(site: Reader) -> None:
    site.load()
    first = site.follow()["heartbeat"]
    wait_until(lambda: (site.follow()["heartbeat"] or {"at": ""})["at"] > (first or {"at": ""})["at"])
    told = site.get("heartbeat", after=site.cursor).json()
    assert datetime.now(UTC) - datetime.fromisoformat(told["at"]) < timedelta(seconds=60)
    assert told["epoch"] == site.epoch
    assert told["caught_up"] is True
    assert told["durability"] in ("unknown", "one-site")


def test_a_heartbeat_counts_only_for_who_has_read_all_before_it(site: Reader, dsn: str) -> None:
    """A transaction that is still open holds back what others have committed: so long the age grows."""
    site.load()
    site.follow()
    opened, closing = threading.Event(), threading.Event()

    def hold() -> None:
        import asyncio

        async def held() -> None:
            connection = await asyncpg.connect(dsn)
            async with connection.transaction():
                await connection.execute("SELECT pg_current_xact_id()")
                began.append(await connection.fetchval("SELECT clock_timestamp()"))
                opened.set()
                await asyncio.to_thread(closing.wait, 60)
            await connection.close()

        asyncio.run(held())

    began: list[datetime] = []
    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert opened.wait(30)
        beats = "SELECT count(*) FROM feed_heartbeat WHERE at > $1"
        wait_until(lambda: execute(dsn, beats, began[0])[0][0] >= 2)
        told = site.follow()["heartbeat"]
        assert datetime.fromisoformat(told["at"]) <= began[0]
    finally:
        closing.set()
        thread.join()
    wait_until(lambda: datetime.fromisoformat(site.follow()["heartbeat"]["at"]) > began[0])


def test_another_past_is_told_and_a_cursor_of_the_future_refused(site: Reader) -> None:
    site.load()
    other = site.get("changes", after=site.cursor, epoch="1.1.abc")
    assert other.status_code == 409
    assert other.json()["epoch"] == site.epoch
    ahead = site.get("changes", after=f"{2**62}.0", epoch=site.epoch)
    assert ahead.status_code == 409


def test_a_group_is_told_whole(site: Reader) -> None:
    site.load()
    site.follow()
    for number, (count, _) in list(site.digests().items())[:3]:
        *told, last = site.lines(f"group/{number}")
        assert len(told) == count == last["total"]
    numbers = ",".join(str(number) for number in list(site.digests())[:2])
    assert site.lines(f"group/{numbers}")[-1]["done"] is True


def test_a_patient_is_told_whole(site: Reader) -> None:
    *told, _ = site.lines(f"patient/{HERE}")
    assert {"Patient/p-here", "Encounter/e-p-here", "Observation/o-here"} <= {
        f"{one['type']}/{one['id']}" for one in told
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("changes", 400),
        ("changes?after=x&epoch=1", 400),
        ("changes?after=1.1&epoch=" + "a" * 99, 400),
        ("snapshot?after=-1", 400),
        ("group/1024", 404),
        ("group/x", 404),
        ("nothing", 404),
        ("patient/%00", 404),
    ],
)
def test_what_can_not_be_read_is_refused(site: Reader, path: str, status: int) -> None:
    assert site.client.get(f"/feed/{path}").status_code == status


def test_nothing_is_written_through_the_feed(site: Reader) -> None:
    assert site.client.post("/feed/changes", json={}).status_code == 405
    assert site.client.put("/feed/patient/x", json={}).status_code == 405


@pytest.mark.parametrize("bundles", [2, pytest.param(10, marks=pytest.mark.long)])
def test_digests_hold_at_their_cursor_amid_a_burst(
    site: Reader, fhir: httpx.Client, postgres: Cluster, dsn: str, bundles: int
) -> None:
    """Up to 10,000 changes while the record is migrated: nothing is missed, and each comparison holds."""
    site.load()
    done = threading.Event()
    per_bundle = 1_000

    def write() -> None:
        for number in range(bundles):
            entries = [
                {
                    "resource": observation(f"b-{index}", HERE, number),
                    "request": {"method": "PUT", "url": f"Observation/b-{index}"},
                }
                for index in range(per_bundle)
            ]
            content = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            fhir.post("", json=content, timeout=120).raise_for_status()
        done.set()

    name = dsn.rpartition("/")[2].partition("?")[0]
    superuser = postgres.dsn_for(postgres.superuser, name)
    writing = threading.Thread(target=write)
    writing.start()
    try:
        execute(superuser, "ALTER TABLE resource ADD COLUMN IF NOT EXISTS new_in_test text DEFAULT 'x'")
        compared = 0
        while not done.is_set():
            assert site.is_same()
            compared += 1
        execute(superuser, "CREATE INDEX CONCURRENTLY ON change (version)")
    finally:
        writing.join()
    assert compared > 0
    wait_until(
        lambda: (
            site.follow() and site.held["Observation/b-999"]["body"]["valueQuantity"]["value"] == bundles - 1
        )
    )
    assert site.is_same()
