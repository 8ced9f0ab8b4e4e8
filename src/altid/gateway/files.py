"""A gateway's files: written when the region starts, and again whenever a server's duty changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from altid.gateway.clusters import servers
from altid.gateway.configuration import SERVERS, configuration
from altid.gateway.plan import Credentials, Gateway, gateway_of, servers_of
from altid.gateway.wire import resources
from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned
from altid.region import certificates
from altid.region.drained import Drained, read_drained, write_drained
from altid.region.layout import Layout, make_folder
from altid.region.topology import Region, Site


def prepare(where: Layout, region: Region, account: Account) -> None:
    """Write every site's gateway, complete. Raises `RegionError` if a folder can't be made."""
    for site in region.sites:
        make_folder(where.place(site.name).gateway, account)
        write(planned(where, region, site), account)


def planned(where: Layout, region: Region, site: Site) -> Gateway:
    """The site's gateway as it should be now, with what is drained."""
    folders = where.place(site.name)
    credentials = Credentials(certificates.identity(folders.pki), certificates.authority(folders.pki))
    return gateway_of(region, site, credentials, folders.gateway, read_drained(where, site))


def write(gateway: Gateway, account: Account) -> None:
    """Write all files. Those that are the same are left alone: Envoy would take them over for nothing."""
    for name, content in configuration(gateway).items():
        _write(gateway.folder / name, content, account)


def drain(where: Layout, region: Region, site: Site, wish: Drained, account: Account) -> Gateway:
    """Write down what is drained, and tell the gateway; gives it as it should be then.

    Written down first: a gateway that is told twice comes to the same.
    """
    write_drained(where, site, wish, account)
    return serve(where, region, site, wish, account)


def serve(where: Layout, region: Region, site: Site, wish: Drained, account: Account) -> Gateway:
    """Tell the gateway whom to send requests to; nothing if it knows already."""
    gateway = replace(planned(where, region, site), servers=servers_of(site, wish))
    content = resources("endpoints", [servers(gateway)])
    _write(gateway.folder / SERVERS, content, account)
    return gateway


def _write(path: Path, content: dict[str, Any], account: Account) -> None:
    text = json.dumps(content, indent=1) + "\n"
    if not path.exists() or path.read_text() != text:
        write_owned(path, text, account)
