"""What a drill was run with: versions and machine, for whoever reads the evidence later."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from altid import __version__
from altid.record.postgres import account as accounts
from altid.record.postgres import programs as postgres_programs
from altid.region import programs
from altid.region.layout import Layout
from altid.region.topology import Region


def versions(where: Layout, region: Region) -> dict[str, str]:
    """Names and versions, each as its maker writes it; the load is the last minute's average."""
    account = accounts.choose(where.place(region.sites[0].name).postgres)
    return {
        "Altid": __version__,
        "PostgreSQL": postgres_programs.find(account).version,
        "Patroni": _package("patroni"),
        "etcd": ".".join(map(str, programs.find(account).etcd_version)),
        "Python": platform.python_version(),
        "kernel": platform.release(),
        "processors": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
