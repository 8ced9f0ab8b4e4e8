"""The region's data folder: what lies where, whose it is, and its marker.

```
DATA/region.toml      the region as it runs
DATA/region.json      the marker: this folder was made by Altid, for this region and these versions
DATA/secrets.json     passwords of the database's roles, 0600
DATA/events.jsonl     what happened: one JSON object a line
DATA/A, DATA/B, DATA/W   one folder a place: etcd/, postgres/, patroni/, log/, lock, parts.json
```

Nothing here deletes a folder that Altid did not make.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from altid.record.postgres.account import Account, reaches
from altid.record.postgres.folder import write_owned
from altid.record.postgres.programs import MAJOR
from altid.region.error import RegionError
from altid.region.regionfile import read_region, render_region
from altid.region.topology import Place, Region

_FORMAT = 1
_MARKER = "region.json"
_PASSWORD_BYTES = 24


@dataclass(frozen=True, slots=True)
class PlaceFolders:
    """The folders and files of one place."""

    root: Path

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def patroni(self) -> Path:
        return self.root / "patroni"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def live(self) -> Path:
        """The live lease (see `guardian.lease`)."""
        return self.root / "live"

    @property
    def parts(self) -> Path:
        """What the supervisor tells of its processes."""
        return self.root / "parts.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a region's data folder."""

    data: Path

    @property
    def region_file(self) -> Path:
        return self.data / "region.toml"

    @property
    def marker(self) -> Path:
        return self.data / _MARKER

    @property
    def secrets_file(self) -> Path:
        return self.data / "secrets.json"

    @property
    def events(self) -> Path:
        return self.data / "events.jsonl"

    @property
    def faults(self) -> Path:
        return self.data / "faults.json"

    def place(self, name: str) -> PlaceFolders:
        return PlaceFolders(self.data / name)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords of roles. Never logged; in the data folder as a file of the service user's alone."""

    superuser: str
    replication: str
    app: str
    monitor: str
    patroni: str


def load_region(layout: Layout) -> Region:
    """The region that the data folder was made for. Raises `RegionError` if there is none."""
    if not layout.marker.is_file():
        raise RegionError(f"{layout.data} holds no region: start one with `altid up --data {layout.data}`.")
    return read_region(layout.region_file)


def load_secrets(layout: Layout) -> Secrets:
    """The passwords. Raises `RegionError` when the file can't be read."""
    try:
        return Secrets(**json.loads(layout.secrets_file.read_text()))
    except (OSError, ValueError, TypeError):
        raise RegionError(
            f"{layout.secrets_file} cannot be read: the region's passwords are there."
        ) from None


def check_ours(layout: Layout, region: Region) -> None:
    """Raise `RegionError` if the folder holds something else than this very region, or an older version's."""
    if not layout.data.exists():
        return
    if not layout.marker.is_file():
        if (layout.data / "postgres").exists():
            raise RegionError(f"{layout.data} holds the record of `altid serve`: give another --data.")
        if any(layout.data.iterdir()):
            raise RegionError(
                f"{layout.data} is not empty and was not made by `altid up`: give another --data."
            )
        return
    try:
        marker = json.loads(layout.marker.read_text())
        found = (marker["format"], marker["postgres"], marker["region"])
    except (OSError, ValueError, KeyError, TypeError):
        raise RegionError(f"{layout.marker} is damaged: the folder is left as it is.") from None
    if found[:2] != (_FORMAT, MAJOR):
        raise RegionError(
            f"{layout.data} is of format {found[0]} and PostgreSQL {found[1]}, this Altid has {_FORMAT} and "
            f"{MAJOR}: use the Altid that made it."
        )
    if found[2] != region.name:
        raise RegionError(
            f"{layout.data} belongs to the region {found[2]}, not {region.name}: give another --data."
        )
    _check_unchanged(layout, region)


def _check_unchanged(layout: Layout, region: Region) -> None:
    """etcd's members know each other by address for good; the rest may change while nothing runs."""
    made = read_region(layout.region_file)
    if [_member(place) for place in made.places] != [_member(place) for place in region.places]:
        raise RegionError(
            f"{layout.data} was made with other places: names, hosts and etcd_peer ports must stay."
        )
    running = [place.name for place in made.places if holder(layout.place(place.name).lock) is not None]
    if running and made != region:
        raise RegionError(
            f"{', '.join(running)} of {layout.data} runs with another region file: `altid down` first."
        )


def _member(place: Place) -> tuple[str, str, int]:
    return place.name, place.host, place.etcd_peer


def make(layout: Layout, region: Region, account: Account) -> None:
    """Make the folders that are missing and write the region down; what is there stays as it is."""
    _make_folder(layout.data, account)
    if not reaches(account, layout.data):
        raise RegionError(
            f"The user {account.name} cannot reach {layout.data}: choose one that isn't in a private one."
        )
    write_owned(layout.region_file, render_region(region), account)
    if not layout.secrets_file.exists():
        write_owned(layout.secrets_file, json.dumps(asdict(_new_secrets())), account)
    for place in region.places:
        folders = layout.place(place.name)
        for folder in (folders.root, folders.etcd, folders.patroni, folders.log):
            _make_folder(folder, account)
    if not layout.marker.exists():
        marker = {"made_by": "altid", "format": _FORMAT, "postgres": MAJOR, "region": region.name}
        write_owned(layout.marker, json.dumps(marker), account)


def _new_secrets() -> Secrets:
    return Secrets(*(secrets.token_urlsafe(_PASSWORD_BYTES) for _ in range(5)))


def _make_folder(folder: Path, account: Account) -> None:
    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, account.uid, account.gid)
    except OSError as error:
        raise RegionError(f"The folder {folder} cannot be made: {error.strerror}.") from None


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a lock file for this process, with its number inside; gives false if another process does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield True
    finally:
        os.close(descriptor)


def holder(path: Path) -> int | None:
    """The process that holds the lock file, or None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        text = os.read(descriptor, 32).strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
