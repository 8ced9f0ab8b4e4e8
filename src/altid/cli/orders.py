"""`altid orders`: whether every order is certain, and has reached whom it is for."""

from __future__ import annotations

import click

from altid.cli.app import Subcommands
from altid.cli.downstream import inbox, outbox
from altid.cli.proving import evidence
from altid.cli.reconciling import reconcile


@click.group(cls=Subcommands)
def orders() -> None:
    """Orders: which are certain, which have left, and results that found no place.

    \b
    Examples:
      altid orders reconcile
      altid orders reconcile --from 2026-11-28T07:00+01:00 --pdf uncertain.pdf --patients
      altid orders evidence verify
      altid orders outbox --dead --json
      altid orders outbox retry 17 --reason "the pharmacy is back"
      altid orders inbox
    """


for command in (reconcile, evidence, outbox, inbox):
    orders.add_command(command)
