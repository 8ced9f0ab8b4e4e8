"""A real server: whom it believes when it is told how a client came."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from altid.api.settings import FhirSettings
from altid.record.database import Limits
from altid.record.postgres import Cluster
from altid.server.app import AppSettings
from altid.server.worker import WorkerSettings
from tests.gateway.running import free_port
from tests.running import make_database

_HOST, _GATEWAY, _SOMEBODY = "127.0.0.1", "127.0.0.3", "127.0.0.2"


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@contextmanager
def _server(dsn: str, gateway: str | None) -> Iterator[str]:
    port = free_port(_HOST)
    app = AppSettings(dsn, dsn, Limits(), FhirSettings())
    settings = WorkerSettings(_HOST, port, app, gateway_host=gateway)
    command = [sys.executable, "-m", "altid.server.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(settings.dump() + "\n")
        process.stdin.flush()
        try:
            assert process.stdout.readline() == "ready\n"
            yield f"http://{_HOST}:{port}"
        finally:
            process.terminate()


def _self_link(address: str, asked_from: str) -> str:
    transport = httpx.HTTPTransport(local_address=asked_from)
    headers = {"Host": "epj.region.dk", "X-Forwarded-Proto": "https"}
    with httpx.Client(transport=transport) as client:
        answer = client.get(f"{address}/fhir/Patient", headers=headers)
    [link] = [one["url"] for one in json.loads(answer.content)["link"] if one["relation"] == "self"]
    return str(link)


def test_the_gateway_is_believed_and_nobody_else(dsn: str) -> None:
    with _server(dsn, _GATEWAY) as address:
        assert _self_link(address, _GATEWAY) == "https://epj.region.dk/fhir/Patient"
        assert _self_link(address, _SOMEBODY) == "http://epj.region.dk/fhir/Patient"


def test_without_a_gateway_nobody_is_believed(dsn: str) -> None:
    with _server(dsn, None) as address:
        assert _self_link(address, _GATEWAY) == "http://epj.region.dk/fhir/Patient"
