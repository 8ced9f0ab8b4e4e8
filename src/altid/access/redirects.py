"""Addresses that an application's browser is sent back to, with a one-time code or with an error.

They are compared character by character (RFC 9700 §2.1): what merely resembles a registered one is another's.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

REDIRECTS_MAX = 10
"""Of an application."""
REDIRECT_CHARACTERS_MAX = 512
_VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def is_redirect(address: str) -> bool:
    """It can be registered: nobody on the way can read what is sent there."""
    if len(address) > REDIRECT_CHARACTERS_MAX or not _VISIBLE.fullmatch(address):
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "#" in address or "\\" in address or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def back_to(address: str, **fields: str) -> str:
    """A registered address with what is to be told there; empty fields are left out."""
    told = urlencode({name: value for name, value in fields.items() if value})
    return f"{address}{'&' if '?' in address else '?'}{told}"
