"""Orders over HTTP: signed, acted upon, and asked for by their keys (docs/orders.md)."""
