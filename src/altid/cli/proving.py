"""`altid orders evidence`: what each reconciliation has left, and whether it is as it was made."""

from __future__ import annotations

import json
from typing import Any

import click

from altid.cli.app import Options, Subcommands
from altid.cli.operating import database_url_option, operator_at
from altid.cli.region import layout_of, run
from altid.orders.proofs.keeping import FOLDER, bodies, differing, files
from altid.orders.proofs.sealing import AlteredError, Proof, faults_of, read_proof
from altid.region.layout import Layout


@click.group(cls=Subcommands)
def evidence() -> None:
    """What each reconciliation has found: sealed, chained, in the record and in files of the data folder.

    \b
    Examples:
      altid orders evidence list
      altid orders evidence verify
    """


@evidence.command("list")
@database_url_option
@click.pass_obj
def list_(options: Options, database_url: str | None) -> None:
    """Each with its time, counts, and what was not read. No order, and no patient, is named."""
    kept = run(_kept(layout_of(options), database_url))
    found = [one for number in sorted(kept) if (one := _read(kept[number])) is not None]
    if options.json:
        click.echo(json.dumps([one.summary | {"by": one.by, "sha256": one.sha256} for one in found]))
        return
    for one in found:
        click.echo(_line(one))


@evidence.command()
@database_url_option
@click.pass_obj
def verify(options: Options, database_url: str | None) -> int:
    """Whether every one is as it was made, none is missing, and files and record are the same.

    The exit code is 1 if not.
    """
    count, faults = run(_verified(layout_of(options), database_url))
    if options.json:
        click.echo(json.dumps({"evidence": count, "faults": faults}))
    elif not options.quiet:
        for fault in faults:
            click.echo(f"ALTERED: {fault}")
        click.echo(f"{count} reconciliations, {len(faults)} faults")
    return 1 if faults else 0


async def _kept(where: Layout, database_url: str | None) -> dict[int, bytes]:
    async with operator_at(where, database_url) as operator:
        return await bodies(operator.connection)


async def _verified(where: Layout, database_url: str | None) -> tuple[int, list[str]]:
    folder = where.data / FOLDER
    async with operator_at(where, database_url) as operator:
        in_record = await bodies(operator.connection)
        try:
            in_folder = files(folder)
        except OSError as error:
            raise click.UsageError(f"{error.filename or folder}: {error.strerror}") from None
        found = faults_of(operator.secret, in_record)
        found += [f"file {fault}" for fault in faults_of(operator.secret, in_folder)]
        return len(in_record), found + differing(in_record, in_folder)


def _read(body: bytes) -> Proof | None:
    try:
        return read_proof(body)
    except AlteredError:
        return None  # `verify` tells of it


def _line(one: Proof) -> str:
    told: dict[str, Any] = one.summary
    unread = f", NOT READ: {', '.join(told['unread'])}" if told["unread"] else ""
    differs = ", THE SITES DIFFER" if told["differs"] else ""
    settled = f", settled: {one.settled}" if one.settled else ""
    return (
        f"{one.number}  {told['at']}  {told['from']} to {told['to']}: {told['uncertain']} uncertain"
        f"{differs}{unread}{settled}  ({one.by})"
    )
