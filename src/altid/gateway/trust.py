"""What a client of the gateways needs: the region's authority, by which it knows them."""

from __future__ import annotations

import ssl

from altid.region import certificates
from altid.region.error import RegionError
from altid.region.layout import Layout


def trust(where: Layout) -> ssl.SSLContext:
    """For `Connection(site.host, site.gateway, trust(where))`. Raises `RegionError` without an authority."""
    try:
        return ssl.create_default_context(cafile=certificates.authority(where.pki))
    except OSError:
        raise RegionError(f"{where.pki} has no authority that can be read: `altid up` makes it.") from None
