-- Each version carries the key of the write that made it, so that a write whose answer was lost can be sent
-- again, also at the other site, and is done once. See docs/record.md, "How a write survives a failover".
--
-- A key's first ten bytes say which write it is, its last six what was to be written: the same write with
-- another content is told, not done.

ALTER TABLE resource ADD COLUMN write_key uuid;
ALTER TABLE resource_history ADD COLUMN write_key uuid;

-- `position` (in the write-ahead log, in bytes) comes with the last row: what is behind it was not yet there.
CREATE TYPE resource_done AS (
    outcome text,
    version integer,
    last_updated timestamptz,
    position bigint
);

-- Whoever acknowledges a write must have waited for the other site, and must have heard PostgreSQL's warning
-- if it stopped waiting. Any session can turn either off; then nothing is written here.
CREATE FUNCTION require_safe_commit() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('synchronous_commit') <> 'remote_apply'
       OR current_setting('client_min_messages') NOT IN ('notice', 'warning') THEN
        RAISE EXCEPTION 'a commit of this session would not wait for the other site'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'SET synchronous_commit = remote_apply; SET client_min_messages = warning';
    END IF;
END $$;

-- Before it is acknowledged that something is there already: it may be so only at this site. A record in the
-- log makes this transaction's commit wait for the other site, and so for all that was committed before it.
-- Gives the position in the log.
CREATE FUNCTION confirm_record() RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_safe_commit();
    PERFORM pg_logical_emit_message(true, 'altid', '');
    RETURN (pg_current_wal_insert_lsn() - '0/0')::bigint;
END $$;

-- The version that a write has made, if it was done. Outcomes as those of write_resource(), and `mismatch`:
-- the key was used for another content. Whoever is about to write locks the resource's row first.
CREATE FUNCTION find_write(r bigint, key uuid,
                           OUT outcome text, OUT version integer, OUT last_updated timestamptz, OUT body bytea)
LANGUAGE plpgsql AS $$
DECLARE
    found_key uuid;
BEGIN
    SELECT v.version, v.last_updated, v.body, v.write_key
      INTO version, last_updated, body, found_key
      FROM (SELECT c.version, c.last_updated, c.body, c.write_key FROM resource c WHERE c.rid = r
            UNION ALL
            SELECT h.version, h.last_updated, h.body, h.write_key FROM resource_history h WHERE h.rid = r) v
     WHERE substring(uuid_send(v.write_key) FOR 10) = substring(uuid_send(key) FOR 10)
     ORDER BY v.version LIMIT 1;
    IF version IS NULL THEN
        RETURN;
    END IF;
    outcome := CASE
        WHEN found_key <> key THEN 'mismatch'
        WHEN body IS NULL THEN 'deleted'
        WHEN version = 1 OR EXISTS (SELECT FROM resource_history h
                                     WHERE h.rid = r AND h.version = find_write.version - 1 AND h.body IS NULL)
            THEN 'created'
        ELSE 'updated'
    END;
END $$;

CREATE FUNCTION find_write(the_type text, the_id text, key uuid,
                           OUT outcome text, OUT version integer, OUT last_updated timestamptz, OUT body bytea)
LANGUAGE sql AS $$
    SELECT f.outcome, f.version, f.last_updated, f.body
      FROM resource c, find_write(c.rid, key) f WHERE c.type = the_type AND c.id = the_id
$$;

-- As write_resource(w) was; `key` is kept with the version. With `again` it is first looked whether the write
-- was done, and if so its first outcome is given.
CREATE FUNCTION write_resource(w resource_write, key uuid, again boolean) RETURNS resource_written
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
        INSERT INTO resource (rid, type, id, version, last_updated, body, terms, present, refs, ranges_digest,
                              write_key)
            VALUES (the_rid, w.type, w.id, 1, result.last_updated, w.body, w.terms, w.present, w.refs,
                    w.ranges_digest, key)
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

    IF again THEN
        SELECT f.outcome, f.version, f.last_updated
          INTO result.outcome, result.version, result.last_updated
          FROM find_write(the_rid, key) f;
        IF result.outcome IS NOT NULL THEN
            PERFORM confirm_record();
            RETURN result;
        END IF;
        result.last_updated := date_trunc('milliseconds', clock_timestamp());
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
    INSERT INTO resource_history (rid, version, last_updated, body, write_key)
        SELECT rid, version, last_updated, body, write_key FROM resource WHERE rid = the_rid;
    UPDATE resource
       SET version = result.version, last_updated = result.last_updated, body = w.body,
           terms = w.terms, present = w.present, refs = w.refs, ranges_digest = w.ranges_digest,
           write_key = key
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

CREATE FUNCTION write_resources(writes resource_write[], keys uuid[], again boolean) RETURNS SETOF resource_done
LANGUAGE plpgsql AS $$
DECLARE
    written resource_written;
    last_one integer := cardinality(writes);
    place integer := 0;
BEGIN
    PERFORM require_safe_commit();
    FOR place IN 1 .. last_one LOOP
        written := write_resource(writes[place], keys[place], again);
        -- "There is nothing to delete" is told as well: it may be so only at this site.
        IF written.outcome = 'unchanged' THEN
            PERFORM confirm_record();
        END IF;
        RETURN NEXT (written.outcome, written.version, written.last_updated,
                     CASE WHEN place = last_one THEN (pg_current_wal_insert_lsn() - '0/0')::bigint END
                    )::resource_done;
    END LOOP;
END $$;

-- For servers of the version before, while a region is brought up to date server by server.
DROP FUNCTION write_resource(resource_write);
CREATE OR REPLACE FUNCTION write_resources(writes resource_write[]) RETURNS SETOF resource_written
LANGUAGE sql AS $$
    SELECT outcome, version, last_updated FROM write_resources(writes, ARRAY[]::uuid[], false)
$$;

-- What is known of the commit that the caller has just had the answer to. `position` is from before it.
-- `applied`: a synchronous standby shows all that this site has by now. `in_step`: there is one, and it is past
-- `position`. `alone`: commits are to wait for nobody. `reached`: the log's end here, so behind the commit.
-- `loaded`: the session's settings have been the same from that moment on.
CREATE FUNCTION commit_safety("position" bigint,
                              OUT applied boolean, OUT in_step boolean, OUT alone boolean, OUT reached bigint,
                              OUT loaded timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(bool_or(s.replay_lsn >= e.lsn), false),
           coalesce(bool_or(s.replay_lsn >= '0/0'::pg_lsn + "position"), false),
           current_setting('synchronous_standby_names') = '',
           (e.lsn - '0/0')::bigint,
           pg_conf_load_time()
      FROM (SELECT pg_current_wal_flush_lsn() AS lsn) e
      LEFT JOIN pg_stat_replication s ON s.state = 'streaming' AND s.sync_state IN ('sync', 'quorum')
     GROUP BY e.lsn
$$;
REVOKE ALL ON FUNCTION commit_safety(bigint) FROM PUBLIC;
