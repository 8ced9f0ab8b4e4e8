"""The one exception of this room."""

from __future__ import annotations


class RegionError(Exception):
    """The region cannot do what was asked. The message is one line: what is wrong, and what to do.

    It names files, lines, places, hosts and ports, never a password and never a value from the record.
    """
