-- Opslag beside another EPJ: what is known of the sources that others run. Times are microseconds since 1970.

-- What a FHIR server has, as it last told us: how we find what it has lost.
CREATE TABLE IF NOT EXISTS beside_known (
    source text NOT NULL,
    type text NOT NULL,
    foreign_id text NOT NULL,
    version text NOT NULL,
    number integer NOT NULL,
    PRIMARY KEY (source, type, foreign_id)
) WITHOUT ROWID;

-- What it told in the comparison that is under way; empty otherwise.
CREATE TABLE IF NOT EXISTS beside_seen (
    source text NOT NULL,
    type text NOT NULL,
    foreign_id text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (source, type, foreign_id)
) WITHOUT ROWID;

-- How a source is doing.
CREATE TABLE IF NOT EXISTS beside_source (
    source text PRIMARY KEY,
    phase text NOT NULL,
    code text NOT NULL DEFAULT '',
    done integer NOT NULL DEFAULT 0,
    told integer NOT NULL
) WITHOUT ROWID;

-- Messages: those that are in the copy (without their bytes, for some days: they may come again), and those that
-- are held for a person, with their bytes.
CREATE TABLE IF NOT EXISTS beside_message (
    number integer PRIMARY KEY AUTOINCREMENT,
    source text NOT NULL,
    control_id text NOT NULL,
    digest blob NOT NULL,
    state text NOT NULL CHECK (state IN ('applied', 'held', 'waiting', 'discarded')),
    code text NOT NULL DEFAULT '',
    message blob,
    arrived integer NOT NULL,
    told integer NOT NULL,
    by text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    UNIQUE (source, control_id, digest)
);
CREATE INDEX IF NOT EXISTS beside_message_state ON beside_message (state, told);

-- Which of a sender's patients has which number: several may have the same, until the sender itself merges them.
-- Never across senders.
CREATE TABLE IF NOT EXISTS beside_number (
    source text NOT NULL,
    authority text NOT NULL,
    value text NOT NULL,
    patient text NOT NULL,
    is_own integer NOT NULL,
    PRIMARY KEY (source, authority, value, patient)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS beside_number_patient ON beside_number (source, patient);
