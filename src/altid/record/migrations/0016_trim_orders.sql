-- What is kept beside orders and is settled goes after a while. See docs/orders.md.

CREATE INDEX delivery_settled ON delivery (told) WHERE state IN ('acknowledged', 'discarded');
CREATE INDEX client_outbox_released ON client_outbox (released) WHERE released IS NOT NULL;
CREATE INDEX order_recovered_decided ON order_recovered (decided_at) WHERE decided_at IS NOT NULL;

-- Nothing of the record is touched, nor what anybody waits for. A delivery that was acknowledged stays as long as
-- an earlier version of its order is a dead letter: it is what keeps that one from being sent after it. The key of
-- what a person has discarded stays spent (`order_key`). At most so many rows of each kind; what somebody else
-- holds just now is left for the next time.
CREATE FUNCTION trim_orders(deliveries interval, recoveries interval, outboxes interval, at_most integer,
                            OUT delivery integer, OUT recovered integer, OUT outbox integer)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old_delivery AS MATERIALIZED (
        SELECT d.number FROM delivery d
         WHERE d.state IN ('acknowledged', 'discarded') AND d.told < now() - deliveries
           AND NOT EXISTS (
               SELECT FROM delivery e
                WHERE (e.destination, e.type, e.id) = (d.destination, d.type, d.id)
                  AND e.version < d.version AND e.state NOT IN ('acknowledged', 'discarded'))
         ORDER BY d.told LIMIT at_most FOR UPDATE OF d SKIP LOCKED
    ), old_recovered AS MATERIALIZED (
        SELECT r.identity FROM order_recovered r
         WHERE r.decided_at < now() - recoveries
         ORDER BY r.decided_at LIMIT at_most FOR UPDATE SKIP LOCKED
    ), old_outbox AS MATERIALIZED (
        SELECT o.signer, o.client, o.key FROM client_outbox o
         WHERE o.released < now() - outboxes
         ORDER BY o.released LIMIT at_most FOR UPDATE SKIP LOCKED
    ), gone_delivery AS (
        DELETE FROM delivery d USING old_delivery o WHERE d.number = o.number RETURNING 1
    ), gone_recovered AS (
        DELETE FROM order_recovered r USING old_recovered o WHERE r.identity = o.identity RETURNING 1
    ), gone_outbox AS (
        DELETE FROM client_outbox c USING old_outbox o
         WHERE (c.signer, c.client, c.key) = (o.signer, o.client, o.key) RETURNING 1
    )
    SELECT (SELECT count(*)::integer FROM gone_delivery), (SELECT count(*)::integer FROM gone_recovered),
           (SELECT count(*)::integer FROM gone_outbox)
$$;
REVOKE ALL ON FUNCTION trim_orders(interval, interval, interval, integer) FROM PUBLIC;
