"""Whether the access secret of a data folder is as the servers need it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from altid.access.guard import SECRET_FILE
from altid.access.secret import AccessSecret, SecretError, read_secret_file
from altid.cli.checks import Finding
from altid.region.error import RegionError
from altid.region.guarding import access_secret
from altid.region.layout import Layout, load_region, load_secrets

_CHECK = "access"


def access_findings(data: Path) -> Iterator[Finding]:
    """Nothing where no server has begun yet: the first start makes the secret."""
    where = Layout(data)
    try:
        if where.marker.is_file():
            yield from _of_region(where)
        elif (data / SECRET_FILE).exists():
            yield _of_file(data / SECRET_FILE, None)
    except PermissionError:
        yield Finding(_CHECK, "warn", "the access secret is another user's", "Be that user or root.")


def _of_region(where: Layout) -> Iterator[Finding]:
    """Each site that lives on this machine must have the region's."""
    try:
        region, secret = load_region(where), access_secret(load_secrets(where), where.secrets_file)
    except RegionError as error:
        yield Finding(_CHECK, "fail", str(error), "See docs/access.md, Programs.")
        return
    for site in region.sites:
        file = where.place(site.name).root / SECRET_FILE
        if file.exists():
            yield _of_file(file, secret)


def _of_file(file: Path, expected: AccessSecret | None) -> Finding:
    try:
        found = read_secret_file(file)
    except SecretError as error:
        return Finding(_CHECK, "fail", str(error), f"Put the copy that you keep in its place: {file}")
    if expected is not None and found != expected:
        text = f"{file} is not the region's access secret"
        return Finding(_CHECK, "fail", text, "Start the site again: its supervisor writes it anew.")
    return Finding(_CHECK, "ok", f"{file} is there, for its owner alone")
