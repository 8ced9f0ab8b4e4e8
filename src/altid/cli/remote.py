"""The FHIR server that a command talks to: where it is, and requests that are patient where that is safe.

A request that surely was not carried out (no connection, 503, 429) is sent again. One whose outcome is
unknown is sent again only if doing it twice is doing it once.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click
import httpx

from altid.region.error import RegionError
from altid.region.layout import Layout, load_region
from altid.region.status import gather

SERVER_FILE = "server.json"
"""Written by `altid serve` into its data folder: where the server is."""

CONNECT_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 120.0
"""A transaction of 5,000 entries takes seconds; on a busy server somewhat longer."""

_PAUSE_SECONDS_MIN, _PAUSE_SECONDS_MAX = 0.2, 5.0
_NOT_DONE_STATUS = frozenset({429, 503})
_UNKNOWN_STATUS = frozenset({502, 504})
_NOT_KNOWN = (
    "the server {origin} does not know who asks: give --data of the record that it serves, or a token "
    "with --token-file or ALTID_TOKEN"
)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Unreachable(click.ClickException):
    """The server gave no useful answer for as long as we were willing to try."""


class NotKnown(click.ClickException):
    """The server does not know who asks."""


class OutcomeUnknownError(Exception):
    """The request was sent and no answer came, and sending it again might do it twice."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try again; `sleep` is an argument so that tests need not wait."""

    seconds_max: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def server_address(given: str | None, data: Path) -> str:
    """The FHIR base: as given, else that of a server which runs on the data folder."""
    if given is not None:
        if urlsplit(given).scheme not in ("http", "https"):
            raise click.BadParameter("write the FHIR base as http://HOST:PORT/fhir", param_hint="--server")
        return given.rstrip("/")
    where = Layout(data.resolve())
    if where.marker.is_file():
        return asyncio.run(_of_region(where))
    try:
        base = json.loads((data / SERVER_FILE).read_text())["fhir"]
    except (OSError, ValueError, KeyError, TypeError):
        raise click.ClickException(
            f"no server is running on {data}: start `altid serve --data {data}`, or name one with --server"
        ) from None
    return str(base).rstrip("/")


async def _of_region(where: Layout) -> str:
    """A server of the site that leads, else of one that answers."""
    try:
        status = await gather(where, load_region(where))
    except RegionError as error:
        raise click.UsageError(str(error)) from None
    live = [site for site in status.sites if site.state == "live" and site.fhir]
    chosen = next((site for site in live if site.name == status.leader), next(iter(live), None))
    if chosen is None:
        raise click.ClickException(f"no site of the region answers ({status.summary()}): see `altid status`")
    return chosen.fhir[0]


@asynccontextmanager
async def client(in_flight: int, auth: httpx.Auth | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client for `in_flight` requests at once, with a limit on every wait; `auth` says who asks."""
    timeout = httpx.Timeout(ANSWER_SECONDS_MAX, connect=CONNECT_SECONDS_MAX)
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    headers = {"Accept": "application/fhir+json"}
    async with httpx.AsyncClient(timeout=timeout, limits=limits, headers=headers, auth=auth) as http:
        yield http


async def send(
    http: httpx.AsyncClient, request: httpx.Request, patience: Patience, *, twice_is_once: bool
) -> httpx.Response:
    """The answer to `request`, whatever its status but 401.

    Raises `NotKnown`, `Unreachable` or `OutcomeUnknownError`.
    """
    waited, pause, reason = 0.0, _PAUSE_SECONDS_MIN, ""
    while True:
        asked = 0.0
        try:
            response = await http.send(request)
            if response.status_code == httpx.codes.UNAUTHORIZED:
                raise NotKnown(_NOT_KNOWN.format(origin=_origin(request)))
            if response.status_code not in _NOT_DONE_STATUS | _UNKNOWN_STATUS:
                return response
            if response.status_code in _UNKNOWN_STATUS and not twice_is_once:
                raise OutcomeUnknownError
            reason, asked = f"answers {response.status_code}", _retry_after_seconds(response)
        except _NOT_SENT as error:
            reason = f"cannot be reached ({type(error).__name__})"
        except httpx.InvalidURL:
            raise click.UsageError("The server's address cannot be read.") from None
        except httpx.TransportError as error:
            if not twice_is_once:
                raise OutcomeUnknownError from None
            reason = f"broke off ({type(error).__name__})"
        rest = max(asked, pause * random.uniform(0.5, 1.0))  # spread out, or all senders come back as one
        if waited + rest > patience.seconds_max:
            raise Unreachable(f"the server {_origin(request)} {reason}, also after {waited:.0f} s of trying")
        await patience.sleep(rest)
        waited, pause = waited + rest, min(pause * 2, _PAUSE_SECONDS_MAX)


def _retry_after_seconds(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else 0.0


def _origin(request: httpx.Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc.decode()}"
