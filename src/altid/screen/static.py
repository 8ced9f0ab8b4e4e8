"""The files that pages are dressed with, served from memory.

An address with the file's own digest (`?v=`) never changes its meaning, so browsers keep it for a year. Any
other is asked for again each time and mostly answered with 304: during an upgrade servers of two versions
answer side by side.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from altid.screen.headers import SECURITY

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_DIGEST_DIGITS = 16
_SCREEN = "altid.screen"
_PARTS = ".d"
"""A folder `NAME.d` is the file `NAME`: its parts joined in the order of their names, so that what is long to
read in one is asked for once."""


class File(NamedTuple):
    content: bytes
    packed: bytes
    """The same by gzip. These files hold no secret, so that nothing is told by how short they get; pages with
    patients and a form's token on them go as they are."""
    media_type: str
    digest: str


@cache
def files(package: str) -> dict[str, File]:
    """Name -> file: those of a package, and those that all screens share."""
    found = {}
    for name in dict.fromkeys((_SCREEN, package)):
        folder = resources.files(name) / "static"
        for entry in folder.iterdir() if folder.is_dir() else ():
            file = entry.name.removesuffix(_PARTS)
            ending = file[file.rfind(".") :]
            if ending in _TYPES:
                content = _content(entry)
                digest = hashlib.sha256(content).hexdigest()[:_DIGEST_DIGITS]
                found[file] = File(content, gzip.compress(content, mtime=0), _TYPES[ending], digest)
    return found


def _content(entry: Traversable) -> bytes:
    if entry.is_file():
        return entry.read_bytes()
    return b"\n".join(part.read_bytes() for part in sorted(entry.iterdir(), key=lambda part: part.name))


def addresses(package: str) -> Callable[[str], str]:
    """What gives the address of a file, with its digest. `KeyError` if there is no such file."""

    def static(name: str) -> str:
        return f"/static/{name}?v={files(package)[name].digest}"

    return static


def serving(package: str) -> Callable[[Request], Awaitable[Response]]:
    """What answers `/static/{name}`."""

    async def serve_file(request: Request) -> Response:
        file = files(package).get(request.path_params["name"])
        if file is None:
            return Response(status_code=404, headers=SECURITY)
        is_fixed = request.query_params.get("v") == file.digest
        headers = {
            **SECURITY,
            "ETag": f'W/"{file.digest}"',
            "Vary": "Accept-Encoding",
            "Cache-Control": "public, max-age=31536000, immutable" if is_fixed else "no-cache",
        }
        if f'"{file.digest}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if _takes_gzip(request):
            packed = {**headers, "Content-Encoding": "gzip"}
            return Response(file.packed, media_type=file.media_type, headers=packed)
        return Response(file.content, media_type=file.media_type, headers=headers)

    return serve_file


def _takes_gzip(request: Request) -> bool:
    """As browsers say it: named without a weight (RFC 9110 §12.5.3)."""
    return "gzip" in request.headers.get("accept-encoding", "").replace(" ", "").split(",")
