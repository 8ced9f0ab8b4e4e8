"""A feed that was recorded from a FHIR server of others: what was asked, what it answered, what it had."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

FEEDS = Path(__file__).parent / "feeds"


@dataclass(frozen=True, slots=True)
class Stage:
    """One round: its exchanges (method, path with query, status, body), and after it the version of each of
    the server's resources by `Type/id`."""

    exchanges: list[tuple[str, str, int, Any]]
    there: Mapping[str, str]


def stages(name: str) -> list[Stage]:
    told = json.loads(gzip.decompress((FEEDS / name).read_bytes()))
    return [Stage([tuple(one) for one in stage["exchanges"]], stage["there"]) for stage in told["stages"]]


class Replayed(httpx.AsyncBaseTransport):
    """Gives each answer to the question that it was given to, once, in any order."""

    def __init__(self, stage: Stage) -> None:
        self.left: dict[str, list[tuple[int, Any]]] = {}
        for method, path, status, body in stage.exchanges:
            self.left.setdefault(f"{method} {path}", []).append((status, body))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        status, body = self.left[f"{request.method} {request.url.raw_path.decode()}"].pop(0)
        return httpx.Response(status, json=body)
