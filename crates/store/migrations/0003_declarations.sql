-- Version 3 of the record: statements of the ledger that are neither findings nor decisions, and what other offices sent.

-- Tallies, exports and imports, in the order in which they were recorded; `body` is the statement's content as JSON.
CREATE TABLE declarations (
    declaration_id INTEGER PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    statement TEXT NOT NULL UNIQUE REFERENCES evidence (sha256),
    leaf_id INTEGER NOT NULL UNIQUE REFERENCES leaves (leaf_id)
) STRICT;
CREATE INDEX declarations_of_kind ON declarations (kind, declaration_id);

-- What the newest import from each other ledger brought: a whole that the next import from it replaces.
CREATE TABLE imported (
    origin TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('finding', 'decision', 'coverage')),
    body TEXT NOT NULL,
    revision INTEGER,
    statement TEXT,
    entry_index INTEGER,
    declaration_id INTEGER NOT NULL REFERENCES declarations (declaration_id),
    PRIMARY KEY (origin, ordinal)
) STRICT, WITHOUT ROWID;
