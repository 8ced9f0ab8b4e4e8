-- Who may come in: accounts, their passkeys and re-entries, sessions, signing keys, systems.
--
-- Nothing here opens a door to whoever reads it: passwords and PINs are argon2id, tokens and badges are
-- hashes, private keys are sealed under the access secret, which is never in the database.
-- All times are the servers' clocks, which they give as arguments: `now()` is used nowhere.

CREATE TABLE account (
    id uuid PRIMARY KEY,
    -- Lower case, NFKC, so that two spellings are one account (accounts.username_of).
    username text COLLATE "C" NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 64),
    name text NOT NULL,
    -- argon2id as a PHC string; NULL: no password, another way of logging on.
    password text CHECK (password LIKE '$argon2id$%'),
    roles text[] NOT NULL CHECK (cardinality(roles) > 0),
    organisations text[] NOT NULL CHECK (cardinality(organisations) > 0),
    -- Literal reference to the person's resource, "Practitioner/123".
    practitioner text,
    must_change boolean NOT NULL DEFAULT false,
    created timestamptz NOT NULL,
    disabled_at timestamptz
);
CREATE INDEX account_disabled ON account (disabled_at) WHERE disabled_at IS NOT NULL;
CREATE INDEX account_organisations ON account USING gin (organisations);

CREATE TABLE passkey (
    credential bytea PRIMARY KEY,
    account uuid NOT NULL REFERENCES account (id),
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    created timestamptz NOT NULL,
    last_used timestamptz
);
CREATE INDEX passkey_account ON passkey (account);

-- A shared PC on a ward, made known by an administrator. It shows its key in a cookie of its own.
CREATE TABLE workplace (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    organisation text NOT NULL,
    key_hash bytea NOT NULL UNIQUE,
    created timestamptz NOT NULL,
    disabled_at timestamptz
);

-- Back in at that workplace by badge or PIN, for the rest of a shift.
CREATE TABLE reentry (
    account uuid NOT NULL REFERENCES account (id),
    workplace uuid NOT NULL REFERENCES workplace (id),
    badge_hash bytea,
    pin text CHECK (pin LIKE '$argon2id$%'),
    role text NOT NULL,
    organisation text NOT NULL,
    level text NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (account, workplace),
    CHECK (badge_hash IS NOT NULL OR pin IS NOT NULL)
);
CREATE UNIQUE INDEX reentry_badge ON reentry (workplace, badge_hash);
CREATE INDEX reentry_expires ON reentry (expires);

CREATE TABLE session (
    sid uuid PRIMARY KEY,
    account uuid NOT NULL REFERENCES account (id),
    role text NOT NULL,
    organisation text NOT NULL,
    level text NOT NULL,
    -- Who said that it is this person: 'local', or the name of an identity provider.
    idp text NOT NULL,
    -- SHA-256 of the refresh token that is valid now, and its number in the chain.
    refresh_hash bytea NOT NULL,
    refresh_number integer NOT NULL,
    created timestamptz NOT NULL,
    last_used timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    ended timestamptz,
    end_reason text
) WITH (fillfactor = 80);
CREATE INDEX session_account ON session (account) WHERE ended IS NULL;
-- What the servers' revocation sets are read from, every few seconds.
CREATE INDEX session_ended ON session (ended) WHERE ended IS NOT NULL;
CREATE INDEX session_expires ON session (expires);

CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    public_jwk jsonb NOT NULL,
    -- AES-256-GCM under a key derived from the access secret; the kid is bound in.
    private_sealed bytea NOT NULL,
    created timestamptz NOT NULL,
    not_before timestamptz NOT NULL,
    -- From then on its signatures are refused.
    retired timestamptz
);

-- Systems (SMART backend services): they prove themselves by their own key.
CREATE TABLE client (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    name text NOT NULL,
    organisation text NOT NULL,
    jwks jsonb NOT NULL,
    scopes text[] NOT NULL,
    created timestamptz NOT NULL,
    disabled_at timestamptz
);

-- What may be used only once (assertions, challenges), until it would be refused for its age anyway.
CREATE TABLE spent (
    digest bytea PRIMARY KEY,
    expires timestamptz NOT NULL
);
CREATE INDEX spent_expires ON spent (expires);

-- A link that makes an account or gives it a new password, once.
CREATE TABLE invitation (
    digest bytea PRIMARY KEY,
    -- NULL: whoever redeems it makes the account.
    account uuid REFERENCES account (id),
    roles text[] NOT NULL,
    organisations text[] NOT NULL,
    created timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    used timestamptz
);
