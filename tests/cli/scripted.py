"""A FHIR server on a real socket that does what a test tells it, faults included; and the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from altid.cli.app import run

Resource = dict[str, Any]
BREAK_OFF = 0
"""Instead of a status: read the request and hang up."""


@dataclass
class FhirServer:
    """`bodies` are what was posted and carried out; `faults` are statuses to answer with first."""

    address: str = ""
    bodies: list[bytes] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    refuses: Callable[[Resource], str | None] = lambda _resource: None
    stored: dict[str, list[bytes]] = field(default_factory=dict)
    page: int = 2
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base(self) -> str:
        return f"{self.address}/fhir"

    @property
    def entries(self) -> list[Resource]:
        """All entries of all batches, in the order of arrival."""
        return [entry for body in self.bodies for entry in json.loads(body)["entry"]]

    def post(self, body: bytes) -> tuple[int, Resource]:
        bundle = json.loads(body)
        reasons = [self.refuses(entry.get("resource", {})) for entry in bundle["entry"]]
        if bundle["type"] == "transaction" and any(reasons):
            return 422, outcome(next(reason for reason in reasons if reason))
        self.bodies.append(body)
        responses = [
            {"response": {"status": "422", "outcome": outcome(reason)} if reason else {"status": "201"}}
            for reason in reasons
        ]
        return 200, {"resourceType": "Bundle", "type": f"{bundle['type']}-response", "entry": responses}

    def search(self, type_: str, start: int) -> bytes:
        found = self.stored.get(type_, [])
        entries = [b'{"resource":%b}' % text for text in found[start : start + self.page]]
        more = start + self.page < len(found)
        url = f"http://inside.example/fhir/{type_}?from={start + self.page}"
        links = [{"relation": "next", "url": url}] if more else []
        return b'{"resourceType":"Bundle","link":%b,"entry":[%b]}' % (
            json.dumps(links).encode(),
            b",".join(entries),
        )

    def metadata(self) -> bytes:
        types = [{"type": type_} for type_ in ("Patient", "Observation", "Device")]
        return json.dumps({"resourceType": "CapabilityStatement", "rest": [{"resource": types}]}).encode()


def outcome(reason: str) -> Resource:
    issue = {"severity": "error", "code": "invalid", "diagnostics": reason, "expression": ["Patient.name"]}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fhir: FhirServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.fhir.lock:
            if self._is_faulty():
                return
            status, answer = self.fhir.post(body)
        self._answer(status, json.dumps(answer).encode())

    def do_GET(self) -> None:
        with self.fhir.lock:
            if self._is_faulty():
                return
        parts = urlsplit(self.path)
        if parts.path == "/fhir/metadata":
            self._answer(200, self.fhir.metadata())
        elif parts.path == "/health/ready":
            self._answer(200, b"{}")
        else:
            start = int(parse_qs(parts.query).get("from", ["0"])[0])
            self._answer(200, self.fhir.search(parts.path.rpartition("/")[2], start))

    def _is_faulty(self) -> bool:
        if not self.fhir.faults:
            return False
        status = self.fhir.faults.pop(0)
        if status == BREAK_OFF:
            self.close_connection = True
        else:
            self._answer(status, b"{}")
        return True

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests speak for themselves."""


@dataclass
class Altid:
    """The command line in this process, on a data folder of the test's own."""

    data: Path
    capture: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def __call__(self, *arguments: object) -> int:
        """Run it; the exit code. What it printed is in `out` and `err`."""
        code = run([str(arguments[0]), "--data", str(self.data), *map(str, arguments[1:])])
        self.out, self.err = self.capture.readouterr()
        return code


@contextmanager
def serving() -> Iterator[FhirServer]:
    """Serve on a free port as long as the context lasts."""
    fhir = FhirServer()
    handler = type("_Bound", (_Handler,), {"fhir": fhir})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        fhir.address = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield fhir
        http.shutdown()
        thread.join()
