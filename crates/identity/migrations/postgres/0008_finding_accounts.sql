-- Accounts are found by how a name begins, letter by letter, whatever the order of the database's language is.
CREATE INDEX users_by_email_prefix ON users (email_key COLLATE "C");
CREATE INDEX users_by_username_prefix ON users (username_key COLLATE "C");
CREATE INDEX users_by_name_prefix ON users (lower(name) COLLATE "C");

-- Why a session ended is told by those who end it: a list here would be one more place for every new word.
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_known;
