"""What a region is: two sites, a witness, their addresses, and the limits they work within."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Site:
    """A data centre: a database, its etcd member, its guardian and its servers."""

    name: str
    host: str
    servers: int
    etcd_client: int
    etcd_peer: int
    guardian: int
    patroni: int
    postgres: int
    server: int
    """Port of the first server; the others follow it."""

    gateway: int = 8443
    """Where clients reach the site (HTTPS): its Envoy."""

    postgres_tls: int = 15433
    """Where other hosts reach the site's PostgreSQL: behind mutual TLS."""

    lookup: int = 8453
    """Where clients reach the site's lookup record (HTTPS), whatever else of the region runs."""

    @property
    def database_host(self) -> str:
        """The address at which every place finds the site's PostgreSQL: always one of loopback, so that no
        byte of it is on a line as it is. A loopback host is its own; 10.89.1.2 is 127.89.1.2 (`tunnel`)."""
        return "127." + self.host.split(".", 1)[1]

    @property
    def server_ports(self) -> tuple[int, ...]:
        return tuple(range(self.server, self.server + self.servers))

    @property
    def ports(self) -> dict[str, int]:
        """Every port that this site listens at, by the part that does."""
        own = {name: getattr(self, name) for name in ("etcd_client", "etcd_peer", "guardian")}
        own |= {"patroni": self.patroni, "postgres": self.postgres}
        own |= {"gateway": self.gateway, "postgres_tls": self.postgres_tls, "lookup": self.lookup}
        return own | {f"server-{number}": port for number, port in enumerate(self.server_ports, 1)}


@dataclass(frozen=True, slots=True)
class Witness:
    """The third place: an etcd member that breaks ties, and a guardian that only tells what it sees."""

    name: str
    host: str
    etcd_client: int
    etcd_peer: int
    guardian: int
    status: int = 8090
    """The page with the live picture of the region: outside both sites, so that it outlives either."""

    @property
    def ports(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("etcd_client", "etcd_peer", "guardian", "status")}


Place: TypeAlias = Site | Witness


@dataclass(frozen=True, slots=True)
class RegionLimits:
    """What may differ between regions, each with its unit in its name."""

    unseen_s: float = 1.0
    """A site that neither the other site nor the witness has seen for so long is lost. 1.5 s is calmer, and
    costs half a second at a real loss."""

    unanswered_s: float = 4.0
    """A site that takes connections, and whose PostgreSQL answers neither the other site nor the witness for
    so long, is lost too: frozen. Longer than a restart of PostgreSQL takes (2 to 3 s)."""

    buffers_mb: int = 256
    """Shared buffers of each PostgreSQL: on one machine both sites share its memory."""

    disk_free_mb_min: int = 1024
    """Less free space than this at the data folder, and nothing is started."""

    log_mb_max: int = 16
    """A log that has grown past this is rotated; one older file is kept."""

    start_s_max: float = 90.0
    """`altid up` waits so long for the region to be whole."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that the whole region asks for at once, which each site must carry alone."""

    reads_per_s: float = 300.0
    writes_per_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Backup:
    """Where backups go and for how long they are kept. The folder belongs to a third place."""

    folder: str = ""
    """Empty: `backup` in the witness' folder."""

    full_every_h: float = 168.0
    incremental_every_h: float = 24.0
    keep_days: float = 35.0


@dataclass(frozen=True, slots=True)
class Region:
    """A whole region, checked by `regionfile`."""

    name: str
    sites: tuple[Site, Site]
    witness: Witness
    limits: RegionLimits
    operators: tuple[str, ...] = ()
    """Addresses besides the places' own where `altid` is run, for the firewalls between the hosts."""

    peak: Peak = Peak()
    backup: Backup = Backup()
    public_url: str = ""
    """How browsers and systems reach the region, whichever site answers: a name that leads to both gateways.
    Passkeys are bound to it. Empty: the first site's gateway."""
    lookup_url: str = ""
    """The lookup record that wards open when neither site answers; pages lead there. Empty: none is known."""

    @property
    def places(self) -> tuple[Place, ...]:
        return (*self.sites, self.witness)

    def place(self, name: str) -> Place:
        """The place of that name. Raises `KeyError`."""
        return {place.name: place for place in self.places}[name]

    def site(self, name: str) -> Site:
        """The site of that name. Raises `KeyError`."""
        return {site.name: site for site in self.sites}[name]

    def other(self, site: Site) -> Site:
        """The site that is not this one."""
        first, second = self.sites
        return second if site.name == first.name else first
