"""Writes a host's folder: complete, readable by its owner alone, and never over somebody else's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from altid.record.postgres import account as accounts
from altid.record.postgres.folder import write_owned
from altid.region.error import RegionError
from altid.region.render.host import Host

_LIST = "rendered.json"


def write(out: Path, host: Host, files: Mapping[PurePosixPath, str]) -> None:
    """Write the files, and remove those that an earlier rendering of the same host wrote and this one didn't.

    Raises `RegionError` if the folder is another host's or not one of ours.
    """
    before = check(out, host)
    account = accounts.current()
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        out.chmod(0o700)
        for path, text in files.items():
            _make_parents(out, path)
            write_owned(out / path, text, account)
        for name in before - {str(path) for path in files}:
            (out / name).unlink(missing_ok=True)
        write_owned(out / _LIST, _list(host, files), account)
    except OSError as error:
        raise RegionError(f"{error.filename or out} cannot be written: {error.strerror}.") from None


def check(out: Path, host: Host) -> set[str]:
    """The files of an earlier rendering. Raises `RegionError` if the folder is somebody else's."""
    if not out.exists() or not any(out.iterdir()):
        return set()
    try:
        told = json.loads((out / _LIST).read_text())
        whose, names = (told["region"], told["place"]), set(map(str, told["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise RegionError(
            f"{out} is not empty and was not made by `altid render`: give another --out."
        ) from None
    if whose != (host.region.name, host.place.name):
        raise RegionError(f"{out} is for {whose[1]} of the region {whose[0]}: give another --out.")
    return {name for name in names if ".." not in PurePosixPath(name).parts and not name.startswith("/")}


def _make_parents(out: Path, path: PurePosixPath) -> None:
    for folder in reversed(path.parents):
        (out / folder).mkdir(mode=0o700, exist_ok=True)


def _list(host: Host, files: Mapping[PurePosixPath, str]) -> str:
    told = {
        "made_by": "altid render",
        "region": host.region.name,
        "place": host.place.name,
        "files": sorted(str(path) for path in files),
    }
    return json.dumps(told, indent=1) + "\n"
