-- What each reconciliation has found: its evidence, byte for byte as in the file. See docs/orders.md.

-- Each row's body names the SHA-256 of the one before, and who it is about is sealed in it. The record has them
-- so that both sites can show them, also where their servers are on hosts of their own.
CREATE TABLE reconciliation (
    number integer PRIMARY KEY CHECK (number > 0),
    made timestamptz NOT NULL,
    body bytea NOT NULL
);
