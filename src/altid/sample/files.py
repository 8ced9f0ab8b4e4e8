"""The region as files, or down a pipe: Bundles or NDJSON, plain or gzip, the same bytes every time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from gzip import GzipFile
from pathlib import Path
from typing import IO, Literal, cast

from altid.fhir.json import dumps
from altid.sample.coding import Resource
from altid.sample.moments import REFERENCE
from altid.sample.region import bundles

Form = Literal["bundles", "ndjson"]

_Progress = Callable[[int], None] | None

_GZIP_LEVEL = 6

_BUNDLES_BEFORE_PATIENTS = 3
"""Places, staff, drugs."""


def write(
    patients: int,
    seed: int,
    out: Path | None,
    form: Form = "bundles",
    gzip: bool = False,
    on_progress: Callable[[int], None] | None = None,
    reference: datetime = REFERENCE,
) -> int:
    """Write the region and return how many resources that were.

    `bundles` into a folder: `00000000.json` and so on, one transaction each, to be loaded in that order; to
    standard output (`out` is None): one Bundle a line. `ndjson`: one resource a line, in a folder as
    `region.ndjson`, each after those that it refers to. With `gzip` names end in `.gz`; no time is stored, so
    the bytes stay the same. `on_progress` is told the number of patients written, after each. Raises
    `ValueError` as `region.resources` does, and `OSError` when the folder can't be written.
    """
    stream = bundles(patients, seed, reference)
    if out is None:
        with _compressed(sys.stdout.buffer, gzip) as file:
            return _write_lines(file, stream, form, on_progress)
    out.mkdir(parents=True, exist_ok=True)
    if form == "ndjson":
        with _file(out / "region.ndjson", gzip) as file:
            return _write_lines(file, stream, form, on_progress)
    return _write_bundles(out, stream, gzip, on_progress)


def _write_bundles(out: Path, stream: Iterable[Resource], gzip: bool, on_progress: _Progress) -> int:
    count = 0
    for number, bundle in enumerate(stream):
        with _file(out / f"{number:08d}.json", gzip) as file:
            file.write(dumps(bundle))
        count += len(bundle["entry"])
        _tell(on_progress, number)
    return count


def _write_lines(file: IO[bytes], stream: Iterable[Resource], form: Form, on_progress: _Progress) -> int:
    count = 0
    for number, bundle in enumerate(stream):
        for line in _lines(bundle, form):
            file.write(dumps(line) + b"\n")
        count += len(bundle["entry"])
        _tell(on_progress, number)
    return count


def _lines(bundle: Resource, form: Form) -> list[Resource]:
    return [bundle] if form == "bundles" else [entry["resource"] for entry in bundle["entry"]]


def _tell(on_progress: _Progress, bundle_number: int) -> None:
    patients = bundle_number + 1 - _BUNDLES_BEFORE_PATIENTS
    if on_progress and patients > 0:
        on_progress(patients)


@contextmanager
def _file(path: Path, gzip: bool) -> Iterator[IO[bytes]]:
    name = path.with_name(f"{path.name}.gz") if gzip else path
    with name.open("wb") as file, _compressed(file, gzip) as stream:
        yield stream


@contextmanager
def _compressed(stream: IO[bytes], gzip: bool) -> Iterator[IO[bytes]]:
    if not gzip:
        yield stream
        stream.flush()
        return
    with GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=stream, mtime=0) as packed:
        yield cast(IO[bytes], packed)
    stream.flush()
