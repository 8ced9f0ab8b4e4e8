"""The matrix as a page of the documentation: docs/rights.md is what the tests have seen, and nothing else.

Where it differs the test writes what it has seen beside it, to be compared and taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rights.askers import ASKERS
from rights.hospital import TYPES, Relation

PAGE = Path(__file__).parent.parent.parent / "docs" / "rights.md"

Seen = Mapping[tuple[str, str, str], str]
"""(asker, type, relation) -> letters of what was possible."""

_HEAD = """# Who may do what

What each role, application and system can do with a resource about a patient, by the relation of the place
where one works to that patient. This page is written by the tests from what a server answered
(`.venv/bin/pytest tests/rights`, which fails if the page says anything else): every cell is the outcome of
{ways} requests.

`r` read and search, `c` create, `u` update, `d` delete; `·` nothing. Reading is the same by every way: by id,
by version, history, search (by patient, by id, by chain, by POST, of all, of several types), compartment,
`_revinclude`, `$everything`, in a batch, in a transaction; what is hidden is also not counted, and not found
through `_has`.

Orders and doses people write below `/orders` alone, and only read here:
[orders.md](orders.md#who-may-do-what) has who may do what with them.

| relation | the patient is |
|---|---|
| admitted | admitted where one works: in the ward, or in what is part of the hospital |
| referred | referred there by an open request |
| listed | on one's own list |
| override | admitted elsewhere; one has broken the glass (*værdispring*) |
| elsewhere | admitted at another hospital |
| blocked | admitted where one works, and has blocked the one who asks (*MinSpærring*) |
| period | admitted where one works, and has blocked what is from a period; this is from within |
"""


def page(seen: Seen, ways: int) -> str:
    """The text of docs/rights.md."""
    parts = [_HEAD.format(ways=ways)]
    for asker in ASKERS:
        parts.append(f"\n## {asker.name}\n")
        parts.append("| | " + " | ".join(Relation) + " |")
        parts.append("|---" * (len(Relation) + 1) + "|")
        for about in TYPES:
            cells = (seen[asker.name, about.type, relation] or "·" for relation in Relation)
            parts.append(f"| {about.type} | " + " | ".join(cells) + " |")
    return "\n".join(parts) + "\n"
