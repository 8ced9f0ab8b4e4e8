-- The record: current resources, their earlier versions, the change feed and the search index.
--
-- A resource's content is stored as bytes that are sent out as they are. `body` holds what follows
-- `meta.lastUpdated` in the resource's JSON, beginning with the rest of `meta`; type, id, version and
-- time are columns, so that one statement can write a version without having read the one before.
-- Function `fhir_json` puts the whole together for people with psql.

CREATE SEQUENCE resource_rid;

CREATE TABLE resource (
    rid bigint PRIMARY KEY,
    -- In the order of bytes, whatever the database's own order is.
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    last_updated timestamptz NOT NULL,
    -- NULL: the resource is deleted.
    body bytea,
    -- The index, see docs/record.md. Terms are the first 16 bytes of SHA-256 of "Type.code=value".
    terms uuid[] NOT NULL,
    -- Search parameters that have a value (for :missing), as hashes of their codes.
    present integer[] NOT NULL,
    -- Literal references as "code=Type/id" (for _include, chains and _has).
    refs text[] NOT NULL,
    -- Fingerprint of the range entries, so that an update that changes none of them touches no index.
    ranges_digest bytea
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX resource_type_id ON resource (type, id);
-- The planner must know which terms are common (final, female) and which are rare (a patient).
ALTER TABLE resource ALTER COLUMN terms SET STATISTICS 500;
-- Without the pending list: a search must never pay for the inserts before it.
CREATE INDEX resource_terms ON resource USING gin (terms) WITH (fastupdate = off);

CREATE TABLE resource_history (
    rid bigint NOT NULL,
    version integer NOT NULL,
    last_updated timestamptz NOT NULL,
    body bytea,
    PRIMARY KEY (rid, version)
);

-- One row per version ever written. `xid` orders the feed: a reader that stays below
-- pg_snapshot_xmin(pg_current_snapshot()) can never skip a transaction that commits late.
CREATE TABLE change (
    xid xid8 NOT NULL,
    rid bigint NOT NULL,
    version integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    method text NOT NULL CHECK (method IN ('POST', 'PUT', 'DELETE')),
    PRIMARY KEY (xid, rid)
);
CREATE INDEX change_at ON change (at, rid, version);
CREATE INDEX change_type_at ON change (type, at, rid, version);
CREATE INDEX change_rid ON change (rid, version);

-- Range entries. `key` is the first 8 bytes of SHA-256 of the parameter's name ("Observation.date").
CREATE TABLE index_date (
    key bigint NOT NULL,
    low timestamptz NOT NULL,
    high timestamptz NOT NULL,
    rid bigint NOT NULL
);
CREATE INDEX index_date_low ON index_date (key, low, high, rid);
CREATE INDEX index_date_high ON index_date (key, high);
CREATE INDEX index_date_rid ON index_date (rid);

CREATE TABLE index_number (
    key bigint NOT NULL,
    low numeric NOT NULL,
    high numeric NOT NULL,
    rid bigint NOT NULL
);
CREATE INDEX index_number_low ON index_number (key, low, high, rid);
CREATE INDEX index_number_rid ON index_number (rid);

CREATE TABLE index_quantity (
    key bigint NOT NULL,
    low numeric NOT NULL,
    high numeric NOT NULL,
    system text NOT NULL,
    unit text NOT NULL,
    rid bigint NOT NULL
);
CREATE INDEX index_quantity_low ON index_quantity (key, low, high, rid);
CREATE INDEX index_quantity_rid ON index_quantity (rid);

CREATE TABLE index_string (
    key bigint NOT NULL,
    value text COLLATE "C" NOT NULL,
    rid bigint NOT NULL
);
CREATE INDEX index_string_value ON index_string (key, value, rid);
CREATE INDEX index_string_rid ON index_string (rid);

CREATE TYPE date_entry AS (key bigint, low timestamptz, high timestamptz);
CREATE TYPE number_entry AS (key bigint, low numeric, high numeric);
CREATE TYPE quantity_entry AS (key bigint, low numeric, high numeric, system text, unit text);
CREATE TYPE string_entry AS (key bigint, value text);

-- One write: create (expected = 0: must not exist), update (expected NULL: any; n: must be version n);
-- body NULL deletes.
CREATE TYPE resource_write AS (
    type text,
    id text,
    expected integer,
    method text,
    body bytea,
    terms uuid[],
    present integer[],
    refs text[],
    ranges_digest bytea,
    dates date_entry[],
    numbers number_entry[],
    quantities quantity_entry[],
    strings string_entry[]
);

CREATE TYPE resource_written AS (
    outcome text,
    version integer,
    last_updated timestamptz
);
