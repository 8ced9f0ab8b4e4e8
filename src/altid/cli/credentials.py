"""How a command proves to a FHIR server who it is.

For the record in its data folder it makes tokens itself; for any other server it is given one, in a file or
in `ALTID_TOKEN`. A token that is made for one's own record is sent to its servers alone: whatever other
address is named gets none.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import click
import httpx

from altid.access.operator import Issued
from altid.access.programs import (
    Credentials,
    GivenToken,
    TokenFileError,
    Tokens,
    checked_token,
    program_token,
    read_token_file,
)
from altid.cli.operating import operator_at
from altid.cli.remote import SERVER_FILE
from altid.region.error import RegionError
from altid.region.guarding import gateway_url
from altid.region.layout import Layout, load_region

VARIABLE = "ALTID_TOKEN"

token_file_option = click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A bearer token for the server, in a file that only you can read (or ALTID_TOKEN). For the record "
    "in the data folder none is needed.",
)


class Bearer(httpx.Auth):
    """Puts the token on each request of a client, also on one that is sent again."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {await self._credentials.token()}"
        yield request


def credentials_for(data: Path, base: str, token_file: Path | None, program: str) -> Bearer | None:
    """For requests to a FHIR base; None where no token is at hand. Raises `click.UsageError`."""
    try:
        if token_file is not None:
            read_token_file(token_file)
            return Bearer(GivenToken(file=token_file))
        if given := os.environ.get(VARIABLE):
            return Bearer(GivenToken(checked_token(given, VARIABLE)))
    except TokenFileError as error:
        raise click.UsageError(str(error)) from None
    where = Layout(data.resolve())
    if _origin(base) not in own_origins(where):
        return None

    async def mint() -> Issued:
        try:
            async with operator_at(where) as operator:
                return await program_token(operator, program)
        except RegionError as error:
            raise click.ClickException(str(error)) from None

    return Bearer(Tokens(mint))


def own_origins(where: Layout) -> set[str]:
    """The addresses at which servers of the data folder's record answer."""
    if where.marker.is_file():
        region = load_region(where)
        urls = [region.public_url, *map(gateway_url, region.sites)]
        urls += [f"http://{site.host}:{port}" for site in region.sites for port in site.server_ports]
        return {_origin(url) for url in urls if url}
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((where.data / SERVER_FILE).read_text())
        return {_origin(told["web"]), _origin(told["public_url"])}
    return set()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"
