-- Version 1 of the record. Ids, JSON and exact times are TEXT; times that are compared are microseconds since 1970.
-- Severity is its rank, from 0 (info) to 4 (critical). A SHA-256 is 64 lower-case hexadecimal digits.

-- "PoWa": by this a Pollwatch database is told from any other.
PRAGMA application_id = 1349474145;

CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the bytes of each piece of evidence lie in the packs.
CREATE TABLE evidence (
    sha256 TEXT PRIMARY KEY NOT NULL,
    pack INTEGER NOT NULL,
    pack_offset INTEGER NOT NULL,
    length INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the ledger gets, in this order. A row without ledger_index is pending.
CREATE TABLE leaves (
    leaf_id INTEGER PRIMARY KEY NOT NULL,
    statement TEXT NOT NULL UNIQUE REFERENCES evidence (sha256),
    entry BLOB NOT NULL CHECK (length(entry) <= 65535),
    ledger_index INTEGER UNIQUE
) STRICT;
CREATE INDEX leaves_pending ON leaves (leaf_id) WHERE ledger_index IS NULL;

-- The current revision of each finding; `finding` is the whole of it as JSON, the other columns are for finding it.
CREATE TABLE findings (
    finding_id TEXT PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,
    desk TEXT NOT NULL,
    kind TEXT NOT NULL,
    polarity TEXT NOT NULL,
    stage TEXT,
    severity INTEGER NOT NULL,
    target_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    tlp TEXT NOT NULL,
    confidence REAL NOT NULL,
    first_observed_us INTEGER,
    last_observed_us INTEGER,
    verdict TEXT,
    search_text TEXT NOT NULL,
    finding TEXT NOT NULL
) STRICT;
CREATE INDEX findings_by_severity ON findings (severity DESC, finding_id);
CREATE INDEX findings_by_desk ON findings (desk, polarity, severity);

CREATE TABLE finding_revisions (
    finding_id TEXT NOT NULL REFERENCES findings (finding_id),
    revision INTEGER NOT NULL,
    statement TEXT NOT NULL REFERENCES evidence (sha256),
    leaf_id INTEGER NOT NULL UNIQUE REFERENCES leaves (leaf_id),
    PRIMARY KEY (finding_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
    decision_id INTEGER PRIMARY KEY NOT NULL,
    finding_id TEXT NOT NULL REFERENCES findings (finding_id),
    decision TEXT NOT NULL,
    statement TEXT NOT NULL UNIQUE REFERENCES evidence (sha256),
    leaf_id INTEGER NOT NULL UNIQUE REFERENCES leaves (leaf_id)
) STRICT;
CREATE INDEX decisions_of_finding ON decisions (finding_id, decision_id);

CREATE TABLE runs (
    run_number INTEGER PRIMARY KEY NOT NULL,
    run_id TEXT NOT NULL UNIQUE,
    desk TEXT NOT NULL,
    started TEXT NOT NULL,
    inputs_key TEXT NOT NULL,
    inputs TEXT NOT NULL,
    is_finished INTEGER NOT NULL DEFAULT 0,
    state_version INTEGER,
    state BLOB,
    problems_total INTEGER NOT NULL DEFAULT 0,
    problems_kept INTEGER NOT NULL DEFAULT 0,
    records_lost INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_unfinished ON runs (desk, inputs_key) WHERE is_finished = 0;

-- How far each input of a run was read.
CREATE TABLE positions (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    ordinal INTEGER NOT NULL,
    input_name TEXT NOT NULL,
    byte_offset INTEGER NOT NULL,
    record INTEGER NOT NULL,
    is_done INTEGER NOT NULL,
    sha256 TEXT,
    bytes INTEGER,
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE problems (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    ordinal INTEGER NOT NULL,
    file TEXT NOT NULL,
    record INTEGER,
    what TEXT NOT NULL,
    records_lost INTEGER NOT NULL,
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;

-- sha256 is '' for a source not yet read to its end.
CREATE TABLE coverage (
    desk TEXT NOT NULL,
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    coverage TEXT NOT NULL,
    PRIMARY KEY (desk, source, sha256)
) STRICT, WITHOUT ROWID;
