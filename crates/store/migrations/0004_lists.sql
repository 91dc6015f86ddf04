-- Version 4: what the console's lists and counts are read from, so that no page walks 100,000 findings.

-- Lists by urgency and by time. The columns that are filtered by stand in the index, so that a row is fetched only when it is shown.
DROP INDEX findings_by_severity;
CREATE INDEX findings_by_urgency ON findings
    (severity DESC, finding_id, polarity, desk, kind, stage, verdict, target_id, last_observed_us, first_observed_us);
CREATE INDEX findings_by_time ON findings
    (last_observed_us DESC, finding_id, severity, polarity, desk, kind, stage, verdict, target_id, first_observed_us);
-- Counts over all findings are read from this index alone.
CREATE INDEX findings_by_target ON findings
    (target_id, polarity, severity, stage, desk, kind, tlp, verdict, first_observed_us, last_observed_us);

-- Rare combinations, such as one stage of one desk, which a walk by urgency meets late.
CREATE INDEX findings_by_stage ON findings (stage, desk, severity DESC, finding_id);

-- Text search by three letters and up, in the middle of words too (SQLite, "FTS5", section 4.3.4).
CREATE VIRTUAL TABLE findings_text USING fts5 (
    search_text, content = 'findings', content_rowid = 'rowid', tokenize = 'trigram', detail = 'none'
);
INSERT INTO findings_text (findings_text) VALUES ('rebuild');
CREATE TRIGGER findings_text_insert AFTER INSERT ON findings BEGIN
    INSERT INTO findings_text (rowid, search_text) VALUES (new.rowid, new.search_text);
END;
CREATE TRIGGER findings_text_update AFTER UPDATE OF search_text ON findings WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO findings_text (findings_text, rowid, search_text) VALUES ('delete', old.rowid, old.search_text);
    INSERT INTO findings_text (rowid, search_text) VALUES (new.rowid, new.search_text);
END;
