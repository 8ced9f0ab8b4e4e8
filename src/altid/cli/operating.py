"""The operator that a command works as: of the record in the data folder, `altid serve`'s or a region's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import click

from altid.access.guard import SECRET_FILE, GuardSettings
from altid.access.operator import SITE, Operator, at_terminal
from altid.access.secret import SecretError, read_secret_file
from altid.access.settings import AccessSettings
from altid.cli.remote import SERVER_FILE
from altid.record.postgres.account import choose
from altid.record.postgres.cluster import DATABASE
from altid.record.postgres.folder import cluster_folder
from altid.record.postgres.sockets import PORT, place
from altid.record.roles import APP_ROLE
from altid.region.error import RegionError
from altid.region.layout import Layout, load_region
from altid.region.operating import AWAY, operator_of

_USUAL = GuardSettings("")

database_url_option = click.option(
    "--database-url",
    envvar="ALTID_DATABASE_URL",
    metavar="URL",
    help="The PostgreSQL that `altid serve` was given, if it was.",
)


@asynccontextmanager
async def operator_at(where: Layout, database_url: str | None = None) -> AsyncIterator[Operator]:
    """Raises `RegionError` or `click.UsageError` where there is no record, or it can't be reached."""
    data = where.data
    if where.marker.is_file():
        async with operator_of(where, load_region(where)) as operator:
            yield operator
        return
    dsn = database_url or dsn_of(data)
    try:
        secret = read_secret_file(data / SECRET_FILE)
    except SecretError as error:
        raise click.UsageError(str(error)) from None
    settings = AccessSettings(region=_USUAL.region, site=SITE)
    try:
        async with at_terminal(dsn, secret, settings, _public_url(data)) as operator:
            yield operator
    except AWAY as error:
        raise RegionError(
            f"The record can't be reached ({type(error).__name__}): does `altid serve --data {data}` run?"
        ) from None


def dsn_of(data: Path) -> str:
    """The embedded PostgreSQL of `altid serve`. Raises `click.UsageError` if there is none."""
    cluster = cluster_folder(data)
    if not cluster.is_dir():
        raise click.UsageError(f"{data} holds no record: give the --data of `altid serve` or `altid up`.")
    folder = place(data, choose(cluster, create=False))
    return f"postgresql://{APP_ROLE}@/{DATABASE}?{urlencode({'host': str(folder), 'port': PORT})}"


def _public_url(data: Path) -> str:
    """As the server that runs was told."""
    try:
        return str(json.loads((data / SERVER_FILE).read_text())["public_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return _USUAL.public_url
