"""The answer to a write is lost on its way from PostgreSQL: it is sent again, done once, and acknowledged.

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
from altid.record.database import Limits
from altid.record.postgres import Cluster
from running import make_database, running_worker

START_S_MAX = 30.0


class CuttingProxy(threading.Thread):
    """A Unix socket in front of PostgreSQL's. `cut_after` is the text whose answer is swallowed, once."""

    def __init__(self, target: str, path: str) -> None:
        super().__init__(daemon=True)
        self.cut_after: bytes | None = None
        self.refuses_then = False
        """After the cut nobody is let through any more, on no line."""
        self.refuses = False
        self._lines: set[asyncio.StreamWriter] = set()
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
        if self.refuses:
            writer.transport.abort()
            return
        from_postgres, to_postgres = await asyncio.open_unix_connection(self._target)
        cut = asyncio.Event()
        self._lines.add(writer)

        async def there() -> None:
            while data := await reader.read(65_536):
                if self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    self.refuses = self.refuses_then
                    if self.refuses:  # a line that the pool happens to have beside this one is away as well
                        self._cut_the_others(writer)
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
            self._lines.discard(writer)
            writer.close()
            to_postgres.close()

    def _cut_the_others(self, kept: asyncio.StreamWriter) -> None:
        for line in self._lines - {kept}:
            line.transport.abort()


@pytest.fixture(scope="module")
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
            running_worker(through, FhirSettings(), Limits(write_deadline_s=2.0)) as address,
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


def version(client: httpx.Client, reference: str) -> str:
    return str(client.get(f"/{reference}").json()["meta"]["versionId"])


def cut_put(proxy: CuttingProxy, client: httpx.Client, id_: str, **headers: str) -> httpx.Response:
    """A PUT whose answer is lost. The id is in the statement that is sent; an earlier write prepared it."""
    client.put("/Patient/first", json={"resourceType": "Patient", "id": "first"})
    proxy.cut_after = id_.encode()
    response = client.put(f"/Patient/{id_}", json={"resourceType": "Patient", "id": id_}, headers=headers)
    assert proxy.cut_after is None, "the line was not cut"
    return response


def test_a_create_whose_answer_is_lost_is_done_once(proxied: tuple[CuttingProxy, httpx.Client]) -> None:
    proxy, client = proxied
    created = cut_put(proxy, client, "known-by-id")
    assert created.status_code == 201
    assert created.headers["etag"] == 'W/"1"'
    assert version(client, "Patient/known-by-id") == "1"


def test_an_update_whose_answer_is_lost_gets_its_own_answer_and_no_conflict(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    client.put("/Patient/updated", json={"resourceType": "Patient", "id": "updated"})
    updated = cut_put(proxy, client, "updated", **{"if-match": 'W/"1"'})
    assert updated.status_code == 200
    assert updated.headers["etag"] == 'W/"2"'
    assert version(client, "Patient/updated") == "2"


def test_a_deletion_whose_answer_is_lost_is_told_as_done(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    client.put("/Patient/to-delete", json={"resourceType": "Patient", "id": "to-delete"})
    proxy.cut_after = b"DELETE"  # the id alone would stand in the look whom it is about, too
    deleted = client.delete("/Patient/to-delete")
    assert proxy.cut_after is None, "the line was not cut"
    assert (deleted.status_code, deleted.headers["etag"]) == (204, 'W/"2"')


def test_a_conditional_create_whose_commit_is_not_answered_is_done_once(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    proxy.cut_after = b"COMMIT;"
    created = client.post("/Patient", json=patient("2"), headers={"if-none-exist": "identifier=s|2"})
    assert created.status_code == 201
    assert client.get("/Patient?identifier=s|2&_summary=count").json()["total"] == 1


def test_a_transaction_whose_commit_is_not_answered_is_done_once(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    proxy.cut_after = b"COMMIT;"
    whole = client.post("", json=transaction("3"))
    assert whole.status_code == 200
    assert whole.json()["entry"][0]["response"]["status"].startswith("201")
    assert client.get("/Patient?identifier=s|3&_summary=count").json()["total"] == 1


def test_a_transaction_of_one_statement_whose_answer_is_lost_is_done_once(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    client.put("/Patient/first", json={"resourceType": "Patient", "id": "first"})
    bundle = transaction("4")
    bundle["entry"][0]["request"] = {"method": "PUT", "url": "Patient/whole"}
    bundle["entry"][0]["resource"]["id"] = "whole"
    proxy.cut_after = b"whole"
    assert client.post("", json=bundle).status_code == 200
    assert version(client, "Patient/whole") == "1"


def test_a_transaction_that_is_cut_before_its_commit_is_run_again(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    proxy.cut_after = b"pg_advisory_xact_lock"
    assert client.post("", json=transaction("5")).status_code == 200
    assert client.get("/Patient?identifier=s|5&_summary=count").json()["total"] == 1


def test_a_patch_whose_commit_is_not_answered_is_applied_once(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    client.put("/Patient/patched", json={"resourceType": "Patient", "id": "patched", "name": [{"text": "A"}]})
    proxy.cut_after = b"COMMIT;"
    add = [{"op": "add", "path": "/name/-", "value": {"text": "B"}}]
    patched = client.patch(
        "/Patient/patched", json=add, headers={"content-type": "application/json-patch+json"}
    )
    assert patched.status_code == 200
    assert [name["text"] for name in client.get("/Patient/patched").json()["name"]] == ["A", "B"]


def test_a_record_that_stays_away_is_told_as_unknown_if_it_was_sent_and_else_as_not_stored(
    proxied: tuple[CuttingProxy, httpx.Client],
) -> None:
    proxy, client = proxied
    client.put("/Patient/first", json={"resourceType": "Patient", "id": "first"})
    proxy.cut_after, proxy.refuses_then = b"never-answered", True
    unknown = client.put("/Patient/never-answered", json={"resourceType": "Patient", "id": "never-answered"})
    assert unknown.status_code == 504
    assert unknown.json()["issue"][0]["code"] == "timeout"
    proxy.refuses_then = False
    refused = client.put("/Patient/never-sent", json={"resourceType": "Patient", "id": "never-sent"})
    assert refused.status_code == 503
    assert "Nothing was stored" in refused.json()["issue"][0]["diagnostics"]
    proxy.refuses = False
    assert client.put("/Patient/after", json={"resourceType": "Patient", "id": "after"}).status_code == 201
