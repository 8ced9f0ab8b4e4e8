"""`region.toml`: read, checked, and explained by line.

The file names two sites, the witness and, if need be, limits:

    [region]
    name = "nord"
    public_url = "https://epj.nord.example"

    [sites.A]
    host = "127.0.1.1"
    servers = 2
    etcd_client = 2379
    ...

tomllib tells no lines for values, so the line of a key is looked up in the text (`_Lines`).
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from altid.access.public_url import checked_public_url
from altid.region.error import RegionError
from altid.region.topology import Backup, Peak, Place, Region, RegionLimits, Site, Witness

_FILE_BYTES_MAX = 64 * 1024
"""A region file has some forty lines."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
_SERVERS_MAX, _OPERATORS_MAX = 32, 64
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_LIMIT_RANGES: dict[str, tuple[float, float]] = {
    "unseen_s": (0.5, 30.0),
    "unanswered_s": (2.0, 300.0),
    "buffers_mb": (32, 65_536),
    "disk_free_mb_min": (64, 1_048_576),
    "log_mb_max": (1, 1_024),
    "start_s_max": (10.0, 3_600.0),
}
_PEAK_RANGES = {"reads_per_s": (0.0, 1e6), "writes_per_s": (0.0, 1e6)}
_BACKUP_RANGES = {
    "full_every_h": (0.01, 8_760.0),
    "incremental_every_h": (0.01, 8_760.0),
    "keep_days": (0.01, 36_500.0),
}


def read_region(path: Path) -> Region:
    """The region of the file. Raises `RegionError` with the file, the line and what is wrong there."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RegionError(f"The region file {path} cannot be read: {error.strerror}.") from None
    if len(raw) > _FILE_BYTES_MAX:
        raise RegionError(f"{path} is larger than {_FILE_BYTES_MAX // 1024} KiB: it is no region file.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise RegionError(f"{path} is not UTF-8 text.") from None
    return parse_region(text, path.name)


def parse_region(text: str, name: str = "region.toml") -> Region:
    """The region of the text, which is called `name` in errors. Raises `RegionError`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RegionError(f"{name}: {error}.") from None
    return _Reader(text, name).region(tables)


def render_region(region: Region) -> str:
    """The text of the region: what `parse_region` reads."""
    head = {"name": region.name, "operators": list(region.operators), "public_url": region.public_url}
    head["lookup_url"] = region.lookup_url
    blocks = [_block("region", head)]
    blocks += [_block(f"sites.{site.name}", _members(site)) for site in region.sites]
    blocks.append(_block("witness", {"name": region.witness.name, **_members(region.witness)}))
    limits = {field.name: getattr(region.limits, field.name) for field in fields(RegionLimits)}
    blocks.append(_block("limits", limits))
    blocks += [_block("peak", asdict(region.peak)), _block("backup", asdict(region.backup))]
    return "\n".join(blocks)


def _members(place: Place) -> dict[str, Any]:
    return {field.name: getattr(place, field.name) for field in fields(place) if field.name != "name"}


def _block(header: str, values: Mapping[str, Any]) -> str:
    lines = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
        for key, value in values.items()
    ]
    return "\n".join([f"[{header}]", *lines, ""])


