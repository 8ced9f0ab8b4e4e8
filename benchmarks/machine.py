"""The machine that a measurement was made on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from altid import __version__
from altid.record.postgres import programs
from altid.record.postgres.account import current

_PACKAGES = ("asyncpg", "uvicorn", "uvloop", "httptools", "starlette", "orjson")


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts that a figure means nothing without."""

    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    postgresql: str
    packages: dict[str, str]


def describe() -> Machine:
    return Machine(
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgresql=programs.find(current()).version,
        packages={"altid": __version__} | {name: importlib.metadata.version(name) for name in _PACKAGES},
    )


def slug(machine: Machine) -> str:
    """The processor's name as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", machine.cpu.lower().replace("(r)", "").replace("(tm)", "")).strip("-")


def _cpu_model() -> str:
    match = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1].strip() if match else platform.machine()
