-- Members: imports that can be taken back, several addresses of one person, doubles.

-- Grows with every change of the member: a turn that was decided on an older one is thought again, so
-- that of two accounts of one person the slower never takes a stop back.
ALTER TABLE member ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- Each import that was written, so that the newest one can be taken back.
CREATE TABLE import (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	at        INTEGER NOT NULL,
	-- How many rows the file had, whether or not they changed something.
	rows      INTEGER NOT NULL CHECK (rows >= 0),
	undone_at INTEGER
);

-- What an import did to one member, and what was there before.
CREATE TABLE import_change (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	import_id  INTEGER NOT NULL REFERENCES import(id) ON DELETE CASCADE,
	member_id  INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	-- 1 when the import made the member.
	added      INTEGER NOT NULL DEFAULT 0 CHECK (added IN (0, 1)),
	-- 1 when nobody had asked the member before, so that the import enrolled them.
	enrolled   INTEGER NOT NULL DEFAULT 0 CHECK (enrolled IN (0, 1)),
	-- 1 when the import chose the member's language.
	chosen     INTEGER NOT NULL DEFAULT 0 CHECK (chosen IN (0, 1)),
	-- The changed fields by the names of the columns, each as [before, after].
	fields     TEXT NOT NULL CHECK (json_valid(fields)),
	-- The groups that the import put the member into and took them out of.
	joined     TEXT NOT NULL CHECK (json_valid(joined)),
	parted     TEXT NOT NULL CHECK (json_valid(parted)),
	-- The address that the import gave the member, or NULL.
	address_id INTEGER REFERENCES address(id) ON DELETE SET NULL,
	-- 1 after a merge: what the import did can no longer be told from what the other member had.
	merged     INTEGER NOT NULL DEFAULT 0 CHECK (merged IN (0, 1))
);
CREATE INDEX import_change_in ON import_change(import_id);
CREATE INDEX import_change_of ON import_change(member_id);
CREATE INDEX import_change_at ON import_change(address_id) WHERE address_id IS NOT NULL;

-- As before, and staff may take an enrolment back.
CREATE TABLE consent_new (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	member_id INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	change    TEXT NOT NULL CHECK (change IN ('enrolled', 'given', 'refused', 'stopped', 'resumed', 'unenrolled')),
	how       TEXT NOT NULL,
	at        INTEGER NOT NULL
);
INSERT INTO consent_new (id, member_id, change, how, at) SELECT id, member_id, change, how, at FROM consent;
DROP TABLE consent;
ALTER TABLE consent_new RENAME TO consent;
CREATE INDEX consent_of ON consent(member_id, at);

-- Codes by which a person says that two addresses are theirs. The code itself is shown once and never
-- kept.
CREATE TABLE link_code (
	code_hash  TEXT PRIMARY KEY,
	member_id  INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	-- Where it was asked for, and where is told that it was used; empty when staff made it.
	network    TEXT NOT NULL DEFAULT '',
	chat       TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_at    INTEGER,
	CHECK (expires_at > created_at)
) WITHOUT ROWID;
CREATE INDEX link_code_of ON link_code(member_id);

-- Two members who may be one person: noted by the bot, or looked at by staff and found to be two.
CREATE TABLE duplicate (
	a_id         INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	b_id         INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	noted_at     INTEGER NOT NULL,
	dismissed_at INTEGER,
	PRIMARY KEY (a_id, b_id),
	CHECK (a_id < b_id)
) WITHOUT ROWID;
CREATE INDEX duplicate_of ON duplicate(b_id);
