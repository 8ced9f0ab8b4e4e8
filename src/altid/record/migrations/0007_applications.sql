-- Applications that people use (SMART App Launch): where they are sent back to, the sessions that somebody has
-- opened for them, and the codes that such a session begins with.

ALTER TABLE client
    -- NULL: a public application, which can keep no key.
    ALTER COLUMN jwks DROP NOT NULL,
    -- Exactly these, character by character. None: a system, which no person uses.
    ADD COLUMN redirect_uris text[] NOT NULL DEFAULT '{}',
    ADD CHECK (jwks IS NOT NULL OR cardinality(redirect_uris) > 0);

ALTER TABLE session
    -- The application; NULL: the person's own session.
    ADD COLUMN client text REFERENCES client (id),
    -- What it was given, SMART scopes; and the patient whom it is about.
    ADD COLUMN scopes text[],
    ADD COLUMN patient text COLLATE "C",
    -- The person's own session in which they have said yes. It takes this one with it when it ends.
    ADD COLUMN parent uuid,
    ADD CHECK ((client IS NULL) = (scopes IS NULL) AND (client IS NULL) = (parent IS NULL)),
    ADD CHECK (client IS NULL OR cardinality(scopes) > 0),
    ADD CHECK (client IS NOT NULL OR patient IS NULL);
CREATE INDEX session_parent ON session (parent) WHERE parent IS NOT NULL AND ended IS NULL;
CREATE INDEX session_client ON session (client) WHERE client IS NOT NULL AND ended IS NULL;

-- One-time codes. A used one stays for a while, so that its second use is seen and ends what it has begun.
CREATE TABLE authorization_code (
    digest bytea PRIMARY KEY,
    client text NOT NULL REFERENCES client (id),
    redirect_uri text NOT NULL,
    -- SHA-256 of the secret that the application kept (PKCE), in base64url.
    challenge text NOT NULL,
    nonce text,
    parent uuid NOT NULL,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    patient text COLLATE "C",
    expires timestamptz NOT NULL,
    used timestamptz,
    -- What it has begun.
    session uuid
);
CREATE INDEX authorization_code_expires ON authorization_code (expires);
