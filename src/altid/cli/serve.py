"""`altid serve`: one server with its record, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import replace
from pathlib import Path

import click

from altid.access.first import first_link
from altid.access.secret import SecretError
from altid.api.settings import FhirSettings
from altid.cli.links import public_url_option, tell_first_link
from altid.record.migrate import MigrationError
from altid.record.postgres import PostgresError
from altid.server.supervisor import ServeError, ServeOptions, serving


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0: any free one."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Server processes.  [default: one for each processor]",
)
@click.option(
    "--database-url",
    envvar="ALTID_DATABASE_URL",
    metavar="URL",
    help="Use this PostgreSQL (16 or newer) instead of Altid's own. Best given as ALTID_DATABASE_URL, "
    "since a command line can be seen by others.",
)
@click.option(
    "--public-url",
    envvar="ALTID_PUBLIC_URL",
    metavar="URL",
    callback=public_url_option,
    help="How browsers and systems reach it: https://epj.example.org. Passkeys are bound to it, and systems "
    "name it when they ask for a token.  [default: its own address]",
)
@click.option("--base-url", metavar="URL", help="The public FHIR base, where a gateway stands in front.")
@click.option(
    "--body-max",
    default=16,
    show_default=True,
    type=click.IntRange(1, 1024),
    metavar="MIB",
    help="Largest request body.",
)
@click.option(
    "--danish-profiles/--no-danish-profiles",
    default=False,
    show_default=True,
    help="Refuse a Patient that breaks dk-core (identifier, CPR, X-eCPR, D-eCPR, official name).",
)
@click.pass_context
def serve(
    context: click.Context,
    host: str,
    port: int,
    workers: int | None,
    database_url: str | None,
    public_url: str | None,
    base_url: str | None,
    body_max: int,
    danish_profiles: bool,
) -> None:
    """Serve the record: FHIR R4 at /fhir, patient pages at /, health at /health.

    Starts PostgreSQL in the data folder (or uses --database-url), brings its schema up to date, starts
    the server processes and prints one line when it is ready. SIGTERM or Ctrl-C stops everything cleanly.

    Nothing but health is answered without a token. As long as there is no account, it prints a link that
    makes the first administrator, once; `altid user` and `altid token` do the rest from a terminal.

    \b
    Examples:
      altid serve
      altid serve --data /srv/altid --port 9000
      altid serve --public-url https://epj.example.org
      ALTID_DATABASE_URL=postgresql://altid@db/altid altid serve
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    data: Path = context.obj.data
    fhir = FhirSettings(
        base_url=base_url.rstrip("/") if base_url else None,
        body_bytes_max=body_max * 1024 * 1024,
        danish_profiles=danish_profiles,
    )
    options = ServeOptions(data, host, port, database_url=database_url, fhir=fhir, public_url=public_url)
    if workers is not None:
        options = replace(options, workers=workers)
    try:
        asyncio.run(_serve(options, quiet=context.obj.quiet))
    except (ServeError, SecretError, PostgresError, MigrationError) as error:
        raise click.UsageError(str(error)) from None


async def _serve(options: ServeOptions, *, quiet: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(options) as server:
        if not quiet:
            click.echo(f"Altid is ready: FHIR {server.address}/fhir, pages {server.address}/")
            tell_first_link(await first_link(server.dsn, server.guard.public_url, server.guard.region))
        await stop.wait()
