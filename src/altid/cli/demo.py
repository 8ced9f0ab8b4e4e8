"""`altid demo`: a server with synthetic Danish patients, ready to look at, checked before it is shown."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx

from altid.api.settings import FhirSettings
from altid.record.migrate import MigrationError
from altid.record.postgres import PostgresError
from altid.sample import write
from altid.server.supervisor import ServeError, ServeOptions, serving

_SEED = 2026
_ANSWER_S_MAX = 30.0


class DemoError(click.ClickException):
    """Something that the demo shows is not as it should be."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--patients", default=200, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option("--exit", "leave", is_flag=True, help="Do it all, check it, and end.")
@click.pass_context
def demo(
    context: click.Context, files: tuple[Path, ...], patients: int, host: str, port: int, leave: bool
) -> None:
    """Show a record with synthetic patients in the browser.

    Starts PostgreSQL and a server on a temporary folder (or the one of --data, which is kept), makes and
    loads synthetic Danish patients and the FILES named (bundles or NDJSON), checks that all of it can be
    read, and prints the addresses. Ctrl-C stops it; with --exit it stops by itself.

    \b
    Examples:
      altid demo
      altid demo --exit
      altid demo --patients 1000 more-bundles/
    """
    with _data_folder(context.obj.chosen_data) as data:
        try:
            # The files may be plain R4; our own patients are held to dk-core.
            fhir = FhirSettings(danish_profiles=not files)
            options = ServeOptions(data, host, 0 if leave else port, fhir=fhir)
            asyncio.run(_demo(options, patients, files, leave=leave))
        except (ServeError, PostgresError, MigrationError) as error:
            raise click.UsageError(str(error)) from None


@contextmanager
def _data_folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="altid-demo-") as folder:
        yield Path(folder) / "data"


async def _demo(options: ServeOptions, patients: int, files: tuple[Path, ...], *, leave: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    click.echo("Starting PostgreSQL and a server …")
    async with serving(options) as address:
        with tempfile.TemporaryDirectory(prefix="altid-sample-") as folder:
            click.echo(f"Making {patients} synthetic Danish patients …")
            await asyncio.to_thread(write, patients, _SEED, Path(folder))
            await _load(options.data, [Path(folder), *files])
        patient = await _check(address, patients)
        click.echo(f"\n  Patients   {address}/")
        click.echo(f"  One of them  {address}/patient/{patient}")
        click.echo(f"  FHIR R4    {address}/fhir  (try {address}/fhir/Patient?_count=2&_pretty=true)\n")
        if leave:
            click.echo("Everything is as it should be.")
            return
        click.echo("Ctrl-C stops it.")
        await stop.wait()


async def _load(data: Path, paths: list[Path]) -> None:
    """By the same command that anyone would use, so that the demo shows what they would see."""
    command = [sys.executable, "-m", "altid.cli", "--data", str(data), "load", *map(str, paths)]
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait() != 0:
        raise DemoError("not everything could be loaded; the lines above say what")


async def _check(address: str, patients: int) -> str:
    """Look at the record as its users will. Gives the id of a patient with a page worth seeing."""
    async with httpx.AsyncClient(base_url=address, timeout=_ANSWER_S_MAX) as http:
        counted = (await _get(http, "/fhir/Patient?_summary=count"))["total"]
        _expect(counted >= patients, f"{counted} patients can be found")
        admitted = await _get(http, "/fhir/Encounter?status=in-progress&_include=Encounter:subject&_count=1")
        found = next(
            entry["resource"] for entry in admitted["entry"] if entry["resource"]["resourceType"] == "Patient"
        )
        _expect("name" in found, "an admitted patient is found with the admission")
        results = await _get(http, f"/fhir/Observation?patient={found['id']}&_sort=-date&_count=50")
        _expect(
            bool(results.get("entry")), f"{len(results.get('entry', ()))} of that patient's results are read"
        )
        _expect(await _keeps_digits(http), "a decimal comes back with the digits it was written with")
        page = await http.get(f"/patient/{found['id']}")
        shown = page.text.casefold()
        is_theirs = page.status_code == 200 and found["name"][0]["family"].casefold() in shown
        _expect(is_theirs, "the patient's page opens and shows the name")
        return str(found["id"])


async def _get(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    response = await http.get(path)
    _expect(response.status_code == 200, f"GET {path.partition('?')[0]} is answered", quiet=True)
    content: dict[str, Any] = response.json()
    return content


async def _keeps_digits(http: httpx.AsyncClient) -> bool:
    body = (
        b'{"resourceType":"Basic","id":"demo","code":{"text":"x"},'
        b'"extension":[{"url":"https://altid.dk/x","valueDecimal":1.00}]}'
    )
    await http.put("/fhir/Basic/demo", content=body, headers={"content-type": "application/fhir+json"})
    return b'"valueDecimal":1.00' in (await http.get("/fhir/Basic/demo")).content


def _expect(holds: bool, what: str, *, quiet: bool = False) -> None:
    if not holds:
        raise DemoError(f"the demo's check failed: {what} — it is not so")
    if not quiet:
        click.echo(f"  ✓ {what}")
