"""The command `altid`: thin; each command is a module of its own, imported when it is used.

Exit codes: 0 all well, 1 it failed (or something was refused), 2 the command line or its input is wrong.
A failure is one line on stderr that begins with `altid:`.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process."""
    from altid.cli.app import run

    sys.exit(run(sys.argv[1:]))
