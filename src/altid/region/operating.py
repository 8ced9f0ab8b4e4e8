"""The operator of a region: reaches its database from where `altid` is run, and holds its access secret."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from altid.access.first import first_link as link_of_first
from altid.access.operator import SITE, Issued, Operator, at_terminal
from altid.access.programs import Tokens, program_token
from altid.access.secret import AccessSecret
from altid.access.settings import AccessSettings
from altid.region import passage
from altid.region.addresses import app_dsn
from altid.region.error import RegionError
from altid.region.guarding import access_secret, guard_of
from altid.region.layout import Layout, load_secrets
from altid.region.topology import Region, Site

AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The last is also what a driver says that found a database which doesn't lead."""


@asynccontextmanager
async def operator_of(where: Layout, region: Region, place: Site | None = None) -> AsyncIterator[Operator]:
    """From where `altid` is run, or as a part of `place`. Raises `RegionError` when the secrets can't be
    read, or no database leads."""
    secrets = load_secrets(where)
    secret = access_secret(secrets, where.secrets_file)
    settings = AccessSettings(region=region.name, site=SITE)
    public_url = guard_of(region, region.sites[0], where).public_url
    try:
        async with (
            passage.opened(where, () if place else region.sites) as at,
            _at_the_leader(
                [app_dsn(secrets, [site], primary=True, at=at) for site in region.sites],
                secret,
                settings,
                public_url,
            ) as operator,
        ):
            yield operator
    except AWAY as error:
        raise RegionError(
            f"The region's database can't be reached ({type(error).__name__}): see `altid status`."
        ) from None


@asynccontextmanager
async def _at_the_leader(
    dsns: Sequence[str], secret: AccessSecret, settings: AccessSettings, public_url: str
) -> AsyncIterator[Operator]:
    """One site after the other: a frozen one would take all the time that the driver has for both."""
    async with AsyncExitStack() as stack:
        refusals: list[Exception] = []
        for dsn in dsns:
            try:
                operator = await stack.enter_async_context(at_terminal(dsn, secret, settings, public_url))
                break
            except AWAY as error:
                refusals.append(error)
        else:
            raise refusals[-1]
        yield operator


def tokens_of(
    where: Layout, region: Region, program: str, *, life_s: float | None = None, place: Site | None = None
) -> Tokens:
    """Tokens for a program of the operator. Making one raises `RegionError`."""

    async def mint() -> Issued:
        async with operator_of(where, region, place) as operator:
            return await program_token(operator, program, life_s=life_s)

    return Tokens(mint)


async def first_link(where: Layout, region: Region) -> str | None:
    """Where the first administrator makes an account; None if there is one. Raises `RegionError`."""
    secrets = load_secrets(where)
    public_url = guard_of(region, region.sites[0], where).public_url
    try:
        async with passage.opened(where, region.sites) as at:
            dsn = app_dsn(secrets, region.sites, primary=True, at=at)
            return await link_of_first(dsn, public_url, region.name)
    except AWAY as error:
        raise RegionError(f"The region's database can't be reached ({type(error).__name__}).") from None
