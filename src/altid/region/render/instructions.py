"""The page that lies beside a host's files: what to check first, and the exact commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from altid import __version__
from altid.region.layout import Layout
from altid.region.render import unit
from altid.region.topology import Site, Witness

if TYPE_CHECKING:
    from altid.region.render.host import Host

_SERVICE = unit.NAME.removesuffix(".service")


def text(host: Host, *, joins: bool, provided: Sequence[str] = ()) -> str:
    """The page in Markdown; `joins` when the host takes the place of a lost one. `provided`: names of the
    files about identity providers."""
    region, place, target = host.region, host.place, host.target
    return _TEXT.format(
        kind="Witness" if isinstance(place, Witness) else "Site",
        place=place.name,
        region=region.name,
        address=place.host,
        version=__version__,
        python=target.python,
        altid=_quoted(target.python.parent / "altid"),
        data=_quoted(target.data),
        log=_quoted(Layout(target.data).place(place.name).log),
        unit=unit.NAME,
        gateway_row=_GATEWAY_ROW.format(place=place.name) if isinstance(place, Site) else "",
        install="\n".join(_install(host, joins=joins, provided=provided)),
        service=_SERVICE,
    )


def _install(host: Host, *, joins: bool, provided: Sequence[str]) -> list[str]:
    """The commands, to be run as root in the host's folder."""
    name, data, user = host.place.name, host.target.data, host.target.user
    folders, own = Layout(data).place(name), f"-o {user} -g {user}"
    account = f"useradd --system --user-group --home-dir {_quoted(data)} --shell /usr/sbin/nologin {user}"
    lines = [
        f"id {user} >/dev/null 2>&1 || {account}",
        f"install -d {own} -m 0700 {_quoted(data)} {_quoted(folders.root)}",
        f"install {own} -m 0600 data/region.toml data/region.json data/secrets.json {_quoted(data)}/",
        *_moved(f"data/{name}/pki", folders.pki, own),
    ]
    if isinstance(host.place, Site):
        lines += _moved(f"data/{name}/gateway", folders.gateway, own)
    if provided:
        files = " ".join(shlex.quote(f"data/{name}/{one}") for one in provided)
        lines.append(f"install {own} -m 0600 {files} {_quoted(folders.root)}/")
    if joins:
        lines.append(f"install {own} -m 0600 data/{name}/{folders.joins.name} {_quoted(folders.joins)}")
    return [
        *lines,
        f"install -m 0644 {unit.NAME} /etc/systemd/system/{unit.NAME}",
        "systemctl daemon-reload",
        f"systemctl enable --now {_SERVICE}",
    ]


def _moved(source: str, folder: Path, own: str) -> list[str]:
    """For files that may be read meanwhile: each is moved to its place whole, as Envoy wants it."""
    there, new = _quoted(folder), _quoted(folder / "new")
    return [
        f"install -d {own} -m 0700 {there} {new}",
        f"install {own} -m 0600 {source}/* {new}/",
        f"mv {new}/* {there}/ && rmdir {new}",
    ]


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


_GATEWAY_ROW = "| `data/{place}/gateway/` | what the site's Envoy reads, where clients come in |\n"

_TEXT = """\
# {kind} {place} of the region {region}, at {address}

Written by `altid render` of Altid {version}. Keep this folder like a key: `data/` holds passwords and the
private key of {place} (and of nobody else). Remove it from the host once it is installed.

| file | what it is |
|---|---|
| `data/` | the region file, this host's passwords, this place's certificate: installed below |
{gateway_row}| `{unit}` | the systemd unit: it runs the supervisor of {place}, which runs everything else |
| `shown/` | what the supervisor will run and write here (etcd, Patroni, PostgreSQL, Envoy): to be read |
| `firewall.txt` | who may open which port of this host |

## Before

- [ ] `{python} --version` says 3.11 or newer, and `{altid} --version` says altid {version}, as everywhere
- [ ] a sound etcd: `apt-get install etcd-server`, then `systemctl disable --now etcd` (Altid starts its own)
- [ ] the clock is kept: `chronyc tracking` says that it is
- [ ] {address} is an address of this host, and the firewall lets pass what `firewall.txt` lists
- [ ] `{altid} doctor --data {data}` finds nothing that fails

## Install

As root, in this folder. Doing it again does no harm.

```sh
{install}
```

After the first start of all three hosts, once, where the operator's folder is (`--keys` of `altid render`):

```sh
altid init --data KEYS
altid status --data KEYS
```

## Look

```sh
systemctl status {service}
journalctl -u {service}
tail -n 5 {data}/events.jsonl
ls -l {log}
```

## Stop, start, renew

```sh
systemctl stop {service}
systemctl start {service}
```

A certificate lasts about a year. `altid render` makes a new one when less than a third of that is left:
render again, copy, and repeat *Install*. All parts take it over within a minute, without a restart.
"""
