-- The one way in which versions are written: write_resources(), one call for one write or for hundreds.
--
-- Rows are locked in the order of the array; the caller sorts by (type, id), so that two transactions
-- can never wait for each other in a circle.

CREATE FUNCTION index_ranges(r bigint, w resource_write) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(w.dates) > 0 THEN
        INSERT INTO index_date SELECT e.key, e.low, e.high, r FROM unnest(w.dates) e;
    END IF;
    IF cardinality(w.numbers) > 0 THEN
        INSERT INTO index_number SELECT e.key, e.low, e.high, r FROM unnest(w.numbers) e;
    END IF;
    IF cardinality(w.quantities) > 0 THEN
        INSERT INTO index_quantity SELECT e.key, e.low, e.high, e.system, e.unit, r FROM unnest(w.quantities) e;
    END IF;
    IF cardinality(w.strings) > 0 THEN
        INSERT INTO index_string SELECT e.key, e.value, r FROM unnest(w.strings) e;
    END IF;
END $$;

CREATE FUNCTION unindex_ranges(r bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM index_date WHERE rid = r;
    DELETE FROM index_number WHERE rid = r;
    DELETE FROM index_quantity WHERE rid = r;
    DELETE FROM index_string WHERE rid = r;
END $$;

-- Outcomes: created, updated, deleted, unchanged (a delete of what is gone or never was), conflict
-- (the version is not the expected one; `version` tells which it is, 0 for none or deleted).
CREATE FUNCTION write_resource(w resource_write) RETURNS resource_written
LANGUAGE plpgsql AS $$
DECLARE
    the_rid bigint;
    old_version integer := 0;
    old_updated timestamptz;
    old_deleted boolean;
    old_digest bytea;
    present_version integer;
    result resource_written;
BEGIN
    result.last_updated := date_trunc('milliseconds', clock_timestamp());

    -- A create goes straight to the insert: its id is new, and if it is not, the insert says so.
    IF w.expected IS DISTINCT FROM 0 THEN
        SELECT rid, version, last_updated, body IS NULL, ranges_digest
          INTO the_rid, old_version, old_updated, old_deleted, old_digest
          FROM resource WHERE type = w.type AND id = w.id FOR UPDATE;
    END IF;

    IF the_rid IS NULL THEN
        IF w.expected > 0 THEN
            result := ('conflict', 0, NULL);
            RETURN result;
        END IF;
        IF w.body IS NULL THEN
            result := ('unchanged', 0, NULL);
            RETURN result;
        END IF;
        the_rid := nextval('resource_rid');
        INSERT INTO resource (rid, type, id, version, last_updated, body, terms, present, refs, ranges_digest)
            VALUES (the_rid, w.type, w.id, 1, result.last_updated, w.body, w.terms, w.present, w.refs,
                    w.ranges_digest)
            ON CONFLICT (type, id) DO NOTHING;
        IF FOUND THEN
            PERFORM index_ranges(the_rid, w);
            INSERT INTO change (xid, rid, version, type, at, method)
                VALUES (pg_current_xact_id(), the_rid, 1, w.type, result.last_updated, w.method);
            result.outcome := 'created';
            result.version := 1;
            RETURN result;
        END IF;
        -- It is there after all, perhaps since this very moment; its row is committed, so it can be locked.
        SELECT rid, version, last_updated, body IS NULL, ranges_digest
          INTO STRICT the_rid, old_version, old_updated, old_deleted, old_digest
          FROM resource WHERE type = w.type AND id = w.id FOR UPDATE;
    END IF;

    present_version := CASE WHEN old_deleted THEN 0 ELSE old_version END;
    IF w.expected <> present_version THEN
        result := ('conflict', present_version, NULL);
        RETURN result;
    END IF;
    IF old_deleted AND w.body IS NULL THEN
        result := ('unchanged', old_version, old_updated);
        RETURN result;
    END IF;
    result.version := old_version + 1;
    -- A clock that was set back must not make a resource's history run backwards.
    result.last_updated := greatest(result.last_updated, old_updated);
    INSERT INTO resource_history (rid, version, last_updated, body)
        SELECT rid, version, last_updated, body FROM resource WHERE rid = the_rid;
    UPDATE resource
       SET version = result.version, last_updated = result.last_updated, body = w.body,
           terms = w.terms, present = w.present, refs = w.refs, ranges_digest = w.ranges_digest
     WHERE rid = the_rid;
    IF old_digest IS DISTINCT FROM w.ranges_digest THEN
        PERFORM unindex_ranges(the_rid);
        PERFORM index_ranges(the_rid, w);
    END IF;
    INSERT INTO change (xid, rid, version, type, at, method)
        VALUES (pg_current_xact_id(), the_rid, result.version, w.type, result.last_updated, w.method);
    result.outcome := CASE WHEN w.body IS NULL THEN 'deleted' WHEN old_deleted THEN 'created' ELSE 'updated' END;
    RETURN result;
END $$;

CREATE FUNCTION write_resources(writes resource_write[]) RETURNS SETOF resource_written
LANGUAGE plpgsql AS $$
DECLARE
    w resource_write;
BEGIN
    FOREACH w IN ARRAY writes LOOP
        RETURN NEXT write_resource(w);
    END LOOP;
END $$;

-- The whole JSON of a version, for people with psql and for checks.
CREATE FUNCTION fhir_json(type text, id text, version integer, last_updated timestamptz, body bytea) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT (format('{"resourceType":"%s","id":"%s","meta":{"versionId":"%s","lastUpdated":"%s"',
                   type, id, version,
                   to_char(last_updated AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            || convert_from(body, 'UTF8'))::jsonb
$$;

-- A term's key, the same as Python computes: for chains, whose terms are made inside a query.
CREATE FUNCTION term(value text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT encode(substring(sha256(convert_to(value, 'UTF8')) FOR 16), 'hex')::uuid
$$;
