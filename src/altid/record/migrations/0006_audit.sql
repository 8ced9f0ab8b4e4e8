-- Who looked at whom, and who changed what. Rows are put in and never changed: the servers' role may no more.
--
-- Each writer (a journal of one server) numbers its events from 1 and chains them: `hash` is a keyed one over
-- the hash before, the writer, the number and the body. The other columns are for searching; they repeat what
-- is in the body, which is JSON and holds ids, never a name of a patient or a value that was searched for.

CREATE TABLE audit (
    writer text COLLATE "C" NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    at timestamptz NOT NULL,
    subject text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    patients text[] COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (writer, seq)
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_subject ON audit (subject, at) WHERE subject <> '';
-- Without a pending list, as all of our GIN indexes: no search pays for the inserts before it.
CREATE INDEX audit_patients ON audit USING gin (patients) WITH (fastupdate = off);
-- What is followed up, and what proves that no tail was cut off: few rows of many.
CREATE INDEX audit_action ON audit (action, at)
    WHERE action IN ('override', 'follow-up', 'checkpoint', 'export', 'administer');
