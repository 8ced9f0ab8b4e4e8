-- Each use of a ward's sealed emergency code at a lookup record, as its place has told it: who said they were, and
-- why. It waits here until operations or an auditor have seen it. See docs/lookup-entry.md.
CREATE TABLE code_use (
    id uuid PRIMARY KEY,
    client text COLLATE "C" NOT NULL,
    ward text COLLATE "C" NOT NULL,
    name text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    told timestamptz NOT NULL DEFAULT now(),
    seen_by text,
    seen_at timestamptz,
    CHECK ((seen_by IS NULL) = (seen_at IS NULL))
);
CREATE INDEX code_use_unseen ON code_use (at) WHERE seen_at IS NULL;
