-- Who may come in at this place and see whom, as the record last told it; and what was opened here meanwhile.
-- Times are seconds since 1970. Lists of roles and places are JSON.

CREATE TABLE IF NOT EXISTS account (
    id text PRIMARY KEY,
    username text NOT NULL UNIQUE,
    name text NOT NULL,
    roles text NOT NULL,
    organisations text NOT NULL,
    password text,
    is_disabled integer NOT NULL
) WITHOUT ROWID;

-- A PIN at a ward's PC, for one shift. Badges can be told only by the region, which has the key of their hashes.
CREATE TABLE IF NOT EXISTS reentry (
    account text NOT NULL,
    workplace text NOT NULL,
    role text NOT NULL,
    organisation text NOT NULL,
    pin text NOT NULL,
    expires real NOT NULL,
    wrong integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account, workplace)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS block (
    id text PRIMARY KEY,
    patient text NOT NULL,
    account text,
    organisation text,
    low real,
    high real,
    until real
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS listed (
    account text NOT NULL,
    role text NOT NULL,
    organisation text NOT NULL,
    patient text NOT NULL,
    until real NOT NULL,
    PRIMARY KEY (account, role, organisation, patient)
) WITHOUT ROWID;

-- Broken glass: the record's, and our own, which the record has not heard of or has not told back yet.
CREATE TABLE IF NOT EXISTS broken_glass (
    id text PRIMARY KEY,
    account text NOT NULL,
    role text NOT NULL,
    organisation text NOT NULL,
    patient text NOT NULL,
    until real NOT NULL,
    is_own integer NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS broken_glass_account ON broken_glass (account);

-- What makes grounds, from the resources of the copy (`altid.lookup.entry.relations`).
CREATE TABLE IF NOT EXISTS relation (
    resource text NOT NULL,
    place text NOT NULL,
    patient text NOT NULL,
    is_admitted integer NOT NULL,
    until real,
    PRIMARY KEY (resource, place, patient)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS relation_place ON relation (place, patient, is_admitted, until);

CREATE TABLE IF NOT EXISTS organisation (
    id text PRIMARY KEY,
    is_told integer NOT NULL,
    name text
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS organisation_part (
    id text NOT NULL,
    part_of text NOT NULL,
    PRIMARY KEY (id, part_of)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS organisation_part_of ON organisation_part (part_of, id);
CREATE TABLE IF NOT EXISTS organisation_number (
    number text NOT NULL,
    id text NOT NULL,
    PRIMARY KEY (number, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS organisation_number_id ON organisation_number (id);
CREATE TABLE IF NOT EXISTS room (
    place text NOT NULL,
    organisation text NOT NULL,
    PRIMARY KEY (place, organisation)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS room_organisation ON room (organisation, place);
