-- Version 1 of access.db: who may use the console. Kept apart from the record, so that a copy of the record holds no passwords.
-- Times are seconds since 1970. Secrets of sessions and tokens are kept as SHA-256 alone.

-- "PoWb".
PRAGMA application_id = 1349474146;

CREATE TABLE accounts (
    name TEXT PRIMARY KEY NOT NULL,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    totp BLOB,
    totp_last_step INTEGER NOT NULL DEFAULT 0,
    is_disabled INTEGER NOT NULL DEFAULT 0,
    language TEXT NOT NULL DEFAULT '',
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    secret BLOB PRIMARY KEY NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    csrf BLOB NOT NULL,
    created INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_account ON sessions (account);

CREATE TABLE tokens (
    token_id TEXT PRIMARY KEY NOT NULL,
    secret BLOB NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    label TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What is to be told to the ledger as soon as the workspace is free.
CREATE TABLE outbox (
    event_id INTEGER PRIMARY KEY NOT NULL,
    event TEXT NOT NULL
) STRICT;
