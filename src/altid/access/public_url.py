"""How browsers and systems reach a region: an origin, with nothing behind the host but a port."""

from __future__ import annotations

from urllib.parse import urlsplit

PUBLIC_URL_CHARACTERS_MAX = 200


def checked_public_url(text: str) -> str:
    """The address without "/" at the end. Raises `ValueError`; its text is one line for people."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("the address cannot be read") from None
    if len(url) > PUBLIC_URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"an address has at most {PUBLIC_URL_CHARACTERS_MAX} letters, digits and signs")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_right:
        raise ValueError("write it as https://HOST or https://HOST:PORT")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("nothing may stand after the host and its port: https://HOST:PORT")
    return f"{parts.scheme}://{parts.netloc.lower()}"
