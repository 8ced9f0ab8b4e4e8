"""The demo with one server on one embedded PostgreSQL."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from altid.access.programs import GivenToken, program_token
from altid.api.settings import FhirSettings
from altid.cli.demoing.filling import first_seen, keep_seen, load, make_patients
from altid.cli.demoing.looking import look
from altid.cli.demoing.narrator import Narrator
from altid.cli.demoing.stopping import run_stoppable, until_stopped
from altid.cli.demoing.users import make_users, print_users
from altid.cli.operating import operator_at
from altid.region.layout import Layout
from altid.server.supervisor import ServeOptions, serving


def show_single(
    chosen: Path | None,
    patients: int,
    files: tuple[Path, ...],
    address: tuple[str, int],
    narrator: Narrator,
    *,
    leave: bool,
) -> None:
    """Start, load, look, and wait for Ctrl-C. Raises `DemoError`, `ServeError` or `PostgresError`."""
    with _data_folder(chosen) as data:
        # The files may be plain R4; our own patients are held to dk-core.
        fhir = FhirSettings(danish_profiles=not files)
        host, port = address
        options = ServeOptions(data, host, 0 if leave else port, fhir=fhir)
        run_stoppable(_show(options, patients, files, narrator, leave=leave))


@contextmanager
def _data_folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="altid-demo-") as folder:
        Path(folder).chmod(0o755)  # started by root, PostgreSQL and the servers run as another user
        yield Path(folder) / "data"


async def _show(
    options: ServeOptions, patients: int, files: tuple[Path, ...], narrator: Narrator, *, leave: bool
) -> None:
    narrator.tell("Starting PostgreSQL and a server", "…")
    async with serving(options) as server:
        address = server.address
        with tempfile.TemporaryDirectory(prefix="altid-sample-") as folder:
            narrator.tell(f"Making and loading {patients} synthetic Danish patients", "…")
            seen = await asyncio.to_thread(first_seen, options.data)
            await make_patients(patients, Path(folder), seen)
            await load(options.data, None, [Path(folder), *files])
            await asyncio.to_thread(keep_seen, options.data, seen)
        where = Layout(await asyncio.to_thread(options.data.resolve))
        async with operator_at(where) as operator:
            people = await make_users(operator)
            program = await program_token(operator, "demo")
        patient = await look(address, patients, GivenToken(program.token), people.doctor_token, narrator)
        narrator.print(f"\n  Patients   {address}/")
        narrator.print(f"  One of them  {address}/patient/{patient}")
        narrator.print(
            f"  FHIR R4    {address}/fhir  (a token: altid token --user doctor --data {options.data})\n"
        )
        print_users(people, narrator)
        narrator.print()
        if leave:
            narrator.print("Everything is as it should be.")
            return
        narrator.print("Ctrl-C stops it.")
        await until_stopped()
