"""`altid orders`: whether every order is certain."""

from __future__ import annotations

import click

from altid.cli.app import Subcommands
from altid.cli.reconciling import reconcile


@click.group(cls=Subcommands)
def orders() -> None:
    """Orders: prove which of them are certain.

    \b
    Examples:
      altid orders reconcile
      altid orders reconcile --from 2026-11-28T07:00+01:00 --pdf uncertain.pdf --patients
    """


orders.add_command(reconcile)
