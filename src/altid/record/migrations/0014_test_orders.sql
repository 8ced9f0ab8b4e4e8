-- Test orders: one an application server, with a new version every few seconds. See docs/orders.md.

-- Nothing else is ever taken away from the record. A test order is one by its tag and by its patient, who is
-- nobody; its older versions go together with their rows of the feed and their keys, so that each version that
-- is left has exactly one of each. Gives how many versions were taken.
CREATE FUNCTION trim_test_orders(older_than interval, at_most integer) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH test_order AS MATERIALIZED (
        SELECT r.rid FROM resource r
         WHERE r.terms @> ARRAY[term('MedicationRequest._tag=https://altid.dk/fhir/tag|test-order')]
           AND r.type = 'MedicationRequest'
           AND EXISTS (SELECT FROM unnest(r.refs) ref WHERE ref ^@ 'subject=Patient/altid-canary-')
    ), old AS MATERIALIZED (
        SELECT h.rid, h.version, h.write_key
          FROM test_order t JOIN resource_history h ON h.rid = t.rid
         WHERE h.last_updated < now() - older_than
         ORDER BY h.rid, h.version LIMIT at_most
    ), version AS (
        DELETE FROM resource_history h USING old WHERE h.rid = old.rid AND h.version = old.version RETURNING 1
    ), feed AS (
        DELETE FROM change c USING old WHERE c.rid = old.rid AND c.version = old.version
    ), known AS (
        DELETE FROM order_key k USING old WHERE k.identity = key_identity(old.write_key)
    )
    SELECT count(*)::integer FROM version
$$;
REVOKE ALL ON FUNCTION trim_test_orders(interval, integer) FROM PUBLIC;
