"""`python -m tools.definitions [--check] [--cache DIR]`: write the tables, or compare what is there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from . import compartments, search_parameters, types, ucum, value_sets
from .fetch import Definitions, FetchError, UnreachableError, default_cache

TARGET = Path(__file__).resolve().parents[2] / "src" / "altid" / "fhir" / "definitions"

BUILDERS: dict[str, Callable[[Definitions], bytes]] = {
    "compartments.json": compartments.build,
    "search_parameters.json": search_parameters.build,
    "types.json": types.build,
    "ucum-essence.xml": ucum.build,
    "value_sets.json": value_sets.build,
}
"""File name -> what makes its bytes."""

EXIT_DIFFERS = 1
EXIT_NO_PACKAGE = 2
EXIT_UNREACHABLE = 3


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.definitions", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if a file differs")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for downloads")
    options = parser.parse_args(arguments)
    try:
        definitions = Definitions(options.cache)
        made = {name: build(definitions) for name, build in BUILDERS.items()}
    except UnreachableError as error:
        print(error, file=sys.stderr)
        return EXIT_UNREACHABLE
    except FetchError as error:
        print(error, file=sys.stderr)
        return EXIT_NO_PACKAGE
    return _compare(made) if options.check else _write(made)


def _write(made: dict[str, bytes]) -> int:
    for name, data in made.items():
        (TARGET / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")
    return 0


def _compare(made: dict[str, bytes]) -> int:
    differing = [name for name, data in made.items() if _read(TARGET / name) != data]
    for name in differing:
        print(f"{name} differs from what the definitions give; run: python -m tools.definitions")
    return EXIT_DIFFERS if differing else 0


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
