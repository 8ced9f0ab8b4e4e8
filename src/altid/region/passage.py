"""How `altid` itself reaches the databases of a region whose lines are encrypted.

Where the command runs there is no Envoy, so for as long as it asks, this process carries the bytes: from a
socket in a folder of its own, which nobody else may enter, through TLS with the operator's identity.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from ssl import SSLContext
from urllib.parse import quote

from altid.region import tls, tunnel
from altid.region.addresses import At
from altid.region.http import CONNECT_S_MAX
from altid.region.layout import Layout
from altid.region.topology import Site

_BLOCK_BYTES = 64 * 1024
_PORT = 1
"""A socket's name ends in a port, as PostgreSQL has it. It means nothing here."""


@asynccontextmanager
async def opened(where: Layout, sites: Sequence[Site]) -> AsyncIterator[At]:
    """Open a way to each of the sites' databases; gives where each is reached (see `addresses`).

    Raises `RegionError` if the operator's identity can't be read. A site that is gone is found out by
    whoever connects, as ever.
    """
    distant = [site for site in sites if tunnel.is_needed(site)]
    if not distant:
        yield {}
        return
    context = tls.of_operator(where).client
    with tempfile.TemporaryDirectory(prefix="altid-") as folder:
        servers = [await _open(site, Path(folder) / site.name, context) for site in distant]
        try:
            yield {site.name: f"{quote(f'{folder}/{site.name}', safe='')}:{_PORT}" for site in distant}
        finally:
            for server in servers:
                server.close()


async def _open(site: Site, folder: Path, context: SSLContext) -> asyncio.Server:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                there = await asyncio.open_connection(
                    site.host, site.postgres_tls, ssl=context, ssl_shutdown_timeout=tls.SHUTDOWN_S_MAX
                )
        except (OSError, TimeoutError):
            writer.transport.abort()
            return
        await _both(reader, writer, *there)

    folder.mkdir(mode=0o700)  # noqa: ASYNC240  in memory, or nearly
    return await asyncio.start_unix_server(carry, folder / f".s.PGSQL.{_PORT}")


async def _both(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there_reader: asyncio.StreamReader,
    there_writer: asyncio.StreamWriter,
) -> None:
    """Carry both ways until either end hangs up; then the other hears of it at once."""
    ways = [
        asyncio.create_task(_carry(reader, there_writer)),
        asyncio.create_task(_carry(there_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        writer.close()  # after what is still to be read
        there_writer.transport.abort()  # TLS would wait for the other end's good-bye


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(_BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
