"""The answer to a write is lost on its way from PostgreSQL: it may be stored, and the client is told so.

A proxy between server and PostgreSQL passes the statement on and then cuts the line instead of the answer.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from running import make_database, running_worker

START_S_MAX = 10.0


class CuttingProxy(threading.Thread):
    """A Unix socket in front of PostgreSQL's. `cut_after` is the text whose answer is swallowed, once."""

    def __init__(self, target: str, path: str) -> None:
        super().__init__(daemon=True)
        self.cut_after: bytes | None = None
        self._target, self._path = target, path
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()

    def run(self) -> None:
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()
        self._loop.close()

    def wait(self) -> None:
        assert self._listens.wait(START_S_MAX)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(START_S_MAX)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join(START_S_MAX)

    async def _listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._pass, self._path)
        self._listens.set()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_postgres, to_postgres = await asyncio.open_unix_connection(self._target)
        cut = asyncio.Event()

        async def there() -> None:
            while data := await reader.read(65_536):
                if self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    cut.set()
                to_postgres.write(data)
                await to_postgres.drain()

        async def back() -> None:
            while data := await from_postgres.read(65_536):
                if cut.is_set():
                    writer.transport.abort()
                    return
                writer.write(data)
                await writer.drain()

        try:
            await asyncio.gather(there(), back())
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            to_postgres.close()


@pytest.fixture
def proxied(postgres: Cluster) -> Iterator[tuple[CuttingProxy, httpx.Client]]:
    dsn = make_database(postgres)
    place = parse_qs(urlsplit(dsn).query)
    with tempfile.TemporaryDirectory(prefix="altid-cut-") as folder:
        name = f".s.PGSQL.{place['port'][0]}"
        proxy = CuttingProxy(str(Path(place["host"][0]) / name), str(Path(folder) / name))
        proxy.start()
        proxy.wait()
        os.chmod(folder, 0o755)
        through = dsn.replace(quote(place["host"][0], safe=""), quote(folder, safe=""))
        assert through != dsn
        with (
            running_worker(through, FhirSettings()) as address,
            httpx.Client(base_url=f"{address}/fhir", timeout=20) as client,
        ):
            yield proxy, client
        proxy.stop()


def patient(value: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": "s", "value": value}]}


def transaction(value: str) -> dict[str, Any]:
    request = {"method": "POST", "url": "Patient", "ifNoneExist": f"identifier=s|{value}"}
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": patient(value), "request": request}],
    }


def test_a_lost_answer_is_told_as_unknown_and_never_as_not_stored(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    # By its id, which is in the statement that is sent: the first write has prepared it.
    client.put("/Patient/first", json={"resourceType": "Patient", "id": "first"})
    proxy.cut_after = b"known-by-id"
    plain = client.put("/Patient/known-by-id", json={"resourceType": "Patient", "id": "known-by-id"})
    proxy.cut_after = b"COMMIT;"
    conditional = client.post("/Patient", json=patient("2"), headers={"if-none-exist": "identifier=s|2"})
    proxy.cut_after = b"COMMIT;"
    whole = client.post("", json=transaction("3"))

    for response in (plain, conditional, whole):
        assert response.status_code == 504
        assert response.json()["issue"][0]["code"] == "timeout"
    assert client.get("/Patient/known-by-id").status_code == 200
    for value in ("2", "3"):
        assert client.get(f"/Patient?identifier=s|{value}&_summary=count").json()["total"] == 1


def test_what_was_unknown_can_be_sent_again_without_a_second_one(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    headers = {"if-none-exist": "identifier=s|4"}
    proxy.cut_after = b"COMMIT;"
    assert client.post("/Patient", json=patient("4"), headers=headers).status_code == 504
    assert client.post("/Patient", json=patient("4"), headers=headers).status_code == 200
    assert client.get("/Patient?identifier=s|4&_summary=count").json()["total"] == 1
