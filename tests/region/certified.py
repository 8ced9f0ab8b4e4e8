"""A region's folder with its certificates, as `altid up` leaves it before anything runs."""

from __future__ import annotations

from pathlib import Path

from altid.record.postgres import account as accounts
from altid.region import certificates, layout
from altid.region.builtin import builtin_region
from altid.region.layout import Layout
from altid.region.tls import Identity


class Certified:
    """A region on loopback addresses, its folder, and its certificates."""

    def __init__(self, data: Path) -> None:
        self.where, self.region = Layout(data), builtin_region(servers=1)
        layout.make(self.where, self.region, accounts.current())
        certificates.make(self.where, self.region, accounts.current())

    def folder(self, name: str) -> Path:
        """The folder with the identity of that holder."""
        holders = certificates.holders(self.where, self.region)
        return next(holder.folder for holder in holders if holder.name == name)

    def identity(self, name: str) -> Identity:
        return Identity(self.folder(name))

    def renew_anyway(self, name: str) -> None:
        """Give the holder a new certificate, due or not."""
        certificates.identity(self.folder(name)).unlink()
        certificates.make(self.where, self.region, accounts.current())
