"""TLS between the region's parts: both ends show a certificate of the region, or there is no connection."""

from __future__ import annotations

import ssl
from pathlib import Path

from altid.region import certificates
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.topology import Place

HANDSHAKE_S_MAX = 1.0
"""A handshake takes milliseconds. Whoever begins none (a probe that only knocks) is let go after this."""

SHUTDOWN_S_MAX = 0.5
"""Nobody waits longer for the other end's good-bye."""


class Identity:
    """Whom this process speaks as: one of the region's certificates, for both ends of a connection.

    The contexts stay the same objects for good: `refresh` loads a renewed certificate into them, and every
    connection opened from then on shows it.
    """

    def __init__(self, folder: Path) -> None:
        """Raises `RegionError` if the files of `folder` can't be read."""
        self._folder = folder
        self._loaded: tuple[int, int] | None = None
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client.minimum_version = ssl.TLSVersion.TLSv1_2  # etcd 3.5.0 to 3.5.7 speak nothing newer
        self.server.minimum_version = ssl.TLSVersion.TLSv1_3
        self.server.verify_mode = ssl.CERT_REQUIRED
        self.server.num_tickets = 0  # connections are kept, not resumed
        try:
            for context, trusted in ((self.client, certificates.authority), (self.server, _callers)):
                context.load_verify_locations(trusted(folder))
            self.refresh()
        except OSError:
            raise RegionError(
                f"{folder} holds no identity that can be read: `altid up` makes what is missing."
            ) from None

    def refresh(self) -> bool:
        """Load the certificate if its file is another than before; whether it was. Raises `OSError`."""
        file = certificates.identity(self._folder)
        status = file.stat()
        found = (status.st_ino, status.st_mtime_ns)
        if found == self._loaded:
            return False
        for context in (self.client, self.server):
            context.load_cert_chain(file)
        self._loaded = found
        return True


def _callers(folder: Path) -> Path:
    """Whom to let in; who is no place serves nobody, and has only the authority."""
    known = certificates.callers(folder)
    return known if known.exists() else certificates.authority(folder)


def of_place(where: Layout, place: Place) -> Identity:
    """The identity of a place, for its own parts. Raises `RegionError`."""
    return Identity(where.place(place.name).pki)


def of_operator(where: Layout) -> Identity:
    """The identity of whoever runs `altid`. Raises `RegionError`."""
    return Identity(where.pki / certificates.OPERATOR)
