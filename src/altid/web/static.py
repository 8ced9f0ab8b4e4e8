"""The files that pages are dressed with, served from memory.

An address with the file's own digest (`?v=`) never changes its meaning, so browsers keep it for a year. Any
other is asked for again each time and mostly answered with 304: during an upgrade servers of two versions
answer side by side.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from altid.web.headers import SECURITY

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_DIGEST_DIGITS = 16


class File(NamedTuple):
    content: bytes
    media_type: str
    digest: str


@cache
def files() -> dict[str, File]:
    """Name -> file."""
    folder = resources.files("altid.web") / "static"
    found = {}
    for entry in folder.iterdir():
        ending = entry.name[entry.name.rfind(".") :]
        if ending in _TYPES:
            content = entry.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:_DIGEST_DIGITS]
            found[entry.name] = File(content, _TYPES[ending], digest)
    return found


def static(name: str) -> str:
    """The address of a file, with its digest. `KeyError` if there is no such file."""
    return f"/static/{name}?v={files()[name].digest}"


async def serve_file(request: Request) -> Response:
    """`/static/{name}`."""
    file = files().get(request.path_params["name"])
    if file is None:
        return Response(status_code=404, headers=SECURITY)
    is_fixed = request.query_params.get("v") == file.digest
    headers = {
        **SECURITY,
        "ETag": f'"{file.digest}"',
        "Cache-Control": "public, max-age=31536000, immutable" if is_fixed else "no-cache",
    }
    if f'"{file.digest}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
