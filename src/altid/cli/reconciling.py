"""`altid orders reconcile`: which orders of a time are certain, and what to do about the others."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from altid.cli.app import Options
from altid.cli.moments import moment_of
from altid.cli.operating import database_url_option, dsn_of, operator_at
from altid.cli.region import layout_of, run
from altid.orders.desk import FOLDER as INTENTS
from altid.orders.gathering import Site, TooManyError
from altid.orders.proofs.keeping import FOLDER, catch_up
from altid.orders.proofs.making import compare, prove
from altid.orders.proofs.sealing import Proof
from altid.orders.proofs.telling import whole
from altid.orders.sheet import as_csv
from altid.orders.todo import NAMES, TODO
from altid.orders.verdict import Reconciliation, Uncertain
from altid.orders.whereabouts import patient_names
from altid.record.database import Connection
from altid.record.stored import instant
from altid.region.layout import Layout, owner
from altid.region.records import reading, records_of
from altid.screen.words import LANGUAGES, Language

_HOURS = 24
_UNDER_WAY = timedelta(seconds=20)
"""An order that is being written has no outcome yet, and is no case."""

_REASON_CHARACTERS = (3, 500)

_file = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--from", "since", metavar="TIME", help=f"From then on.  [default: {_HOURS} hours before --to]")
@click.option("--to", "until", metavar="TIME", help="Before then.  [default: 20 seconds ago]")
@click.option("--csv", "sheet", type=_file, metavar="FILE", help="The uncertain orders for a spreadsheet.")
@click.option("--pdf", "paper", type=_file, metavar="FILE", help="The same to print and work through.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="da", show_default=True, help="Of --csv and --pdf."
)
@click.option("--patients", is_flag=True, help="Tell patients and signers too: it is in their access log.")
@click.option("--settled", default="", metavar="TEXT", help="All of it was seen to, and why: ends its alarm.")
@database_url_option
@click.pass_obj
def reconcile(
    options: Options,
    since: str | None,
    until: str | None,
    sheet: Path | None,
    paper: Path | None,
    language: Language,
    patients: bool,
    settled: str,
    database_url: str | None,
) -> int:
    """Compare what servers noted, what each site holds, and what browsers still wait for.

    The exit code is 0 only when every order of the time is certain: registered at each site, or refused to
    whoever signed it. Test orders are left out. What was found is kept as evidence (`altid orders evidence`).
    Times are 2026-11-28 or 2026-11-28T07:00+01:00.

    \b
    Examples:
      altid orders reconcile
      altid orders reconcile --from 2026-11-28T07:00+01:00 --to 2026-11-28T09:00+01:00 --json
      altid orders reconcile --pdf uncertain.pdf --csv uncertain.csv --patients
    """
    now = datetime.now(UTC)
    high = moment_of(until, "--to") or now - _UNDER_WAY
    low = moment_of(since, "--from") or high - timedelta(hours=_HOURS)
    if low >= high:
        raise click.UsageError("--from must be before --to.")
    if settled and not _REASON_CHARACTERS[0] <= len(settled) <= _REASON_CHARACTERS[1]:
        raise click.UsageError("--settled needs 3 to 500 characters: why it was all seen to.")
    where = layout_of(options)
    found, names, proof = run(_reconciled(where, low, high, patients, settled, database_url))
    if sheet is not None:
        _write(sheet, as_csv(found, names, language).encode("utf-8-sig"))
    if paper is not None:
        from altid.orders.paper import as_pdf  # Typst is big, and only paper needs it

        _write(paper, as_pdf(found, names, now, language))
    if options.json:
        told = whole(found, names) | {"proof": {"number": proof.number, "sha256": proof.sha256}}
        click.echo(json.dumps(told, ensure_ascii=False))
    elif not options.quiet:
        _tell(found, names)
        click.echo(f"evidence {proof.number}: sha256 {proof.sha256}")
    return 0 if found.is_certain else 1


async def _reconciled(
    where: Layout, since: datetime, until: datetime, patients: bool, settled: str, database_url: str | None
) -> tuple[Reconciliation, dict[str, str] | None, Proof]:
    """With names of patients by their ids, if they were asked for. Proven, and in the audit, before it is
    shown."""
    async with (
        operator_at(where, database_url) as operator,
        _sites(where, database_url) as sites,
    ):
        try:
            found = await compare(operator, sites, since, until)
        except TooManyError:
            raise click.UsageError("Too many orders to compare at once: give a shorter time.") from None
        whom = {one.patient for one in found.listed if one.patient} if patients else set()
        by = f"{operator.user} at {operator.host}"
        proof = await prove(operator, found, by, where.data / FOLDER, patients=whom, settled=settled)
        await _keep(where, operator.connection)
        return found, await patient_names(operator.connection, whom) if patients else None, proof


async def _keep(where: Layout, connection: Connection) -> None:
    """The record has the proof by now; its file may follow with the next."""
    try:
        await catch_up(connection, where.data / FOLDER, owner(where))
    except OSError as error:
        click.echo(f"The evidence is in the record, not in {where.data / FOLDER}: {error.strerror}", err=True)


@asynccontextmanager
async def _sites(where: Layout, database_url: str | None) -> AsyncIterator[list[Site]]:
    """Each site's journals, and a session at its own PostgreSQL that can't write."""
    async with AsyncExitStack() as stack:
        if not where.marker.is_file():
            dsn = database_url or dsn_of(where.data)
            connection = await stack.enter_async_context(reading(dsn))
            yield [Site("A", where.data / INTENTS, connection)]
            return
        yield await stack.enter_async_context(records_of(where))


def _tell(found: Reconciliation, names: dict[str, str] | None) -> None:
    for one in found.listed:
        click.echo(_line(one, names))
    for why in dict.fromkeys(one.why for one in found.listed):
        click.echo(f"{NAMES[why].en}: {TODO[why].en}")
    for affected in found.affected:
        where = ", ".join(filter(None, (affected.ward.hospital, affected.ward.ward))) or "unknown ward"
        click.echo(f"{_printable(where)}: {affected.patients} patients, {affected.orders} orders")
    for each in found.digests:
        click.echo(f"site {each.site}: {each.count} versions, sha256 {each.sha256}")
    if not found.sites_agree:
        click.echo("THE SITES DO NOT HOLD THE SAME")
    for what in found.unread:
        click.echo(f"NOT READ: {what}")
    counts = found.counts
    click.echo(
        f"{counts.uncertain} uncertain of {counts.intents} intents, {counts.registered} versions and "
        f"{counts.held} held by browsers, {instant(found.since)} to {instant(found.until)}"
    )


def _line(one: Uncertain, names: dict[str, str] | None) -> str:
    """One line, with whole keys: they are searched for."""
    told = [f"{NAMES[one.why].en}: {one.action} {one.order}", f"key {one.key}", f"{instant(one.at)}"]
    told += [one.ward.hospital, one.ward.ward, f"held by {' '.join(one.sites) or 'no site'}"]
    if names is not None:
        told.append(f"patient {names.get(one.patient, '')} ({one.patient})")
    return _printable(", ".join(filter(None, told)))


def _printable(text: str) -> str:
    """What a record holds must not steer the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _write(path: Path, content: bytes) -> None:
    """For its owner alone: it may name patients."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None
