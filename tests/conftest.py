"""What every room's tests share: one real PostgreSQL for the whole session."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from altid.record.postgres import Cluster, PostgresSettings, embedded

_START_SECONDS_MAX = 120
_STOP_SECONDS_MAX = 180
_SEEN_MS_MAX = 20_000
"""Until a page shows what a test expects: Playwright waits 5 s, which a busy machine may need."""
_TEST_SETTINGS = PostgresSettings(buffers_bytes=128 * 1024 * 1024, wal_bytes_max=512 * 1024 * 1024)


# How long a property takes to try tells how busy the machine is, and nothing of the property.
settings.register_profile("altid", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("altid")


def pytest_collection_finish() -> None:
    """Only where a test in a browser was collected: to import Playwright takes its time."""
    if (playwright := sys.modules.get("playwright.sync_api")) is not None:
        playwright.expect.set_options(timeout=_SEEN_MS_MAX)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """An embedded cluster in a temporary folder, the same for all tests: make databases of your own in it."""
    data = Path(tempfile.mkdtemp(prefix="altid-test-"))
    thread = _ClusterThread(data)
    thread.start()
    try:
        yield thread.cluster()
    finally:
        thread.stop()
        shutil.rmtree(data)


class _ClusterThread(threading.Thread):
    """Runs the cluster's supervisor in an event loop of its own: fixtures and tests each have another."""

    def __init__(self, data: Path) -> None:
        super().__init__(name="postgres")
        self._data = data
        self._loop = asyncio.new_event_loop()
        self._finish = asyncio.Event()
        self._settled = threading.Event()
        self._cluster: Cluster | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._settled.set()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self) -> None:
        async with embedded(self._data, _TEST_SETTINGS) as cluster:
            self._cluster = cluster
            self._settled.set()
            await self._finish.wait()

    def cluster(self) -> Cluster:
        assert self._settled.wait(_START_SECONDS_MAX), "PostgreSQL did not start"
        if self._cluster is None:
            raise self._failure or AssertionError("PostgreSQL did not start")
        return self._cluster

    def stop(self) -> None:
        if self.is_alive():
            self._loop.call_soon_threadsafe(self._finish.set)
        self.join(_STOP_SECONDS_MAX)
        assert not self.is_alive(), "PostgreSQL did not stop"
