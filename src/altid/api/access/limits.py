"""Limits of the endpoints, each with its unit and its reason."""

from __future__ import annotations

BODY_BYTES_MAX = 32 * 1024
"""The largest that anybody sends is a passkey's answer: some kilobytes."""
BODY_S_MAX = 10.0
"""A body that trickles in slower holds a place that others want."""
QUERY_BYTES_MAX = 8 * 1024
"""An application's question, with its scopes and its state."""
FIELDS_MAX = 30
"""Of a form or a query: the standards name about a dozen."""
IN_FLIGHT_MAX = 512
"""Requests that one process works on at once: what waits in the lines, and what is on its way there."""
DEADLINE_S = 10.0
"""How long somebody waits who does not say (`Altid-Deadline`)."""
DEADLINE_S_MAX = 30.0
"""Whatever a client says: longer it would only hold its place."""
