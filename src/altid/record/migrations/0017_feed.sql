-- What copies of the record are fed by: a sign of life each second, which past this record has, and how far the
-- looks at each copy are known here. See docs/lookup.md.

-- A new row when the record has another past than before: another cluster, or another timeline of its log
-- after a change of the lead or a restore. `mark` tells two such pasts with the same numbers apart.
CREATE TABLE feed_epoch (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system text COLLATE "C" NOT NULL,
    timeline integer NOT NULL,
    mark text COLLATE "C" NOT NULL DEFAULT substring(replace(gen_random_uuid()::text, '-', '') FOR 12),
    began timestamptz NOT NULL DEFAULT now()
);

-- Two minutes of heartbeats, in turn. `at` was told before the transaction had its id, so whatever was committed
-- before `at` has a lower one: who has read all that is below `xid` has read all of before `at`. The last two
-- columns are of the beat before: how safe its commit was is known only afterwards.
CREATE TABLE feed_heartbeat (
    slot smallint PRIMARY KEY CHECK (slot BETWEEN 0 AND 119),
    at timestamptz NOT NULL,
    xid xid8 NOT NULL,
    site text NOT NULL,
    durability text NOT NULL
) WITH (fillfactor = 30);

-- The primary's log: its cluster and its timeline. Not for a standby.
CREATE FUNCTION feed_past(OUT system text, OUT timeline integer)
LANGUAGE sql STABLE AS $$
    SELECT system_identifier::text,
           ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
      FROM pg_control_system()
$$;

-- One beat, unless somebody else is at it or it is not time yet; whether it was done.
CREATE FUNCTION feed_beat(the_site text, before text, every interval) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := statement_timestamp();
    newest feed_heartbeat;
    past record;
    known record;
BEGIN
    PERFORM require_safe_commit();
    IF NOT pg_try_advisory_xact_lock(x'416C7469644665'::bigint) THEN
        RETURN false;
    END IF;
    -- A record that was put in from a dump has beats of another cluster's future.
    SELECT * INTO newest FROM feed_heartbeat
     WHERE xid < pg_snapshot_xmax(pg_current_snapshot()) ORDER BY xid DESC LIMIT 1;
    -- A clock that was set back must not stop the heart.
    IF newest.at > began - every AND newest.at <= began THEN
        RETURN false;
    END IF;
    SELECT * INTO past FROM feed_past();
    SELECT e.system, e.timeline INTO known FROM feed_epoch e ORDER BY e.number DESC LIMIT 1;
    IF known.system COLLATE "C" IS DISTINCT FROM past.system COLLATE "C"
       OR known.timeline IS DISTINCT FROM past.timeline THEN
        INSERT INTO feed_epoch (system, timeline) VALUES (past.system, past.timeline);
    END IF;
    INSERT INTO feed_heartbeat AS h (slot, at, xid, site, durability)
        VALUES ((coalesce(newest.slot, -1) + 1) % 120, began, pg_current_xact_id(), the_site, before)
        ON CONFLICT (slot) DO UPDATE
            SET at = excluded.at, xid = excluded.xid, site = excluded.site, durability = excluded.durability;
    RETURN true;
END $$;

-- How far the looks at a copy are known: it sends them in order, each with the hash of the one before.
CREATE TABLE feed_look (
    client text COLLATE "C" NOT NULL,
    copy text COLLATE "C" NOT NULL CHECK (length(copy) BETWEEN 1 AND 100),
    last bigint NOT NULL CHECK (last >= 0),
    hash bytea NOT NULL,
    told timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client, copy)
);
