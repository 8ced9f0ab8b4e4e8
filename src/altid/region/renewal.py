"""Certificates are renewed while everything runs: by the supervisor of the place that they belong to.

Who shows a certificate takes a new one over by itself: etcd reads its files for every connection, Envoy
watches the folder, the guardian looks every half minute; Patroni is told. Connections that stand go on with
the old one. The witness' supervisor also renews those of the operator and of monitoring. Where the
authority's key is not, a certificate that is due is only told of: it comes from `altid render`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from altid.region import certificates
from altid.region.certificates import Expiry, Holder
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.topology import Place, Region, Witness

LOOK_EVERY_S = 3600.0
"""A certificate is due for months before it ends."""


class Standing(Enum):
    """How it is with a certificate."""

    GOOD = "good"
    DUE = "due"
    EXPIRED = "expired"


class Renewal:
    """Keeps one place's certificates fresh; `look` does it once, and tells of what is new."""

    def __init__(
        self,
        where: Layout,
        region: Region,
        place: Place,
        write: Callable[[Path, str], None],
        event: Callable[..., None],
    ) -> None:
        self._where, self._region, self._place = where, region, place
        self._write, self._event = write, event
        self._told: dict[str, Standing] = {}

    def look(self, now: datetime | None = None) -> bool:
        """Renew what is due; whether the place's own certificate is a new one."""
        moment = now or datetime.now(UTC)
        renewed = [holder.name for holder in self._holders() if self._renewed(holder, moment)]
        for expiry in certificates.expiries(self._where, self._region, moment):
            self._tell(expiry, moment)
        return self._place.name in renewed

    def _holders(self) -> Iterator[Holder]:
        yield from certificates.of_place(self._where, self._place)
        if isinstance(self._place, Witness) and self._where.pki.exists():
            yield from certificates.people(self._where)

    def _named(self, place: Place) -> set[str]:
        return {holder.name for holder in certificates.of_place(self._where, place)}

    def _renewed(self, holder: Holder, now: datetime) -> bool:
        try:
            done = certificates.renew(self._where, holder, self._write, now)
        except (OSError, RegionError) as error:
            self._event("certificate not renewed", holder=holder.name, reason=str(error))
            return False
        if done:
            self._event("certificate renewed", holder=holder.name)
        return done

    def _tell(self, expiry: Expiry, now: datetime) -> None:
        """An event when it goes worse with a certificate of this place, or with one that belongs to none."""
        own, every = self._named(self._place), set[str]().union(*map(self._named, self._region.places))
        if expiry.name in every - own:
            return
        if expiry.name not in every and not isinstance(self._place, Witness):
            return
        found = standing(expiry, now)
        if found is not self._told.get(expiry.name, Standing.GOOD):
            ends = expiry.at.isoformat(timespec="minutes") if expiry.at else None
            self._event(f"certificate {found.value}", holder=expiry.name, ends=ends)
        self._told[expiry.name] = found


class IdentityFile:
    """Tells when a place has got another certificate, also one that was installed from elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._file = certificates.identity(folder)
        self._seen = self._stamp()

    def has_changed(self) -> bool:
        """Whether the file is another than when this was last asked."""
        before, self._seen = self._seen, self._stamp()
        return self._seen != before

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns


def standing(expiry: Expiry, now: datetime) -> Standing:
    """How it is with the certificate; one that cannot be read is as good as none."""
    if expiry.at is None or expiry.at <= now:
        return Standing.EXPIRED
    return Standing.DUE if expiry.is_due else Standing.GOOD


def next_end(where: Layout, region: Region, now: datetime | None = None) -> dict[str, Any] | None:
    """The certificate that ends next, for a picture: whose, when, how it is with it. None: there is none."""
    moment = now or datetime.now(UTC)
    found = certificates.expiries(where, region, moment)
    if not found:
        return None
    first = found[0]
    ends = first.at.isoformat(timespec="seconds") if first.at else None
    return {"holder": first.name, "ends": ends, "standing": standing(first, moment).value}
