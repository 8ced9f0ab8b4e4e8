"""The overview once more, made of React components that ask the same Altid for FHIR: to compare with.

npm fetches React and its components into a cache of the benchmark's own; nothing of Altid needs them. The
page and its script are served packed and to be kept for ever, as a good server would; what it asks of `/fhir`
goes on to Altid with a program's token, so it pays for no logon. All that is to the peer's advantage.
"""

from __future__ import annotations

import gzip
import http.client
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.server import HOST, Server

_PACKAGES = {
    "react": "18.3.1",
    "react-dom": "18.3.1",
    "@mui/material": "5.16.14",
    "@emotion/react": "11.14.0",
    "@emotion/styled": "11.14.0",
    "esbuild": "0.24.2",
}
MADE_OF = "React 18.3.1 with the components of MUI 5.16.14, bundled by esbuild for production"
READY = "#ready"
"""Is there as soon as all parts are shown."""
_SOURCE = Path(__file__).parent / "react" / "overview.jsx"
_CACHE = Path.home() / ".cache" / "altid-benchmarks" / "react"
_NPM_S_MAX = 180.0
_PAGE = (
    b'<!doctype html><html lang="da"><head><meta charset="utf-8"><title>React</title>'
    b'<script defer src="/peer.js"></script></head><body><div id="root"></div></body></html>'
)


def built() -> bytes | str:
    """The script of the page, packed; or why there is none, in words."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "node and npm are not installed here"
    _CACHE.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in _PACKAGES.items()]
    script = _CACHE / "peer.js"
    try:
        if not (_CACHE / "node_modules" / "esbuild").exists():
            _run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", *wanted)
        shutil.copy(_SOURCE, _CACHE / _SOURCE.name)
        _run(
            "node_modules/.bin/esbuild",
            _SOURCE.name,
            "--bundle",
            "--minify",
            "--target=es2020",
            '--define:process.env.NODE_ENV="production"',
            f"--outfile={script}",
        )
    except (subprocess.SubprocessError, OSError):
        return "npm could not fetch or build it"
    return gzip.compress(script.read_bytes(), 9)


def _run(*command: str) -> None:
    subprocess.run(command, cwd=_CACHE, check=True, timeout=_NPM_S_MAX, capture_output=True)


@contextmanager
def serving(server: Server, token: str, script: bytes) -> Iterator[str]:
    """Serve the page, which asks Altid with this token; its address."""

    class Peer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith("/fhir/"):
                self._answer(*self._asked())
            elif self.path == "/peer.js":
                self._answer(200, script, "text/javascript", "public, max-age=31536000, immutable", "gzip")
            elif self.path.startswith("/patient/"):
                self._answer(200, _PAGE, "text/html; charset=utf-8", "no-cache", None)
            else:
                self._answer(404, b"", "text/plain", "no-cache", None)

        def _asked(self) -> tuple[int, bytes, str, str, str | None]:
            line = http.client.HTTPConnection(HOST, server.port, timeout=30)
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
            line.request("GET", self.path, headers=headers)
            answer = line.getresponse()
            body = gzip.compress(answer.read(), 5)
            line.close()
            return answer.status, body, "application/fhir+json", "no-store", "gzip"

        def _answer(self, status: int, body: bytes, kind: str, kept: str, packed: str | None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", kept)
            if packed:
                self.send_header("Content-Encoding", packed)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (so the library calls it)
            """Nothing: each line would be an address with a patient's id."""

    with ThreadingHTTPServer((HOST, 0), Peer) as peer:
        thread = threading.Thread(target=peer.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{peer.server_port}"
        finally:
            peer.shutdown()
            thread.join()
