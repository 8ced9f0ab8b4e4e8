"""The canary's tokens: of the built-in system, each bound to the one synthetic patient that it is for."""

from __future__ import annotations

from altid.access.operator import Issued, at_terminal
from altid.access.programs import Tokens, program_token
from altid.access.settings import AccessSettings
from altid.region.addresses import app_dsn
from altid.region.guarding import access_secret, guard_of
from altid.region.layout import Layout, load_secrets
from altid.region.topology import Region, Site


def tokens_for(where: Layout, region: Region, site: Site, patient: str) -> Tokens:
    """Tokens for what is about this patient alone. Making one raises what the database's driver raises, and
    `RegionError` where there is no secret."""
    secrets = load_secrets(where)
    dsn = app_dsn(secrets, [site, region.other(site)], primary=True)
    settings = AccessSettings(region=region.name, site=site.name)
    public_url = guard_of(region, site, where).public_url

    async def mint() -> Issued:
        secret = access_secret(secrets, where.secrets_file)
        async with at_terminal(dsn, secret, settings, public_url) as operator:
            return await program_token(operator, "canary", patient=patient)

    return Tokens(mint)
