"""What one host of a region gets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from altid.record.postgres import account as accounts
from altid.region import certificates, layout
from altid.region.error import RegionError
from altid.region.identities import identity_files
from altid.region.layout import Layout, Secrets
from altid.region.regionfile import render_region
from altid.region.render import firewall, instructions, shown, unit
from altid.region.topology import Place, Region, Site

_SECRETS_OF_THE_WITNESS = frozenset({"monitor", "replication"})
"""The witness looks at the databases (PostgreSQL's own figures, no table), and takes the backups."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where things lie on the host."""

    data: Path = Path("/var/lib/altid")
    python: Path = Path("/opt/altid/.venv/bin/python")
    """The Python that Altid is installed for."""

    user: str = "altid"
    """Whom everything runs as."""


@dataclass(frozen=True, slots=True)
class Host:
    """One place of the region and where it will live."""

    region: Region
    place: Place
    target: Target


def choose(region: Region, address: str, target: Target) -> Host:
    """The place at that address. Raises `RegionError` if there is none, or more than one."""
    found = [place for place in region.places if place.host == address]
    if not found:
        hosts = ", ".join(f"{place.name} {place.host}" for place in region.places)
        raise RegionError(f"{address[:64]} is no host of the region {region.name}: {hosts}.")
    if len(found) > 1:
        names = " and ".join(place.name for place in found)
        raise RegionError(f"{names} share the host {address}: give each place a host of its own.")
    return Host(region, found[0], target)


def operators_folder(keys: Layout, region: Region) -> Secrets:
    """Make what the operator's folder lacks (passwords, authority, identities that are missing or due).

    Raises `RegionError` if the folder belongs to another region, or is somebody else's.
    """
    layout.check_ours(keys, region)
    account = accounts.current()
    layout.make(keys, region, account)
    certificates.make(keys, region, account)
    return layout.load_secrets(keys)


def rendered(host: Host, keys: Layout) -> dict[PurePosixPath, str]:
    """Every file of the host by its path in the folder. Call `operators_folder` first."""
    region, place, target = host.region, host.place, host.target
    secrets = layout.load_secrets(keys)
    own, joins = _secrets_of(place, secrets), keys.place(place.name).joins
    may_join = layout.may_join(keys.place(place.name), datetime.now(UTC))
    files = {
        "firewall.txt": firewall.text(region, place),
        unit.NAME: unit.text(region, place, target.data, target.python, target.user),
        "data/region.toml": render_region(region),
        "data/region.json": layout.marker_text(region) + "\n",
        "data/secrets.json": json.dumps(own, indent=1) + "\n",
    }
    provided = identity_files(keys.data) if isinstance(place, Site) else {}
    files["README.md"] = instructions.text(host, joins=may_join, provided=tuple(provided))
    for name, text in provided.items():
        files[f"data/{place.name}/{name}"] = text
    folder = keys.place(place.name).pki
    for file in certificates.files(folder):
        files[f"data/{place.name}/pki/{file.name}"] = file.read_text()
    if isinstance(place, Site):
        serving = certificates.identity(keys.place(place.name).lookup_pki)
        files[f"data/{place.name}/lookup/pki/{serving.name}"] = serving.read_text()
    if may_join:
        files[f"data/{place.name}/{joins.name}"] = joins.read_text()
    for path, text in shown.files(region, place, target.data, target.python, secrets).items():
        files[f"shown/{path}"] = text
    return {PurePosixPath(path): text for path, text in files.items()}


def _secrets_of(place: Place, secrets: Secrets) -> dict[str, str]:
    """The passwords that a place needs; the others are there by name, and empty."""
    if isinstance(place, Site):
        return asdict(secrets)
    return {name: value if name in _SECRETS_OF_THE_WITNESS else "" for name, value in asdict(secrets).items()}
