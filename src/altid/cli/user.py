"""`altid user`: accounts of people, from a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from altid.access.accounts import Account, AccountError
from altid.access.administration import (
    NewAccount,
    add_account,
    disable_account,
    enable_account,
    invite,
    invite_first,
    listed_accounts,
)
from altid.access.identity import Role
from altid.access.invitations import INVITATION_S
from altid.access.passwords import PASSWORD_CHARACTERS_MAX
from altid.cli.app import Options, Subcommands
from altid.cli.operating import database_url_option, operator_at
from altid.cli.region import layout_of, run
from altid.cli.token import ROLES

_DAYS = INVITATION_S // (24 * 3600)
_BYTES_MAX = 4 * PASSWORD_CHARACTERS_MAX


@click.group(cls=Subcommands, no_args_is_help=False)
def user() -> None:
    """Add, list, close, open and invite people. Every change is in the audit.

    A password is never an argument: whoever is added gets a link, where they choose one themselves.

    \b
    Examples:
      altid user add anne --name "Anne Holm" --role doctor --organisation 937961000016000
      altid user list
      altid user invite anne
      altid user disable anne
      altid user enable anne
    """


@user.command()
@click.argument("username", metavar="NAME")
@click.option("--name", required=True, metavar="TEXT", help="The person's name, as others shall see it.")
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    type=click.Choice(ROLES),
    help="What they work as; can be given several times, the usual one first.",
)
@click.option(
    "--organisation",
    "organisations",
    required=True,
    multiple=True,
    metavar="SOR",
    help="Where they work (SOR id); can be given several times, the usual one first.",
)
@click.option("--practitioner", metavar="Practitioner/ID", help="The person's resource in the record.")
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Take the password from here (-: standard input) instead of making a link. It must be changed at "
    "the first logon.",
)
@database_url_option
@click.pass_obj
def add(
    options: Options,
    username: str,
    name: str,
    roles: tuple[str, ...],
    organisations: tuple[str, ...],
    practitioner: str | None,
    password_file: Path | None,
    database_url: str | None,
) -> None:
    """Make an account, and print a link where its owner chooses a password.

    \b
    Examples:
      altid user add anne --name "Anne Holm" --role doctor --organisation 937961000016000
      altid user add ole --name "Ole Juhl" --role nurse --role secretary --organisation 937961000016000
      pass show ole | altid user add ole --name "Ole Juhl" --role nurse --organisation 12 --password-file -
    """
    password = None if password_file is None else _password(password_file)
    new = NewAccount(
        username,
        name,
        tuple(map(Role, roles)),
        organisations,
        practitioner,
        password,
        must_change=password is not None,
    )
    made = run(_added(options, new, database_url))
    if options.json:
        click.echo(json.dumps(_plain(made.account) | ({"invitation": made.link} if made.link else {})))
    elif made.link:
        _tell_link(options, f"{made.account.username} is added.", made.link)
    elif not options.quiet:
        click.echo(f"{made.account.username} is added.")


@user.command("list")
@database_url_option
@click.pass_obj
def list_(options: Options, database_url: str | None) -> None:
    """Show all accounts.

    \b
    Examples:
      altid user list
      altid user list --json
    """
    found = run(_listed(options, database_url))
    if options.json:
        click.echo(json.dumps({"users": [_plain(account) for account in found]}))
        return
    if options.quiet:
        return
    table = Table("User", "Name", "Roles", "Works at", "State", box=None)
    for one in found:
        table.add_row(
            one.username, one.name, ", ".join(one.roles), ", ".join(one.organisations), _state_of(one)
        )
    Console(highlight=False, markup=False).print(table)


@user.command()
@click.argument("username", metavar="NAME")
@database_url_option
@click.pass_obj
def disable(options: Options, username: str, database_url: str | None) -> None:
    """Close an account: all its sessions end, at both sites, within seconds. What it did stays.

    \b
    Examples:
      altid user disable anne
    """
    _tell(options, run(_disabled(options, username, database_url)), "closed")


@user.command()
@click.argument("username", metavar="NAME")
@database_url_option
@click.pass_obj
def enable(options: Options, username: str, database_url: str | None) -> None:
    """Open a closed account again, with the password that it had. What had ended stays ended.

    \b
    Examples:
      altid user enable anne
    """
    _tell(options, run(_enabled(options, username, database_url)), "open")


@user.command("invite")
@click.argument("username", metavar="NAME", required=False)
@click.option("--first", is_flag=True, help="A link for the first administrator, while there is no account.")
@database_url_option
@click.pass_obj
def invite_(options: Options, username: str | None, first: bool, database_url: str | None) -> None:
    """Print a link where somebody chooses a new password. It works once.

    \b
    Examples:
      altid user invite anne
      altid user invite --first
    """
    if first == (username is not None):
        raise click.UsageError("Give a user's name, or --first.")
    link = run(_invited(options, username, database_url))
    if options.json:
        click.echo(json.dumps({"invitation": link}))
    else:
        _tell_link(options, "Give this link to nobody else:", link)


@dataclass(frozen=True, slots=True)
class _Added:
    account: Account
    link: str | None


async def _added(options: Options, new: NewAccount, database_url: str | None) -> _Added:
    try:
        async with operator_at(layout_of(options), database_url) as operator:
            made = await add_account(operator, new)
            link = await invite(operator, made.username) if new.password is None else None
            return _Added(made, link)
    except AccountError as error:
        raise click.UsageError(str(error)) from None


async def _listed(options: Options, database_url: str | None) -> Sequence[Account]:
    async with operator_at(layout_of(options), database_url) as operator:
        return await listed_accounts(operator)


async def _disabled(options: Options, username: str, database_url: str | None) -> Account:
    try:
        async with operator_at(layout_of(options), database_url) as operator:
            return await disable_account(operator, username)
    except AccountError as error:
        raise click.UsageError(str(error)) from None


async def _enabled(options: Options, username: str, database_url: str | None) -> Account:
    try:
        async with operator_at(layout_of(options), database_url) as operator:
            return await enable_account(operator, username)
    except AccountError as error:
        raise click.UsageError(str(error)) from None


async def _invited(options: Options, username: str | None, database_url: str | None) -> str:
    try:
        async with operator_at(layout_of(options), database_url) as operator:
            link = await invite_first(operator) if username is None else await invite(operator, username)
    except AccountError as error:
        raise click.UsageError(str(error)) from None
    if link is None:
        raise click.UsageError("There are accounts already: an administrator invites others.")
    return link


def _password(path: Path) -> str:
    """The first line of the file."""
    try:
        if str(path) == "-":
            raw = sys.stdin.buffer.readline(_BYTES_MAX + 1)
        else:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    raise click.UsageError(f"Others may read the password in {path}: chmod 600 {path}")
                raw = file.readline(_BYTES_MAX + 1)
        text = raw.decode().rstrip("\r\n")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is not UTF-8 text.") from None
    if not text:
        raise click.UsageError("There is no password in the first line.")
    return text


def _tell_link(options: Options, words: str, link: str) -> None:
    if options.quiet:
        click.echo(link)
    else:
        click.echo(f"{words} The link works once, for {_DAYS} days, and is shown only here:\n\n  {link}")


def _state_of(account: Account) -> str:
    if account.is_disabled:
        return "closed"
    return "must change the password" if account.must_change else ""


def _tell(options: Options, account: Account, state: str) -> None:
    if options.json:
        click.echo(json.dumps(_plain(account)))
    elif not options.quiet:
        click.echo(f"{account.username} is {state}.")


def _plain(account: Account) -> dict[str, object]:
    return {
        "username": account.username,
        "id": account.id,
        "name": account.name,
        "roles": account.roles,
        "organisations": account.organisations,
        "practitioner": account.practitioner,
        "disabled": account.is_disabled,
    }
