-- Broken glass and lists hold for the role and the place of work in which they were made, and for no other.

-- NULL: from before roles were kept, or from a server that is not yet the newest. It holds for every role that
-- may break the glass, and ends within hours.
ALTER TABLE override ADD COLUMN role text;

-- Entries from before can't say whose role they are of, so they end.
DELETE FROM personal_list;
ALTER TABLE personal_list
    ADD COLUMN role text NOT NULL,
    ADD COLUMN organisation text NOT NULL,
    DROP CONSTRAINT personal_list_pkey,
    ADD PRIMARY KEY (account, role, organisation, patient);
