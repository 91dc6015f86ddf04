-- Schema 2: logs of events, of desks whose state is what their events make of it.
CREATE TABLE events (
    desk TEXT NOT NULL,
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    event TEXT NOT NULL,
    statement TEXT NOT NULL UNIQUE REFERENCES evidence (sha256),
    leaf_id INTEGER NOT NULL UNIQUE REFERENCES leaves (leaf_id),
    PRIMARY KEY (desk, stream, seq)
) STRICT, WITHOUT ROWID;
