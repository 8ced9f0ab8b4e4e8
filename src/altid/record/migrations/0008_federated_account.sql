-- Accounts that belong to somebody whom one of the region's identity providers knows.

CREATE TABLE federated_account (
    -- Whose subjects they are: an OpenID issuer or the entity id of a SAML provider.
    authority text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    account uuid NOT NULL UNIQUE REFERENCES account (id),
    created timestamptz NOT NULL,
    last_logon timestamptz NOT NULL,
    PRIMARY KEY (authority, subject)
);
