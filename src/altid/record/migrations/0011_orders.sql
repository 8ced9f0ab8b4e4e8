-- Orders: which version a key has made, and what was recovered from a server that died. See docs/orders.md.

-- One row for each version of an order, or of what is done about one, from the transaction that has written it, whichever way it was
-- written. `identity` is what of a write's key says which write it is; `position` a place in the log that the
-- version's commit is behind. A key that was discarded by a person has a row without a version (0), so that
-- whoever sends it again is refused.
CREATE TABLE order_key (
    identity bytea PRIMARY KEY CHECK (length(identity) = 10),
    key uuid NOT NULL,
    rid bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL CHECK (version >= 0),
    at timestamptz NOT NULL,
    position pg_lsn NOT NULL
);
CREATE INDEX order_key_at ON order_key (at);

CREATE FUNCTION key_identity(key uuid) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT substring(uuid_send(key) FOR 10)
$$;

CREATE FUNCTION keep_order_key() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_key (identity, key, rid, type, id, version, at, position)
        VALUES (substring(uuid_send(NEW.write_key) FOR 10), NEW.write_key, NEW.rid, NEW.type, NEW.id,
                NEW.version, NEW.last_updated, pg_current_wal_insert_lsn());
    RETURN NULL;
END $$;

CREATE TRIGGER order_key AFTER INSERT OR UPDATE ON resource FOR EACH ROW
    WHEN (NEW.type IN ('MedicationRequest', 'ServiceRequest', 'MedicationAdministration', 'Task', 'DiagnosticReport')
          AND NEW.write_key IS NOT NULL)
    EXECUTE FUNCTION keep_order_key();

-- What a dead server had taken and not registered, and was too old to be sent again unseen. `content` is the
-- resource as it was signed (JSON), which becomes an order only when a person says so.
CREATE TABLE order_recovered (
    identity bytea PRIMARY KEY CHECK (length(identity) = 10),
    key uuid NOT NULL,
    client_key text NOT NULL,
    site text NOT NULL,
    writer text NOT NULL,
    intended timestamptz NOT NULL,
    found timestamptz NOT NULL,
    action text NOT NULL,
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    -- As with a write: 0 must not exist, NULL any.
    expected integer,
    patient text COLLATE "C" NOT NULL,
    organisation text NOT NULL,
    signer text NOT NULL,
    signer_name text NOT NULL,
    content bytea NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'registered', 'discarded')),
    decided_by text,
    decided_at timestamptz,
    reason text CHECK (length(reason) BETWEEN 3 AND 1000),
    CHECK ((state = 'open') = (decided_by IS NULL)),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((state = 'open') = (reason IS NULL))
);
CREATE INDEX order_recovered_open ON order_recovered (intended) WHERE state = 'open';
CREATE INDEX order_recovered_patient ON order_recovered (patient);
CREATE INDEX order_recovered_intended ON order_recovered (intended);

-- With each version of an order, its `position` in order_key: the same when the write is sent again.
ALTER TYPE resource_done ADD ATTRIBUTE order_position bigint;

CREATE OR REPLACE FUNCTION write_resources(writes resource_write[], keys uuid[], again boolean)
RETURNS SETOF resource_done
LANGUAGE plpgsql AS $$
DECLARE
    written resource_written;
    last_one integer := cardinality(writes);
    place integer := 0;
    kept bigint;
BEGIN
    PERFORM require_safe_commit();
    FOR place IN 1 .. last_one LOOP
        written := write_resource(writes[place], keys[place], again);
        -- "There is nothing to delete" is told as well: it may be so only at this site.
        IF written.outcome = 'unchanged' THEN
            PERFORM confirm_record();
        END IF;
        kept := NULL;
        IF writes[place].type IN ('MedicationRequest', 'ServiceRequest', 'MedicationAdministration', 'Task',
                                  'DiagnosticReport') THEN
            SELECT k.position - '0/0' INTO kept FROM order_key k
             WHERE k.identity = substring(uuid_send(keys[place]) FOR 10);
        END IF;
        RETURN NEXT (written.outcome, written.version, written.last_updated,
                     CASE WHEN place = last_one THEN (pg_current_wal_insert_lsn() - '0/0')::bigint END,
                     kept)::resource_done;
    END LOOP;
END $$;
