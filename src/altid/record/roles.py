"""The role that servers work as: it may add to the record and read it, but not rewrite what was written.

Earlier versions and the change feed are append-only for it, by PostgreSQL's own permissions; what a patient
has blocked it can lift, not change.
"""

from __future__ import annotations

import asyncpg

APP_ROLE = "altid_app"

_STATEMENTS = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
        CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {APP_ROLE};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
GRANT INSERT, UPDATE ON resource TO {APP_ROLE};
GRANT INSERT ON resource_history, change, audit, order_key, reconciliation TO {APP_ROLE};
GRANT INSERT, UPDATE ON order_recovered, client_outbox TO {APP_ROLE};
GRANT INSERT, DELETE ON index_date, index_number, index_quantity, index_string TO {APP_ROLE};
GRANT INSERT, UPDATE ON account, workplace, client, override TO {APP_ROLE};
GRANT INSERT, UPDATE ON federated_account TO {APP_ROLE};
REVOKE UPDATE ON patient_block FROM {APP_ROLE};
GRANT INSERT, UPDATE (until, lifted_by, lifted_at, lift_asked) ON patient_block TO {APP_ROLE};
GRANT INSERT, UPDATE ON feed_heartbeat, feed_look, code_use TO {APP_ROLE};
GRANT INSERT ON feed_epoch TO {APP_ROLE};
GRANT INSERT, UPDATE ON delivery_cursor, delivery, inbound TO {APP_ROLE};
GRANT INSERT, UPDATE, DELETE ON personal_list, start_ward TO {APP_ROLE};
GRANT INSERT, UPDATE, DELETE ON passkey, reentry, session, signing_key, spent, invitation,
    authorization_code TO {APP_ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
GRANT EXECUTE ON FUNCTION commit_safety(bigint) TO {APP_ROLE};
GRANT EXECUTE ON FUNCTION trim_test_orders(interval, integer) TO {APP_ROLE};
GRANT EXECUTE ON FUNCTION trim_orders(interval, interval, interval, integer) TO {APP_ROLE};
"""


async def ensure_app_role(dsn: str) -> None:
    """Create the role where it is missing and give it just what it needs. Can be run again."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await connection.execute(_STATEMENTS)
    finally:
        await connection.close()
