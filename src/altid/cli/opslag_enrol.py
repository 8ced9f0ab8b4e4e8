"""`altid opslag enrol | revoke`: run at the region, for a place elsewhere that shall keep a copy."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from altid.access import copies
from altid.access.administration import add_client, revoke_place
from altid.access.clients import Client, ClientError
from altid.access.copy_keys import NewPlace, new_place
from altid.access.scopes import FEED, FEED_WARD
from altid.cli.app import Options
from altid.cli.operating import database_url_option, operator_at
from altid.cli.region import layout_of, run
from altid.lookup.certificate import CERTIFICATE, KEY, make_certificate
from altid.lookup.settings import FILE, Kind, SettingsError, read_settings
from altid.region import certificates
from altid.region.guarding import gateway_url
from altid.region.layout import Layout, load_region

CREDENTIALS, AUTHORITY = "credentials.json", "authority.pem"
_TOKEN_PATH = "/access/token"  # noqa: S105 (a path)
_ID_CHARACTERS_MAX = 56


@click.command()
@click.option("--place", required=True, metavar="NAME", help="What the place is called, as people call it.")
@click.option(
    "--kind",
    required=True,
    type=click.Choice([kind.value for kind in Kind]),
    help="What sort of place it is.",
)
@click.option("--prefix", required=True, metavar="LETTERS", help="Begins the numbers of its paper forms.")
@click.option("--ward", metavar="ID", help="Of a ward's PC: id of the ward's Location, which alone it keeps.")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Name or address that browsers use; for more, again.",
)
@click.option("--port", default=8443, show_default=True, type=click.IntRange(1, 65535), help="Port.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="URL",
    help="Where it reads the feed.  [default: the gateways of the region]",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the place's files; made if it is missing.",
)
@database_url_option
@click.pass_obj
def enrol(
    options: Options,
    place: str,
    kind: str,
    prefix: str,
    ward: str | None,
    hosts: tuple[str, ...],
    port: int,
    sources: tuple[str, ...],
    out: Path,
    database_url: str | None,
) -> None:
    """Make a place known, and its files: opslag.toml, its credentials, the region's certificate.

    DIR is carried to the place, where `altid opslag create --data DIR` makes key and copy. What is in it lets
    whoever has it read the feed: carry it as you would a key. The place is in the audit under its name.

    \b
    Examples:
      altid opslag enrol --place "Sengeafsnit B12" --kind ward --ward b12 --prefix B12 \\
        --host b12-pc.example.org --out b12/
    """
    if (kind == Kind.WARD) != (ward is not None):
        raise click.UsageError("A ward's PC, and nothing else, has the --ward that it keeps.")
    if out.exists() and any(out.iterdir()):
        raise click.UsageError(f"{out} is not empty: a place has a folder of its own.")
    where = layout_of(options)
    named = [(f"s{number}", url) for number, url in enumerate(sources, 1)] or _gateways(where)
    id_ = client_of(place)
    was_there = out.exists()
    try:
        run(_enrolled(where, id_, place, ward, out, _Files(kind, prefix, hosts, port, named), database_url))
    except click.UsageError:
        _take_back(out, was_there=was_there)
        raise
    if options.json:
        click.echo(json.dumps({"place": place, "client": id_, "folder": str(out)}))
    elif not options.quiet:
        click.echo(f"{place} is known as {id_}. At the place: altid opslag create --data {out}")


@click.command()
@click.option("--place", required=True, metavar="NAME", help="Its name, as it was enrolled.")
@database_url_option
@click.pass_obj
def revoke(options: Options, place: str, database_url: str | None) -> None:
    """Take everything from a place: it gets nothing any more, and forgets its key when it hears of it.

    \b
    Examples:
      altid opslag revoke --place "Sengeafsnit B12"
    """
    run(_revoked(layout_of(options), client_of(place), database_url))
    if options.json:
        click.echo(json.dumps({"place": place, "revoked": True}))
    elif not options.quiet:
        click.echo(f"{place} is revoked.")


class _Files:
    """What a place's files say."""

    def __init__(
        self, kind: str, prefix: str, hosts: Sequence[str], port: int, sources: Sequence[tuple[str, str]]
    ) -> None:
        self._kind, self._prefix, self._hosts, self._port = kind, prefix, hosts, port
        self._sources = sources

    def write(self, folder: Path, where: Layout, place: str, ward: str | None, made: NewPlace) -> None:
        """Raises `OSError`, `SettingsError`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = certificates.authority(where.pki / certificates.OPERATOR)
        if authority.exists():
            _write(folder / AUTHORITY, authority.read_text())
        _write(folder / CREDENTIALS, made.credentials)
        make_certificate(folder, ("localhost", "127.0.0.1", "::1", *self._hosts))
        _write(folder / FILE, self._settings(place, ward, has_authority=authority.exists()))
        read_settings(folder)

    def _settings(self, place: str, ward: str | None, *, has_authority: bool) -> str:
        host = "0.0.0.0" if self._hosts else "127.0.0.1"  # noqa: S104
        lines = [
            f"name = {json.dumps(place, ensure_ascii=False)}",
            f'kind = "{self._kind}"',
            f"prefix = {json.dumps(self._prefix)}",
            *([f"wards = {json.dumps([ward])}"] if ward else []),
            f'credentials = "{CREDENTIALS}"',
            "",
            "[listen]",
            f'address = "{host}:{self._port}"',
            f'certificate = "{CERTIFICATE}"',
            f'key = "{KEY}"',
        ]
        for name, url in self._sources:
            lines += ["", "[[source]]", f"name = {json.dumps(name)}", f"url = {json.dumps(url)}"]
            lines += [f'authority = "{AUTHORITY}"'] if has_authority and url.startswith("https:") else []
        return "\n".join([*lines, ""])


def client_of(place: str) -> str:
    """What the region calls a place of this name among its systems."""
    plain = re.sub(r"[^a-z0-9]+", "-", place.lower().translate(_LETTERS)).strip("-")
    if not plain:
        raise click.UsageError("The name of a place has a letter or a digit.")
    return f"opslag-{plain[:_ID_CHARACTERS_MAX]}"


async def _enrolled(
    where: Layout, id_: str, place: str, ward: str | None, out: Path, files: _Files, database_url: str | None
) -> None:
    async with operator_at(where, database_url) as operator:
        organisation = operator.settings.region
        if ward is not None:
            organisation = await copies.number_of_ward(operator.connection, ward) or ""
            if not organisation:
                raise click.UsageError(f"No ward {ward[:64]!r} is run by an organisation with a SOR number.")
        made = new_place(id_, operator.public_url + _TOKEN_PATH)
        try:
            files.write(out, where, place, ward, made)
            scope = FEED if ward is None else FEED_WARD
            await add_client(operator, Client(id_, place, organisation, (scope,), made.public))
        except (SettingsError, ClientError, OSError) as error:
            raise click.UsageError(str(error)) from None


def _take_back(out: Path, *, was_there: bool) -> None:
    """Nothing of a place that is not known may lie about."""
    for path in out.iterdir() if out.exists() else ():
        path.unlink()
    if not was_there:
        shutil.rmtree(out, ignore_errors=True)


async def _revoked(where: Layout, id_: str, database_url: str | None) -> None:
    try:
        async with operator_at(where, database_url) as operator:
            await revoke_place(operator, id_)
    except ClientError as error:
        raise click.UsageError(str(error)) from None


def _gateways(where: Layout) -> list[tuple[str, str]]:
    if not where.marker.is_file():
        raise click.UsageError("Say where the feed is: --source URL.")
    return [(site.name, gateway_url(site)) for site in load_region(where).sites]


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


_LETTERS = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa"})
