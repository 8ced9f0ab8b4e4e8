"""What a site's servers need to know who asks: the region's access secret, and its addresses."""

from __future__ import annotations

from pathlib import Path

from altid.access.folder import prepare
from altid.access.guard import GuardSettings
from altid.access.secret import AccessSecret, SecretError, parse_secret
from altid.record.postgres.account import Account
from altid.region.error import RegionError
from altid.region.layout import Layout, Secrets
from altid.region.topology import Region, Site


def guard_of(region: Region, site: Site, layout: Layout) -> GuardSettings:
    """What the site's servers are told. Either site's address is as good as the region's own."""
    public_url = region.public_url or gateway_url(region.sites[0])
    others = [url for each in region.sites for url in urls_of(each) if url != public_url]
    return GuardSettings(
        str(layout.place(site.name).root),
        region.name,
        site.name,
        public_url,
        tuple(dict.fromkeys(others)),
        tuple((each.name, gateway_url(each)) for each in region.sites),
        region.lookup_url,
    )


def urls_of(site: Site) -> list[str]:
    """How a site is reached: by its gateway, and on one machine by its servers too."""
    urls = [gateway_url(site)]
    if site.host.startswith("127."):
        urls += [f"http://{site.host}:{port}" for port in site.server_ports]
    return urls


def gateway_url(site: Site) -> str:
    return f"https://{site.host}:{site.gateway}"


def access_secret(secrets: Secrets, file: Path) -> AccessSecret:
    """The region's. Raises `RegionError` where there is none; `file` is where it should be."""
    try:
        return parse_secret(secrets.access)
    except SecretError:
        raise RegionError(
            f"{file} holds no access secret: it is of an older Altid. `altid up` makes one; on hosts of "
            "their own, render each host again."
        ) from None


def prepare_guard(layout: Layout, site: Site, secrets: Secrets, account: Account) -> str | None:
    """Write what the site's guards need into its folder; gives what is wrong if that can't be.

    Without it the site's servers don't start. Its database does: the other site may need it.
    """
    folder = layout.place(site.name).root
    try:
        prepare(folder, account, access_secret(secrets, layout.secrets_file))
    except (RegionError, SecretError) as error:
        return str(error)
    except OSError as error:
        return f"{error.filename or folder} cannot be written: {error.strerror}."
    return None
