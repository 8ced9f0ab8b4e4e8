-- What somebody of the staff sets for a patient says who did, and how the patient asked; the same when it is
-- lifted. Blocks from before this have none of it.

ALTER TABLE patient_block
    ADD COLUMN set_by text,
    ADD COLUMN asked text CHECK (length(asked) BETWEEN 5 AND 500),
    ADD COLUMN lifted_by text,
    ADD COLUMN lifted_at timestamptz,
    ADD COLUMN lift_asked text CHECK (length(lift_asked) BETWEEN 5 AND 500),
    ADD CONSTRAINT patient_block_lifted CHECK (
        (lifted_by IS NULL) = (lifted_at IS NULL) AND (lifted_at IS NULL) = (lift_asked IS NULL)
        AND (lifted_at IS NULL OR (until IS NOT NULL AND until <= lifted_at)));
