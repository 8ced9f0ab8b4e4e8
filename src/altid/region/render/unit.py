"""The systemd unit of a place: it keeps the supervisor running, which keeps the parts running."""

from __future__ import annotations

from pathlib import Path

from altid.region import processes
from altid.region.layout import Layout
from altid.region.topology import Place, Region, Witness

NAME = "altid-place.service"
"""A host carries one place, so the unit has the same name everywhere."""

_PRIVATE = ("/home", "/root", "/run/user")
_OPEN_FILES_MAX = 65_536
"""PostgreSQL, Envoy and the servers each hold some hundred connections and files."""

_WATCHDOG_S = 60
"""The supervisor says every ten seconds that it lives."""

_STOP_S_MAX = 120
"""A supervisor gives its parts half a minute each at most; PostgreSQL's checkpoint may need it."""


def text(region: Region, place: Place, data: Path, python: Path, user: str) -> str:
    """The unit's text."""
    folders = Layout(data).place(place.name)
    home = "no" if any(path.is_relative_to(one) for path in (data, python) for one in _PRIVATE) else "yes"
    writable = [str(data)]
    if isinstance(place, Witness) and region.backup.folder:
        writable.append(region.backup.folder)
    kind = "witness" if isinstance(place, Witness) else "site"
    return _TEXT.format(
        kind=kind,
        place=place.name,
        region=region.name,
        user=user,
        folder=_literal(folders.root),
        mark=_word(f"{processes.MARK}={folders.root}"),
        python=_word(python).replace("$", "$$"),
        data=_word(data).replace("$", "$$"),
        stop_s=_STOP_S_MAX,
        watchdog_s=_WATCHDOG_S,
        files=_OPEN_FILES_MAX,
        home=home,
        writable=" ".join(_word(path) for path in writable),
    )


def _literal(value: object) -> str:
    """Text that systemd takes as it is, but for `%` (systemd.unit(5), *Specifiers*)."""
    return str(value).replace("%", "%%")


def _word(value: object) -> str:
    """One word of a list or a command, quoted where it must be (systemd.syntax(7), *Quoting*)."""
    text = _literal(value)
    if not any(character in text for character in " \t\"'\\;"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_TEXT = """\
# Written by `altid render`: render again rather than change it.
[Unit]
Description=Altid, {kind} {place} of the region {region}
Wants=network-online.target time-sync.target
After=network-online.target time-sync.target
# A place that cannot start is tried for ever: nobody is there to do it by hand at night.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={user}
Group={user}
WorkingDirectory={folder}
# How the place's processes know each other, also after a supervisor was killed.
Environment={mark}
Environment=LC_ALL=C.UTF-8 TZ=UTC PATH=/usr/bin:/bin
ExecStart={python} -m altid.region.supervisor {data} {place}
Restart=always
RestartSec=1
WatchdogSec={watchdog_s}
# The supervisor stops its parts in their order, PostgreSQL with a checkpoint; what is left then is killed.
KillMode=mixed
TimeoutStopSec={stop_s}
TimeoutStartSec=120
# One process that the kernel kills for memory is started again by the supervisor, not the whole place.
OOMPolicy=continue
OOMScoreAdjust=-500
LimitNOFILE={files}
TasksMax=8192
UMask=0077

# What it may do: write its own folder and use the network.
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths={writable}
ProtectHome={home}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
"""
