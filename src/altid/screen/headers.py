"""What every page tells the browser to refuse (OWASP Secure Headers)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

POLICY: Final = "Content-Security-Policy"
_ASKS_HERE, _SENDS_HERE = "connect-src 'self'", "form-action 'self'"
_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]+", re.ASCII)


def _policy(*forms_lead_to: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self'",
            _ASKS_HERE,
            " ".join((_SENDS_HERE, *forms_lead_to)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def leading_to(address: str) -> str:
    """The policy of a page whose form is answered by going to another site: browsers ask it of the whole way
    that a form takes. `address`: a registered one."""
    return _policy(*origin_of(address))


def origin_of(address: str) -> tuple[str, ...]:
    """Scheme and host of an address, if they can stand in a policy; else nothing."""
    parts = urlsplit(address)
    is_plain = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.netloc)
    return (f"{parts.scheme}://{parts.netloc}",) if is_plain else ()


def reaching(policy: str, sites: Iterable[tuple[str, str]], lookup_url: str = "") -> str:
    """The same policy for a page whose scripts may ask any site of the region, and go on there by a form.
    `lookup_url`: of the lookup record, which they may ask too, whether it is there."""
    urls = tuple(url for _, url in sites)
    asked = asking(policy, (*urls, *origin_of(lookup_url)))
    return asked.replace(_SENDS_HERE, " ".join((_SENDS_HERE, *urls)))


def asking(policy: str, urls: Iterable[str]) -> str:
    """The same policy for a page whose scripts may ask these, too."""
    return policy.replace(_ASKS_HERE, " ".join((_ASKS_HERE, *urls)))


SECURITY: Final = {
    POLICY: _policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # To other sites nothing; with "no-referrer" browsers would not say either that a form is from here.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

NOT_KEPT: Final = {**SECURITY, "Cache-Control": "no-store"}
"""For pages with patients on them: wards share their computers."""
