"""`altid export`: the record as NDJSON files, read over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import orjson

from altid.cli.app import Options
from altid.cli.credentials import Bearer, credentials_for, token_file_option
from altid.cli.exporting import ExportError, Reading, resource_types, write_type
from altid.cli.remote import Patience, client, server_address


@click.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the files; made if it is missing.",
)
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="Only this type; can be given several times."
)
@click.option(
    "--server", metavar="URL", help="FHIR base.  [default: the server that runs on the data folder]"
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
@click.pass_obj
def export(
    options: Options,
    out: Path,
    types: tuple[str, ...],
    server: str | None,
    patience: float,
    token_file: Path | None,
) -> None:
    """Write the current version of every resource to DIR/TYPE.ndjson.gz.

    One resource a line, decimals with the digits they were written with. Each file appears under its name
    only when it is complete and replaces an earlier one. Earlier versions and deletions are not exported.

    \b
    Examples:
      altid export --out backup/
      altid export --out patients/ --type Patient --type Observation
      ALTID_TOKEN=$(cat token) altid export --out copy/ --server https://ehr.example.org/fhir
    """
    base = server_address(server, options.data)
    auth = credentials_for(options.data, base, token_file, "export")
    try:
        out.mkdir(parents=True, exist_ok=True)
        counts = asyncio.run(_export(options, base, auth, out, types, Patience(patience)))
    except OSError as error:
        raise click.ClickException(f"{error.filename or out}: {error.strerror}") from None
    except ExportError as error:
        raise click.ClickException(str(error)) from None
    total = sum(counts.values())
    if options.json:
        click.echo(orjson.dumps({"resources": total, "types": counts, "folder": str(out)}))
    elif not options.quiet:
        click.echo(f"{total} resources of {len(counts)} types written to {out}.")


async def _export(
    options: Options, base: str, auth: Bearer | None, out: Path, types: tuple[str, ...], patience: Patience
) -> dict[str, int]:
    """How many resources were written of each type that has any."""
    counts: dict[str, int] = {}
    async with client(in_flight=1, auth=auth) as http:
        reading = Reading(http, base, patience)
        known = await resource_types(reading)
        unknown = [type_ for type_ in types if type_ not in known]
        if unknown:
            raise click.UsageError(f"The server has no resource type {unknown[0][:64]!r}.")
        with _progress(options) as advance:
            for type_ in types or known:
                if count := await write_type(reading, type_, out, advance):
                    counts[type_] = count
    return counts


@contextlib.contextmanager
def _progress(options: Options) -> Iterator[Callable[[str, int], None]]:
    """A counter on a terminal; silent elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} resources, now {task.fields[type]}"))
    hidden = options.quiet or options.json or not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=hidden, transient=True) as progress:
        task = progress.add_task("export", total=None, type="")
        yield lambda type_, count: progress.update(task, advance=count, type=type_)