class _Reader:
    """One reading: the text for its lines, and the checks."""

    def __init__(self, text: str, name: str) -> None:
        self._lines = _key_lines(text)
        self._name = name

    def region(self, tables: dict[str, Any]) -> Region:
        self._only(tables, (), {"region", "sites", "witness", "limits", "peak", "backup"})
        head = self._table(tables, ("region",))
        self._only(head, ("region",), {"name", "operators", "public_url", "lookup_url"})
        region = Region(
            self._word(head, ("region", "name")),
            self._sites(self._table(tables, ("sites",))),
            self._witness(self._table(tables, ("witness",))),
            self._limits(tables.get("limits", {})),
            self._operators(head),
            self._peak(tables.get("peak", {})),
            self._backup(tables.get("backup", {})),
            self._url(head, "public_url"),
            self._url(head, "lookup_url"),
        )
        self._distinct_names(region)
        self._distinct_ports(region)
        self._reachable_databases(region)
        return region

    def _sites(self, sites: dict[str, Any]) -> tuple[Site, Site]:
        if len(sites) != 2:
            last = next(reversed(sites), None)
            where = ("sites", last) if last else ("sites",)
            raise self._error(where, f"a region has two sites, this one has {len(sites)}")
        first, second = (self._site(sites, name) for name in sites)
        return first, second

    def _site(self, sites: dict[str, Any], name: str) -> Site:
        path = ("sites", name)
        table = self._table(sites, path)
        ports = [field.name for field in fields(Site) if field.name not in ("name", "host", "servers")]
        self._only(table, path, {"host", "servers", *ports})
        if not _NAME.fullmatch(name):
            raise self._error(path, "a site's name is a letter, then letters, digits or '-', at most 32")
        return Site(
            name=name,
            host=self._host(table, path),
            servers=self._whole(table, (*path, "servers"), 1, _SERVERS_MAX),
            **{port: self._port(table, (*path, port)) for port in ports if self._given(table, port, Site)},
        )

    def _witness(self, table: dict[str, Any]) -> Witness:
        ports = ("etcd_client", "etcd_peer", "guardian", "status")
        self._only(table, ("witness",), {"name", "host", *ports})
        return Witness(
            name=self._word(table, ("witness", "name")),
            host=self._host(table, ("witness",)),
            **{
                port: self._port(table, ("witness", port))
                for port in ports
                if self._given(table, port, Witness)
            },
        )

    @staticmethod
    def _given(table: dict[str, Any], port: str, place: type[Place]) -> bool:
        """Whether to read the port: one that is missing and has a usual value keeps that."""
        usual = {field.name for field in fields(place) if field.default is not MISSING}
        return port in table or port not in usual

    def _operators(self, table: dict[str, Any]) -> tuple[str, ...]:
        value = table.get("operators", [])
        path = ("region", "operators")
        if not isinstance(value, list) or len(value) > _OPERATORS_MAX:
            raise self._error(path, f"operators must be a list of at most {_OPERATORS_MAX} IPv4 addresses")
        return tuple(self._address(one, path) for one in value)

    def _url(self, head: dict[str, Any], key: str) -> str:
        value = head.get(key, "")
        if value == "":
            return ""
        try:
            return checked_public_url(value if isinstance(value, str) else "")
        except ValueError as error:
            raise self._error(("region", key), f"{key}: {error}") from None

    def _limits(self, table: Any) -> RegionLimits:
        return RegionLimits(**self._figures(table, "limits", RegionLimits(), _LIMIT_RANGES))

    def _peak(self, table: Any) -> Peak:
        return Peak(**self._figures(table, "peak", Peak(), _PEAK_RANGES))

    def _backup(self, table: Any) -> Backup:
        figures = {key: table[key] for key in table if key != "folder"} if isinstance(table, dict) else table
        read = self._figures(figures, "backup", Backup(), _BACKUP_RANGES, known=frozenset({"folder"}))
        folder = table.get("folder", "")
        if not isinstance(folder, str) or (folder and not Path(folder).is_absolute()):
            raise self._error(("backup", "folder"), "folder must be an absolute path in quotes")
        return Backup(folder=folder, **read)

    def _figures(
        self,
        table: Any,
        name: str,
        usual: object,
        ranges: Mapping[str, tuple[float, float]],
        known: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        """The figures of a table, each within its range; `usual` tells which are whole numbers."""
        if not isinstance(table, dict):
            raise self._error((name,), f"this must be a table: [{name}]")
        self._only(table, (name,), set(ranges) | known)
        return {key: self._figure(table, (name, key), usual, ranges[key]) for key in table}

    def _figure(
        self, table: dict[str, Any], path: tuple[str, str], usual: object, bounds: tuple[float, float]
    ) -> Any:
        key, (low, high) = path[-1], bounds
        kind = int if isinstance(getattr(usual, key), int) else float
        value = table[key]
        if isinstance(value, bool) or not isinstance(value, (int, kind)) or not low <= value <= high:
            noun = "a whole number" if kind is int else "a number"
            raise self._error(path, f"{key} must be {noun} from {low:g} to {high:g}")
        return kind(value)

    def _distinct_names(self, region: Region) -> None:
        names = [site.name for site in region.sites]
        if region.witness.name in names:
            raise self._error(("witness", "name"), f"{region.witness.name} is a site's name already")

    def _distinct_ports(self, region: Region) -> None:
        taken: dict[tuple[str, int], str] = {}
        for place in region.places:
            table = ("witness",) if isinstance(place, Witness) else ("sites", place.name)
            for part, port in place.ports.items():
                key = "server" if part.startswith("server-") else part
                label = f"{place.name}'s {part}"
                if port > 65_535:
                    raise self._error((*table, key), f"{label} would get port {port}, and 65535 is the last")
                if first := taken.get((place.host, port)):
                    raise self._error(
                        (*table, key), f"port {port} at {place.host} is there twice: {first} and {label}"
                    )
                taken[place.host, port] = label

    def _reachable_databases(self, region: Region) -> None:
        """Either all on one machine or none: and then each database needs a loopback address of its own."""
        local = [place.host.startswith("127.") for place in region.places]
        if len(set(local)) > 1:
            path = ("witness", "host") if local[0] == local[1] else ("sites", region.sites[1].name, "host")
            raise self._error(path, "either all hosts are loopback addresses (127.x.y.z), or none is")
        first, second = region.sites
        if (first.database_host, first.postgres) == (second.database_host, second.postgres):
            raise self._error(
                ("sites", second.name, "host"),
                f"{first.host} and {second.host} must differ after the first dot, or in their postgres "
                f"ports: on every host {first.database_host} leads to the database",
            )

    def _table(self, tables: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        value = tables.get(path[-1])
        if not isinstance(value, dict):
            raise self._error(path, f"the table [{'.'.join(path)}] is missing")
        return value

    def _only(self, table: dict[str, Any], path: tuple[str, ...], known: set[str]) -> None:
        for key in table:
            if key not in known:
                expected = ", ".join(sorted(known))
                raise self._error((*path, key), f"{key[:64]} means nothing here; known are {expected}")

    def _word(self, table: dict[str, Any], path: tuple[str, ...]) -> str:
        value = self._value(table, path)
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self._error(path, f"{path[-1]} must be a letter, then letters, digits or '-', at most 32")
        return value

    def _host(self, table: dict[str, Any], path: tuple[str, ...]) -> str:
        return self._address(self._value(table, (*path, "host")), (*path, "host"))

    def _address(self, value: Any, path: tuple[str, ...]) -> str:
        try:
            return str(ipaddress.IPv4Address(value if isinstance(value, str) else ""))
        except ValueError:
            raise self._error(path, f"{path[-1]} must be an IPv4 address in quotes") from None

    def _port(self, table: dict[str, Any], path: tuple[str, ...]) -> int:
        return self._whole(table, path, 1, 65_535)

    def _whole(self, table: dict[str, Any], path: tuple[str, ...], low: int, high: int) -> int:
        value = self._value(table, path)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._error(path, f"{path[-1]} must be a whole number from {low} to {high}")
        return value

    def _value(self, table: dict[str, Any], path: tuple[str, ...]) -> Any:
        if path[-1] not in table:
            raise self._error(path[:-1], f"{path[-1]} is missing in [{'.'.join(path[:-1])}]")
        return table[path[-1]]

    def _error(self, path: tuple[str, ...], text: str) -> RegionError:
        """The error at the line of the key, or of the nearest table around it that is in the file."""
        while path and path not in self._lines:
            path = path[:-1]
        line = self._lines.get(path, 1)
        return RegionError(f"{self._name}, line {line}: {text}.")


def _key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of each table and key, by its path. Exact for plain files; good enough for artful ones."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            for depth in range(1, len(table) + 1):
                lines.setdefault(table[:depth], number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines
