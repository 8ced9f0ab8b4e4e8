"""Each site's own lookup record (Opslag): its folder, its key, and who it is for the feed.

```
DATA/A/lookup/        opslag.toml and the copy; keys/ with the seals of its key
DATA/A/lookup/pki/    its certificate, of the region's authority, which says nothing but where it serves
DATA/A/lookup/credentials.json   the key that it asks the feed with, client.json the public half of that
DATA/A/lookup.key     what opens the copy's key
```
It needs nothing of the region to answer: it is started before everything else and stopped after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from altid.access.copy_keys import new_place
from altid.access.site_copy import CLIENT_FILE
from altid.lookup import keys
from altid.lookup.settings import FILE
from altid.region import certificates
from altid.region.guarding import gateway_url, guard_of
from altid.region.layout import Layout
from altid.region.programs import Programs
from altid.region.topology import Region, Site

CREDENTIALS = "credentials.json"
TOKEN_PATH = "/access/token"  # noqa: S105 (a path)

Write = Callable[[Path, str], None]


def client_id(site: Site) -> str:
    """What the region calls the site's copy among its systems."""
    return f"opslag-{site.name}"


def url_of(site: Site) -> str:
    return f"https://{site.host}:{site.lookup}"


def prepare(where: Layout, region: Region, site: Site, write: Write) -> str | None:
    """Write what the site's lookup record reads; gives what is wrong if that can't be. Keys that are there
    stay."""
    folders = where.place(site.name)
    try:
        folders.lookup.mkdir(mode=0o700, exist_ok=True)
        if not (folders.lookup / CREDENTIALS).exists() or not (folders.root / CLIENT_FILE).exists():
            _make_credentials(where, region, site, write)
        if not folders.lookup_key.exists():
            keys.make_key_file(folders.lookup_key)
        if not keys.ways(folders.lookup) and keys.locked(folders.lookup) is None:
            keys.make_key(folders.lookup, keys.Secrets(key_file=folders.lookup_key))
        write(folders.lookup / FILE, settings(where, region, site))
    except (OSError, keys.KeyUnavailableError) as error:
        return str(error)
    return None


def settings(where: Layout, region: Region, site: Site) -> str:
    """The text of its `opslag.toml`: the own gateway is asked first."""
    own = certificates.identity(where.place(site.name).lookup_pki)
    trust = certificates.authority(where.place(site.name).pki)
    lines = [
        f"name = {json.dumps(f'{region.name} {site.name}')}",
        'kind = "site"',
        f'prefix = "DC{region.sites.index(site) + 1}"',
        f'credentials = "{CREDENTIALS}"',
        "",
        "[listen]",
        f'address = "{site.host}:{site.lookup}"',
        f"certificate = {json.dumps(str(own))}",
        f"key = {json.dumps(str(own))}",
    ]
    for each in (site, region.other(site)):
        lines += [
            "",
            "[[source]]",
            f"name = {json.dumps(each.name)}",
            f"url = {json.dumps(gateway_url(each))}",
            f"authority = {json.dumps(str(trust))}",
        ]
    return "\n".join([*lines, ""])


def command(where: Layout, site: Site, programs: Programs) -> tuple[str, ...]:
    """How it is started."""
    folders = where.place(site.name)
    opened = ("--key-file", str(folders.lookup_key))
    return str(programs.python), "-m", "altid.cli", "opslag", "serve", "--data", str(folders.lookup), *opened


def _make_credentials(where: Layout, region: Region, site: Site, write: Write) -> None:
    folders, name = where.place(site.name), client_id(site)
    made = new_place(name, guard_of(region, site, where).public_url + TOKEN_PATH)
    told = {"id": name, "name": f"Opslag {site.name}", "organisation": region.name, "jwks": made.public}
    write(folders.root / CLIENT_FILE, json.dumps(told, indent=1) + "\n")
    write(folders.lookup / CREDENTIALS, made.credentials)
