PRAGMA foreign_keys = 0;
PRAGMA application_id = 1349474145;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'record','2026-11-25 17:07:43',1,X'35BBA56B9514B105F6E0E990C1C6866AAE3BC8384F07DD2B93063D199EE749F0A3482BD918EB8C09DD3E04B6B9E1DDCC',2080863);
CREATE TABLE coverage (
    desk TEXT NOT NULL,
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    coverage TEXT NOT NULL,
    PRIMARY KEY (desk, source, sha256)
) STRICT, WITHOUT ROWID;
INSERT INTO "coverage" VALUES('lookalike','names.txt','aeb24056810d3d1f1e8afee61a0bc0028556eb0fb49a215ae5eb1b970cad0315','{"desk":"lookalike","source":"names.txt","sha256":"aeb24056810d3d1f1e8afee61a0bc0028556eb0fb49a215ae5eb1b970cad0315","bytes":18446744073709551615,"targets":[],"window":{"first":null,"last":null},"gaps":[],"records_read":9,"records_unread":0,"is_complete":true}');
CREATE TABLE decisions (
    decision_id INTEGER PRIMARY KEY NOT NULL,
    finding_id TEXT NOT NULL REFERENCES findings (finding_id),
    decision TEXT NOT NULL,
    statement TEXT NOT NULL UNIQUE REFERENCES evidence (sha256),
    leaf_id INTEGER NOT NULL UNIQUE REFERENCES leaves (leaf_id)
) STRICT;
INSERT INTO "decisions" VALUES(1,'f-2uay75pauyztnozymu4ilvm4we','{"schema":1,"finding":"f-2uay75pauyztnozymu4ilvm4we","verdict":"confirmed","reason":"seen by eye","by":"clerk","at":"2018-08-02T00:00:00Z"}','eb1ea9db2e4d3961731e41173a8136435b4ff37a62e9ded1103314a7dd7012a5',4);
CREATE TABLE evidence (
    sha256 TEXT PRIMARY KEY NOT NULL,
    pack INTEGER NOT NULL,
    pack_offset INTEGER NOT NULL,
    length INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "evidence" VALUES('00f3b93d547e58e52dd6d25188708e3c811b4569666ab9aa75dd0d9b1c2f8ff7',1,4096,100);
INSERT INTO "evidence" VALUES('369d6d9cc3fb58a25ba136f564eed6be0f6ab3f996880756fd4a6e22af201b7c',1,4096,100);
INSERT INTO "evidence" VALUES('4ad7917930a01056a74ed3d69be2e62230ab49f0a99269c6df0ee9c444434777',1,4096,100);
INSERT INTO "evidence" VALUES('ded13ea73c4ed1de904dffbe5c5053b52cd328e93edc6d0e2f4f8909882a8d48',1,4096,100);
INSERT INTO "evidence" VALUES('eb1ea9db2e4d3961731e41173a8136435b4ff37a62e9ded1103314a7dd7012a5',1,4096,100);
CREATE TABLE finding_revisions (
    finding_id TEXT NOT NULL REFERENCES findings (finding_id),
    revision INTEGER NOT NULL,
    statement TEXT NOT NULL REFERENCES evidence (sha256),
    leaf_id INTEGER NOT NULL UNIQUE REFERENCES leaves (leaf_id),
    PRIMARY KEY (finding_id, revision)
) STRICT, WITHOUT ROWID;
INSERT INTO "finding_revisions" VALUES('f-2uay75pauyztnozymu4ilvm4we',1,'369d6d9cc3fb58a25ba136f564eed6be0f6ab3f996880756fd4a6e22af201b7c',1);
INSERT INTO "finding_revisions" VALUES('f-2uay75pauyztnozymu4ilvm4we',2,'4ad7917930a01056a74ed3d69be2e62230ab49f0a99269c6df0ee9c444434777',3);
INSERT INTO "finding_revisions" VALUES('f-zgvs66yinthy4umx6ikunx64su',1,'00f3b93d547e58e52dd6d25188708e3c811b4569666ab9aa75dd0d9b1c2f8ff7',2);
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
INSERT INTO "findings" VALUES('f-2uay75pauyztnozymu4ilvm4we',2,'lookalike','lookalike-domain','threat','prepared',4,'us-senate','adfs-senate.services','amber',0.97,1532599200123456,1532599200123456,'confirmed','f-2uay75pauyztnozymu4ilvm4we
adfs-senate.services
adfs-senate.services imitates senate.gov
us-senate
united states senate
adfs-senate.services','{"schema":1,"id":"f-2uay75pauyztnozymu4ilvm4we","desk":"lookalike","kind":"lookalike-domain","polarity":"threat","stage":"prepared","target":{"id":"us-senate","name":"United States Senate"},"subject":"adfs-senate.services","verdict":null,"severity":"critical","confidence":0.97,"tlp":"amber","observed":{"first":"2018-07-26T10:00:00.123456789Z","last":"2018-07-26T10:00:00.123456789Z"},"summary":"adfs-senate.services imitates senate.gov","reasons":[{"code":"brand-plus-lure","text":"it has the name in it","weight":31.245270191439438}],"alternatives":[],"next":"look at it","indicators":[{"type":"domain-name","value":"adfs-senate.services"}],"techniques":["T1583.001"],"evidence":[{"sha256":"ded13ea73c4ed1de904dffbe5c5053b52cd328e93edc6d0e2f4f8909882a8d48","media_type":"text/plain","locator":"names.txt:1"}],"details":{}}');
INSERT INTO "findings" VALUES('f-zgvs66yinthy4umx6ikunx64su',1,'lookalike','lookalike-domain','assurance',NULL,0,'us-senate','größe.example','amber',0.97,1532599200123456,1532599200123456,NULL,'f-zgvs66yinthy4umx6ikunx64su
größe.example
größe.example imitates senate.gov
us-senate
united states senate
größe.example','{"schema":1,"id":"f-zgvs66yinthy4umx6ikunx64su","desk":"lookalike","kind":"lookalike-domain","polarity":"assurance","stage":null,"target":{"id":"us-senate","name":"United States Senate"},"subject":"größe.example","verdict":null,"severity":"info","confidence":0.97,"tlp":"amber","observed":{"first":"2018-07-26T10:00:00.123456789Z","last":"2018-07-26T10:00:00.123456789Z"},"summary":"größe.example imitates senate.gov","reasons":[{"code":"brand-plus-lure","text":"it has the name in it","weight":31.245270191439438}],"alternatives":[],"next":"look at it","indicators":[{"type":"domain-name","value":"größe.example"}],"techniques":["T1583.001"],"evidence":[{"sha256":"1ac3e335ff17254f34e367b2190c81ca229fc8a8307e5c58783ee053f69be85f","media_type":"text/plain","locator":"names.txt:1"}],"details":{}}');
CREATE TABLE leaves (
    leaf_id INTEGER PRIMARY KEY NOT NULL,
    statement TEXT NOT NULL UNIQUE REFERENCES evidence (sha256),
    entry BLOB NOT NULL CHECK (length(entry) <= 65535),
    ledger_index INTEGER UNIQUE
) STRICT;
INSERT INTO "leaves" VALUES(1,'369d6d9cc3fb58a25ba136f564eed6be0f6ab3f996880756fd4a6e22af201b7c',X'6C656166206F662033363964366439636333666235386132356261313336663536346565643662653066366162336639393638383037353666643461366532326166323031623763',0);
INSERT INTO "leaves" VALUES(2,'00f3b93d547e58e52dd6d25188708e3c811b4569666ab9aa75dd0d9b1c2f8ff7',X'6C656166206F662030306633623933643534376535386535326464366432353138383730386533633831316234353639363636616239616137356464306439623163326638666637',1);
INSERT INTO "leaves" VALUES(3,'4ad7917930a01056a74ed3d69be2e62230ab49f0a99269c6df0ee9c444434777',X'6C656166206F662034616437393137393330613031303536613734656433643639626532653632323330616234396630613939323639633664663065653963343434343334373737',NULL);
INSERT INTO "leaves" VALUES(4,'eb1ea9db2e4d3961731e41173a8136435b4ff37a62e9ded1103314a7dd7012a5',X'7365656E20627920657965',NULL);
CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('workspace','w-1');
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
INSERT INTO "positions" VALUES('r',0,'names-0.txt',90,9,0,NULL,NULL);
CREATE TABLE problems (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    ordinal INTEGER NOT NULL,
    file TEXT NOT NULL,
    record INTEGER,
    what TEXT NOT NULL,
    records_lost INTEGER NOT NULL,
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO "problems" VALUES('r',0,'names.txt',7,'no name',1);
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
INSERT INTO "runs" VALUES(1,'r','lookalike','2018-08-01T00:00:00.000000001Z','k','[{"name":"names.txt"}]',0,3,X'7374617465',1,1,1);
CREATE INDEX leaves_pending ON leaves (leaf_id) WHERE ledger_index IS NULL;
CREATE INDEX findings_by_severity ON findings (severity DESC, finding_id);
CREATE INDEX findings_by_desk ON findings (desk, polarity, severity);
CREATE INDEX decisions_of_finding ON decisions (finding_id, decision_id);
CREATE INDEX runs_unfinished ON runs (desk, inputs_key) WHERE is_finished = 0;
COMMIT;
