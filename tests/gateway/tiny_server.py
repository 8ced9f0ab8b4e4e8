"""A real HTTP server that does nothing but tell what it was asked: `python tiny_server.py NAME HOST PORT`.

`?ms=` answers later, `?crash` ends the process before it answers, `POST /be/MODE` changes what it says:
`well`, `unready` (of its health), `stale` (refuses all but its health: its site is not the live record),
`lost` (doesn't know what became of a write).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any
from urllib.parse import parse_qs

import uvicorn

_SINCE = (b"altid-stale-since", b"2026-01-01T00:00:00Z")


class _Server:
    def __init__(self, name: str) -> None:
        self._name, self._mode, self._asked = name, "well", 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = await _body(receive)
        path, query = scope["path"], parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        if path == "/health/ready":
            await _answer(send, 503 if self._mode == "unready" else 200, {})
            return
        if path == "/asked":
            await _answer(send, 200, {"asked": self._asked})
            return
        if path.startswith("/be/"):
            self._mode = path.removeprefix("/be/")
            await _answer(send, 200, {})
            return
        self._asked += 1
        if self._mode == "stale":
            await _answer(send, 503, {}, [_SINCE, (b"altid-nothing-done", b"true")])
            return
        if self._mode == "lost":
            await _answer(send, 504, {}, [_SINCE])
            return
        if "crash" in query:
            os._exit(1)
        await asyncio.sleep(int(query.get("ms", ["0"])[0]) / 1000)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        told = {"server": self._name, "method": scope["method"], "path": path, "scheme": scope["scheme"]}
        told |= {"client": scope["client"][0], "headers": headers, "bytes": len(body)}
        await _answer(send, 200, told)


async def _lifespan(receive: Any, send: Any) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _answer(send: Any, status: int, told: dict[str, Any], headers: Any = ()) -> None:
    body = json.dumps(told).encode()
    lines = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        _Server(sys.argv[1]),
        host=sys.argv[2],
        port=int(sys.argv[3]),
        http="httptools",
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=sys.argv[2],
        log_level="warning",
        timeout_keep_alive=65,
        timeout_graceful_shutdown=10,
    )
