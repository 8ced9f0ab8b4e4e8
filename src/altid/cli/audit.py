"""`altid audit`: prove that the access log is whole, search it, give it to others."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import click
import orjson
from rich.console import Console
from rich.table import Table

from altid.access.audit import export, store
from altid.access.audit.event import Action
from altid.access.audit.store import HITS_MAX, Entry, Query
from altid.access.audit.verify import Report, verify
from altid.cli.app import Options
from altid.cli.auditing import opened, secret_of
from altid.cli.moments import moment_of
from altid.cli.operating import database_url_option
from altid.cli.region import layout_of, run

_ACCOUNT = "SELECT id::text FROM account WHERE username = lower($1)"
_SHOWN = 100


@click.command()
@click.argument("action", type=click.Choice(["verify", "search", "export"]))
@click.option("--patient", metavar="ID", help="search, export: about this patient.")
@click.option("--person", metavar="NAME", help="search, export: by this user name, or account id.")
@click.option("--overrides", is_flag=True, help="search, export: only broken glass (værdispring).")
@click.option("--since", metavar="TIME", help="From then on: 2026-11-22 or 2026-11-22T07:00+01:00.")
@click.option("--until", metavar="TIME", help="search, export: before then.")
@click.option(
    "--limit",
    type=click.IntRange(1, HITS_MAX),
    help=f"At most so many, the newest.  [default: search {_SHOWN}, export {HITS_MAX}]",
)
@click.option(
    "--as",
    "form",
    type=click.Choice(["fhir", "minlog"]),
    default="fhir",
    show_default=True,
    help="export: FHIR AuditEvent, or the citizens' access log.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="export: a file.  [default: the terminal]"
)
@database_url_option
@click.pass_obj
def audit(
    options: Options,
    action: str,
    patient: str | None,
    person: str | None,
    overrides: bool,
    since: str | None,
    until: str | None,
    limit: int | None,
    form: str,
    out: Path | None,
    database_url: str | None,
) -> int:
    """Who looked at whom: prove that nothing is missing or altered, search, export.

    `verify` computes the chain of every server's events again; the exit code is 0 only when all is as it
    was recorded, with `--since` from that time on. `export` writes one JSON object a line.

    \b
    Examples:
      altid audit verify
      altid audit search --patient 4711 --since 2026-11-01
      altid audit search --overrides
      altid audit export --patient 4711 --as minlog --out looks.ndjson
    """
    low, high = moment_of(since, "--since"), moment_of(until, "--until")
    if action == "verify":
        return run(_verify(options, low, database_url))
    query = Query(
        patient,
        None,
        Action.OVERRIDE if overrides else None,
        low,
        high,
        limit or (_SHOWN if action == "search" else HITS_MAX),
    )
    entries = run(_found(options, query, person, database_url))
    if action == "search":
        _show(options, entries)
    else:
        _export(options, entries, form, out)
    return 0


async def _verify(options: Options, since: datetime | None, database_url: str | None) -> int:
    secret = secret_of(layout_of(options))
    async with opened(layout_of(options), database_url) as place:
        report = await verify(place.connection, secret, place.folders, since)
    if options.json:
        click.echo(json.dumps({"sound": report.sound, **asdict(report)}, default=str))
    elif not options.quiet:
        _tell(report)
    return 0 if report.sound else 1


def _tell(report: Report) -> None:
    for found in report.findings:
        numbers = str(found.first) if found.first == found.last else f"{found.first} to {found.last}"
        click.echo(f"{found.kind}: {found.writer} {numbers}: {found.text}")
    span = f", {_show_time(report.oldest)} to {_show_time(report.newest)}" if report.oldest else ""
    verdict = "whole and unaltered" if report.sound else f"NOT SOUND: {len(report.findings)} findings"
    click.echo(f"{report.events} events of {report.writers} writers{span}: {verdict}")


async def _found(options: Options, query: Query, person: str | None, database_url: str | None) -> list[Entry]:
    async with opened(layout_of(options), database_url) as place:
        subject = None
        if person is not None:
            subject = await place.connection.fetchval(_ACCOUNT, person) or person
        wanted = Query(query.patient, subject, query.action, query.since, query.until, query.limit)
        try:
            return await store.search(place.connection, wanted)
        except asyncpg.QueryCanceledError:
            raise click.ClickException("The search took too long: give a shorter time.") from None


def _show(options: Options, entries: list[Entry]) -> None:
    if options.json:
        click.echo(orjson.dumps({"events": [_plain(entry) for entry in entries]}))
        return
    table = Table("Time (UTC)", "Who", "Role", "What", "Patients", "Why", "Outcome", "Site", box=None)
    for entry in entries:
        event = entry.event
        patients = ", ".join(event.patients[:3]) + (" ..." if len(event.patients) > 3 else "")
        what = " ".join(filter(None, (event.action, event.type, event.id, event.operation)))
        why = ", ".join(dict.fromkeys(event.grounds))
        who, role = event.who.name or event.who.subject, event.who.role
        table.add_row(_show_time(event.at), who, role, what, patients, why, event.outcome, entry.site)
    if not options.quiet:
        console = Console(highlight=False, markup=False)
        console.print(table)
        click.echo(f"{len(entries)} events")


def _plain(entry: Entry) -> dict[str, Any]:
    made = asdict(entry.event)
    return {"writer": entry.writer, "seq": entry.seq, "site": entry.site, "at": entry.event.at, **made}


def _export(options: Options, entries: list[Entry], form: str, out: Path | None) -> None:
    if form == "fhir":
        lines = [orjson.dumps(export.as_audit_event(entry)) for entry in entries]
    else:
        lines = [orjson.dumps(row._asdict()) for entry in entries for row in export.minlog(entry)]
    if out is None:
        for line in lines:
            click.echo(line)
        return
    try:
        out.write_bytes(b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise click.UsageError(f"{out}: {error.strerror}") from None
    if options.json:
        click.echo(json.dumps({"lines": len(lines), "file": str(out)}))
    elif not options.quiet:
        click.echo(f"{len(lines)} lines written to {out}.")


def _show_time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
