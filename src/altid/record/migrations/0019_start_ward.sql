-- The ward at which somebody begins when they log on at a place of work: one's own choice, which opens nothing.
CREATE TABLE start_ward (
    account uuid NOT NULL REFERENCES account (id),
    organisation text NOT NULL,
    ward text COLLATE "C" NOT NULL CHECK (length(ward) BETWEEN 1 AND 64),
    PRIMARY KEY (account, organisation)
);
