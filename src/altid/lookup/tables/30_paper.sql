-- Prints made before anybody needs them: in the copy, and so encrypted as it is.
CREATE TABLE IF NOT EXISTS paper (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    ward TEXT NOT NULL,
    language TEXT NOT NULL,
    made TEXT NOT NULL,
    data_at TEXT,
    patients TEXT NOT NULL,
    content BLOB NOT NULL
);

CREATE INDEX IF NOT EXISTS paper_of_ward ON paper (ward, kind, language, id);

-- The next number of each series of paper forms.
CREATE TABLE IF NOT EXISTS number (
    prefix TEXT PRIMARY KEY,
    -- When the counter began: a copy that was made anew counts from 1 again, in another series.
    series TEXT NOT NULL,
    next INTEGER NOT NULL
);

-- Every number that was given to a sheet of paper, and for whom.
CREATE TABLE IF NOT EXISTS form (
    number TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    patient TEXT,
    made TEXT NOT NULL,
    made_by TEXT NOT NULL
);
