"""`altid load`: files into a server, over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import orjson

from altid.cli.app import Options
from altid.cli.credentials import Bearer, credentials_for, token_file_option
from altid.cli.loading import inputs
from altid.cli.loading.answers import Refusal
from altid.cli.loading.inputs import Input
from altid.cli.loading.journal import Journal
from altid.cli.loading.run import Load, Summary
from altid.cli.loading.run import load as load_all
from altid.cli.remote import Patience, Unreachable, client, server_address

IN_FLIGHT_MAX = 64
_EXIT_REFUSED = 1


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH..."
)
@click.option(
    "--server", metavar="URL", help="FHIR base.  [default: the server that runs on the data folder]"
)
@click.option(
    "--in-flight",
    default=4,
    show_default=True,
    type=click.IntRange(1, IN_FLIGHT_MAX),
    metavar="N",
    help="Requests at once.",
)
@click.option(
    "--patience",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0, 86_400),
    metavar="SECONDS",
    help="How long to try again while the server is away or busy.",
)
@token_file_option
@click.option("--again", is_flag=True, help="Load everything, also what this server has accepted before.")
@click.pass_obj
def load(
    options: Options,
    paths: tuple[Path, ...],
    server: str | None,
    in_flight: int,
    patience: float,
    token_file: Path | None,
    again: bool,
) -> int:
    """Load FHIR resources into a server.

    PATH is a file or a folder: Bundles (*.json), single resources (*.json) and NDJSON (*.ndjson), each also
    as .gz. A transaction is posted as it is, all or nothing; resources of other Bundles and NDJSON are stored
    one by one, under their own id where they have one.

    What is refused is reported with its file and line, and the load goes on; the exit code is then 1. A load
    that was interrupted goes on where it was when it is run again: the data folder remembers what the server
    accepted.

    \b
    Examples:
      altid load patients.ndjson.gz
      altid load synthea/ dk-core/Patient-Else.json
      altid load bundles/ --server https://ehr.example.org/fhir --token-file ~/token --in-flight 8
    """
    base = server_address(server, options.data)
    auth = credentials_for(options.data, base, token_file, "load")
    try:
        sources = inputs.find(paths)
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {error.strerror}") from None
    if not sources:
        raise click.UsageError(
            "There is nothing to load: no *.json or *.ndjson (or .gz) in the given folders."
        )
    summary = Summary()
    try:
        with _journal(options, base, again) as journal, _progress(options, sources) as advance:
            asyncio.run(_load(base, auth, journal, in_flight, patience, advance, sources, summary))
    except Unreachable as error:
        _report(options, summary, complete=False)
        raise Unreachable(f"{error.message}; run the same command again to go on") from None
    _report(options, summary, complete=True)
    return _EXIT_REFUSED if summary.refused else 0


async def _load(
    base: str,
    auth: Bearer | None,
    journal: Journal,
    in_flight: int,
    patience_seconds: float,
    advance: Callable[[int], None],
    sources: list[Input],
    summary: Summary,
) -> None:
    async with client(in_flight, auth) as http:
        plan = Load(http, base, journal, in_flight, advance, _say_refusal, Patience(patience_seconds))
        await load_all(plan, sources, summary)


@contextlib.contextmanager
def _journal(options: Options, base: str, again: bool) -> Iterator[Journal]:
    journal = Journal(options.data, base, forget=again)
    try:
        journal.open()
    except OSError as error:
        raise click.ClickException(
            f"the data folder {options.data} cannot be written ({error.strerror}): give another --data"
        ) from None
    with contextlib.closing(journal):
        yield journal


@contextlib.contextmanager
def _progress(options: Options, sources: list[Input]) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; silent elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("Loading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    hidden = options.quiet or options.json or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as progress:
        task = progress.add_task("load", total=sum(source.bytes for source in sources))
        yield lambda advanced: progress.advance(task, advanced)


def _say_refusal(refusal: Refusal) -> None:
    status = f" ({refusal.status})" if refusal.status else ""
    click.echo(f"{refusal.place}{status}: {refusal.reason}", err=True)


def _report(options: Options, summary: Summary, *, complete: bool) -> None:
    if options.json:
        refusals = [refusal._asdict() for refusal in summary.refusals]
        answer = {
            "complete": complete,
            "files": summary.files,
            "files_skipped": summary.files_skipped,
            "resources": summary.resources,
            "refused": summary.refused,
            "refusals": refusals,
        }
        click.echo(orjson.dumps(answer))
        return
    if options.quiet:
        return
    click.echo(f"Resources loaded: {summary.resources}, refused: {summary.refused}.")
    if summary.files_skipped:
        click.echo(f"Files loaded before and left out: {summary.files_skipped} (--again loads them again).")
