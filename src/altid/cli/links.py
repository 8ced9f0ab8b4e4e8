"""Links that work once, shown on the terminal and kept nowhere."""

from __future__ import annotations

from typing import Any

import click

from altid.access.invitations import INVITATION_S
from altid.access.public_url import checked_public_url

_DAYS = INVITATION_S // (24 * 3600)


def public_url_option(_context: click.Context, _parameter: click.Parameter, value: Any) -> str | None:
    """The callback of `--public-url`."""
    if value is None:
        return None
    try:
        return checked_public_url(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def tell_first_link(link: str | None) -> None:
    """Where the first administrator makes an account, if there is none yet."""
    if link is None:
        return
    click.echo(
        "There is no account yet. This link makes the first administrator: open it, choose a user name and\n"
        f"a password. It works once, for {_DAYS} days, and is shown only here:\n\n  {link}\n"
    )
