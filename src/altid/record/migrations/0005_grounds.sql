-- Why somebody may look at a patient, beyond what the record itself tells (admissions, referrals): lists of
-- one's own, broken glass (værdispring), and what patients have blocked (MinSpærring).

CREATE TABLE personal_list (
    account text NOT NULL,
    patient text COLLATE "C" NOT NULL,
    added timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (account, patient)
);

CREATE TABLE override (
    id uuid PRIMARY KEY,
    account text NOT NULL,
    patient text COLLATE "C" NOT NULL,
    organisation text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('acute', 'consent', 'incomplete-relation', 'other-law')),
    reason text NOT NULL CHECK (length(reason) BETWEEN 10 AND 1000),
    began timestamptz NOT NULL,
    until timestamptz NOT NULL,
    -- Every broken glass is followed up by somebody else.
    followed_up_by text,
    followed_up_at timestamptz,
    finding text CHECK (finding IN ('justified', 'unjustified')),
    remark text,
    CHECK ((followed_up_by IS NULL) = (finding IS NULL))
);
CREATE INDEX override_account ON override (account, patient, until);
CREATE INDEX override_open ON override (began) WHERE finding IS NULL;

-- NULL means any: any person, any organisation, any period. `data_low`/`data_high` block what is of that
-- period only; without them all of the patient's record is blocked.
CREATE TABLE patient_block (
    id uuid PRIMARY KEY,
    patient text COLLATE "C" NOT NULL,
    account text,
    organisation text,
    data_low timestamptz,
    data_high timestamptz,
    since timestamptz NOT NULL,
    until timestamptz,
    CHECK ((data_low IS NULL) = (data_high IS NULL) AND data_low < data_high)
);
CREATE INDEX patient_block_patient ON patient_block (patient);
