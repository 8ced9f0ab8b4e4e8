"""`altid client`: systems that prove themselves by their own key, from a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from altid.access import clients
from altid.access.administration import add_client, disable_client, rotate_client
from altid.access.clients import Client, ClientError, Listed
from altid.cli.app import Options, Subcommands
from altid.cli.operating import database_url_option, operator_at
from altid.cli.region import layout_of, run

_KEYS_BYTES_MAX = 64 * 1024
"""Ten public keys are some kB."""


@click.group(cls=Subcommands, no_args_is_help=False)
def client() -> None:
    """Register, list and close systems, and change their keys. Every change is in the audit.

    A system keeps its secret for itself: it registers public keys (P-384, or RSA of 2,048 bits at least) and
    asks for a token with an assertion that it signs (SMART backend services).

    \b
    Examples:
      altid client add lab --name Laboratory --organisation 12 --scope system/Observation.cru --keys jwks.json
      altid client list
      altid client rotate lab --keys jwks.json
      altid client disable lab
    """


@client.command()
@click.argument("client_id", metavar="ID")
@click.option("--name", required=True, metavar="TEXT", help="The system's name, as the audit shall have it.")
@click.option("--organisation", required=True, metavar="SOR", help="Whose system it is (SOR id).")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    metavar="SCOPE",
    help="What it may do, such as system/Observation.rs; can be given several times.",
)
@click.option(
    "--keys",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Its public keys, as a JWK set. An application that people use may have none.",
)
@click.option(
    "--redirect",
    "redirects",
    multiple=True,
    metavar="URL",
    help="Of an application that people use: where browsers are sent back to, exactly; can be given several "
    "times.",
)
@database_url_option
@click.pass_obj
def add(
    options: Options,
    client_id: str,
    name: str,
    organisation: str,
    scopes: tuple[str, ...],
    keys: Path | None,
    redirects: tuple[str, ...],
    database_url: str | None,
) -> None:
    """Register a system, or an application that people use (SMART App Launch).

    \b
    Examples:
      altid client add lab --name Laboratory --organisation 12 --scope system/Observation.cru --keys jwks.json
      altid client add chart --name Chart --organisation 12 --scope 'patient/*.rs' --redirect https://c.dk/back
    """
    if keys is None and not redirects:
        raise click.UsageError("Give a system's --keys, or the --redirect of an application that people use.")
    jwks = {} if keys is None else _keys(keys)
    made = Client(client_id, name, organisation, scopes, jwks, redirects)
    run(_added(options, made, database_url))
    if options.json:
        click.echo(json.dumps(_plain(Listed(made, is_disabled=False))))
    elif not options.quiet:
        click.echo(f"{client_id} is registered: {' '.join(scopes)}")


@client.command("list")
@database_url_option
@click.pass_obj
def list_(options: Options, database_url: str | None) -> None:
    """Show all systems.

    \b
    Examples:
      altid client list
    """
    found = run(_listed(options, database_url))
    if options.json:
        click.echo(json.dumps({"clients": [_plain(one) for one in found]}))
        return
    if options.quiet:
        return
    table = Table("System", "Name", "Of", "May", "State", box=None)
    for one in found:
        it = one.client
        state = "closed" if one.is_disabled else ""
        table.add_row(it.id, it.name, it.organisation, " ".join(it.scopes), state)
    Console(highlight=False, markup=False).print(table)


@client.command()
@click.argument("client_id", metavar="ID")
@database_url_option
@click.pass_obj
def disable(options: Options, client_id: str, database_url: str | None) -> None:
    """Close a system: its tokens are refused within seconds, and it gets no new ones.

    \b
    Examples:
      altid client disable lab
    """
    run(_disabled(options, client_id, database_url))
    if options.json:
        click.echo(json.dumps({"id": client_id, "disabled": True}))
    elif not options.quiet:
        click.echo(f"{client_id} is closed.")


@client.command()
@click.argument("client_id", metavar="ID")
@click.option(
    "--keys",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Its public keys from now on, as a JWK set.",
)
@database_url_option
@click.pass_obj
def rotate(options: Options, client_id: str, keys: Path, database_url: str | None) -> None:
    """Change the keys of a system. There is no secret to show: the system makes its key and keeps it.

    To change without a pause, first give a set with the old key and the new one, later the new one alone.
    What an old key has signed is refused at once; tokens that the system has end within minutes.

    \b
    Examples:
      altid client rotate lab --keys jwks.json
    """
    run(_rotated(options, client_id, _keys(keys), database_url))
    if options.json:
        click.echo(json.dumps({"id": client_id, "rotated": True}))
    elif not options.quiet:
        click.echo(f"{client_id} has new keys.")


async def _added(options: Options, made: Client, database_url: str | None) -> None:
    try:
        async with operator_at(layout_of(options), database_url) as operator:
            await add_client(operator, made)
    except ClientError as error:
        raise click.UsageError(str(error)) from None


async def _listed(options: Options, database_url: str | None) -> Sequence[Listed]:
    async with operator_at(layout_of(options), database_url) as operator:
        return await clients.listing(operator.connection)


async def _disabled(options: Options, client_id: str, database_url: str | None) -> None:
    try:
        async with operator_at(layout_of(options), database_url) as operator:
            await disable_client(operator, client_id)
    except ClientError as error:
        raise click.UsageError(str(error)) from None


async def _rotated(
    options: Options, client_id: str, keys: Mapping[str, Any], database_url: str | None
) -> None:
    try:
        async with operator_at(layout_of(options), database_url) as operator:
            await rotate_client(operator, client_id, keys)
    except ClientError as error:
        raise click.UsageError(str(error)) from None


def _keys(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_KEYS_BYTES_MAX + 1)
        keys = json.loads(raw) if len(raw) <= _KEYS_BYTES_MAX else None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        keys = None
    if not isinstance(keys, dict):
        raise click.UsageError(f'{path} is no JWK set: a JSON object {{"keys": [...]}}.')
    return keys


def _plain(one: Listed) -> dict[str, object]:
    it = one.client
    return {
        "id": it.id,
        "name": it.name,
        "organisation": it.organisation,
        "scopes": it.scopes,
        "redirects": it.redirect_uris,
        "disabled": one.is_disabled,
    }
