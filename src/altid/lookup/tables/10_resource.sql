-- The copy itself. Rows lie together by patient, so that a page is read from a few neighbouring blocks: each
-- block that is touched must be checked and decrypted.

CREATE TABLE IF NOT EXISTS meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS source (
    name TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    cursor TEXT NOT NULL
) WITHOUT ROWID;

-- When each source was last alive and all before it was here; both as ISO 8601.
CREATE TABLE IF NOT EXISTS heartbeat (
    source TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    received TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS resource (
    -- Of the groups that are compared with the source (see digest): follows from the patient, or from type and
    -- id for what is about nobody. First, so that a group lies together and needs no index.
    part INTEGER NOT NULL,
    -- '' for what is about nobody: staff, places, drugs.
    patient TEXT NOT NULL,
    type TEXT NOT NULL,
    -- When it was measured, written or given, in microseconds since 1970: the newest of a kind are asked for.
    sort INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- When the source wrote it, in the same unit.
    at INTEGER NOT NULL,
    source TEXT NOT NULL,
    -- Packed JSON; NULL: deleted.
    body BLOB,
    PRIMARY KEY (part, patient, type, sort, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS resource_id ON resource (type, id);

-- Resources that are about more patients than the one they lie with.
CREATE TABLE IF NOT EXISTS also (
    patient TEXT NOT NULL,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (patient, type, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS also_id ON also (type, id);

-- Kept with each change, so that comparing with the source costs nothing.
CREATE TABLE IF NOT EXISTS digest (
    source TEXT NOT NULL,
    part INTEGER NOT NULL,
    count INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (source, part)
) WITHOUT ROWID;

-- Who can be found: words of names in lower case without accents, and numbers.
CREATE TABLE IF NOT EXISTS person_word (
    word TEXT NOT NULL,
    patient TEXT NOT NULL,
    PRIMARY KEY (word, patient)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS person_word_patient ON person_word (patient);

CREATE TABLE IF NOT EXISTS place (
    id TEXT PRIMARY KEY,
    part_of TEXT,
    is_ward INTEGER NOT NULL,
    is_bed INTEGER NOT NULL,
    name TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS place_part_of ON place (part_of);

-- Who lies where now.
CREATE TABLE IF NOT EXISTS stay (
    encounter TEXT NOT NULL,
    location TEXT NOT NULL,
    patient TEXT NOT NULL,
    PRIMARY KEY (encounter, location)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS stay_location ON stay (location);
CREATE INDEX IF NOT EXISTS stay_patient ON stay (patient);
