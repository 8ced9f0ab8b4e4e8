"""The ward at which somebody begins: one's own choice for each place of work. It opens nothing."""

from __future__ import annotations

from altid.record.database import Connection


async def chosen(connection: Connection, account: str, organisation: str) -> str | None:
    """The id of the ward's Location."""
    ward: str | None = await connection.fetchval(_CHOSEN, account, organisation)
    return ward


async def has_any(connection: Connection, account: str) -> bool:
    """Whether the account has chosen one at any place of work."""
    return bool(await connection.fetchval(_HAS_ANY, account))


async def choose(connection: Connection, account: str, organisation: str, ward: str | None) -> None:
    """None: begin at the list of wards again."""
    if ward is None:
        await connection.execute(_FORGET, account, organisation)
    else:
        await connection.execute(_CHOOSE, account, organisation, ward)


_CHOSEN = "SELECT ward FROM start_ward WHERE account = $1 AND organisation = $2"
_HAS_ANY = "SELECT EXISTS (SELECT FROM start_ward WHERE account = $1)"
_FORGET = "DELETE FROM start_ward WHERE account = $1 AND organisation = $2"
_CHOOSE = """
INSERT INTO start_ward (account, organisation, ward) VALUES ($1, $2, $3)
ON CONFLICT (account, organisation) DO UPDATE SET ward = EXCLUDED.ward
"""
