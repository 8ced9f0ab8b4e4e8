-- What browsers have told that they hold unconfirmed, for reconciliation. See docs/orders.md.

-- One row for each key that one browser of one person held. `released`: when it told that it holds it no
-- longer (it has its receipt, or was given up by whoever signed it). What is said here is the browser's word:
-- it opens nothing, and is shown to those who reconcile alone.
CREATE TABLE client_outbox (
    signer text NOT NULL,
    client text NOT NULL CHECK (length(client) <= 64),
    key text NOT NULL CHECK (length(key) <= 200),
    identity bytea NOT NULL CHECK (length(identity) = 10),
    organisation text NOT NULL,
    patient text COLLATE "C" NOT NULL CHECK (length(patient) <= 64),
    kind text NOT NULL CHECK (length(kind) <= 64),
    action text NOT NULL CHECK (length(action) <= 64),
    ward text NOT NULL CHECK (length(ward) <= 100),
    since timestamptz NOT NULL,
    told timestamptz NOT NULL,
    released timestamptz,
    PRIMARY KEY (signer, client, key)
);
CREATE INDEX client_outbox_held ON client_outbox (since) WHERE released IS NULL;
CREATE INDEX client_outbox_identity ON client_outbox (identity);
