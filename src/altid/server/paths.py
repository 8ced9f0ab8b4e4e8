"""What lies where in the one application."""

FHIR_BASE = "/fhir"
ORDERS_BASE = "/orders"
FEED_BASE = "/feed"


def is_below(base: str, path: str) -> bool:
    """Whether the path is the base, or lies under it."""
    return path.startswith(base) and path[len(base) :][:1] in ("", "/")
