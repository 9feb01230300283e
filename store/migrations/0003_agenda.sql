-- Events, who comes, their reminders; each person's deadlines. Wall times are text, 'YYYY-MM-DD HH:MM' or a
-- day alone, by the clock of the event's zone; instants beside them are milliseconds in UTC.

CREATE TABLE event (
	-- Not AUTOINCREMENT: people read this number, and each save of a draft would use one up. Only drafts are
	-- ever deleted, and nobody knows the number of one.
	id         INTEGER PRIMARY KEY,
	-- What calendar files call it, for ever.
	uid        TEXT NOT NULL UNIQUE,
	title_fr   TEXT NOT NULL DEFAULT '',
	title_es   TEXT NOT NULL DEFAULT '',
	title_en   TEXT NOT NULL DEFAULT '',
	start_wall TEXT NOT NULL DEFAULT '',
	end_wall   TEXT NOT NULL DEFAULT '' CHECK (end_wall = '' OR end_wall >= start_wall),
	zone       TEXT NOT NULL DEFAULT '',
	place      TEXT NOT NULL DEFAULT '',
	link       TEXT NOT NULL DEFAULT '',
	-- 0 is as many as like.
	seats      INTEGER NOT NULL DEFAULT 0 CHECK (seats >= 0),
	audience   TEXT NOT NULL DEFAULT '',
	-- How it repeats (RFC 5545); empty is once.
	rule       TEXT NOT NULL DEFAULT '',
	state      TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'planned', 'cancelled')),
	-- How far the author of a draft got.
	step       TEXT NOT NULL DEFAULT '',
	author_id  INTEGER REFERENCES member(id) ON DELETE SET NULL,
	-- Up to which day its occurrences are made.
	made_until TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	CHECK (state = 'draft' OR (title_fr <> '' AND title_es <> '' AND start_wall <> '' AND zone <> '' AND audience <> ''))
);
CREATE UNIQUE INDEX event_one_draft ON event(author_id) WHERE state = 'draft' AND author_id IS NOT NULL;
CREATE INDEX event_recurring ON event(made_until) WHERE state = 'planned' AND rule <> '';

CREATE TABLE organiser (
	event_id  INTEGER NOT NULL REFERENCES event(id) ON DELETE CASCADE,
	member_id INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	PRIMARY KEY (event_id, member_id)
) WITHOUT ROWID;
CREATE INDEX organiser_of ON organiser(member_id);

CREATE TABLE occurrence (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	event_id   INTEGER NOT NULL REFERENCES event(id) ON DELETE CASCADE,
	-- The day of the rule that it stands for, whatever day it was moved to.
	rule_date  TEXT NOT NULL,
	start_wall TEXT NOT NULL CHECK (start_wall <> ''),
	end_wall   TEXT NOT NULL DEFAULT '' CHECK (end_wall = '' OR end_wall >= start_wall),
	starts_at  INTEGER NOT NULL,
	ends_at    INTEGER NOT NULL CHECK (ends_at >= starts_at),
	place      TEXT NOT NULL DEFAULT '',
	link       TEXT NOT NULL DEFAULT '',
	seats      INTEGER NOT NULL DEFAULT 0 CHECK (seats >= 0),
	state      TEXT NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'moved', 'cancelled')),
	-- Counts the changes, for calendar files and so that each is told once.
	sequence   INTEGER NOT NULL DEFAULT 0 CHECK (sequence >= 0),
	UNIQUE (event_id, rule_date)
);
CREATE INDEX occurrence_ends ON occurrence(ends_at);

CREATE TABLE rsvp (
	occurrence_id INTEGER NOT NULL REFERENCES occurrence(id) ON DELETE CASCADE,
	member_id     INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	answer        TEXT NOT NULL CHECK (answer IN ('yes', 'no', 'maybe', 'waiting')),
	-- The order of the waiting list: it grows with every answer, whatever the clock does.
	rank          INTEGER NOT NULL,
	at            INTEGER NOT NULL,
	PRIMARY KEY (occurrence_id, member_id)
) WITHOUT ROWID;
CREATE INDEX rsvp_of ON rsvp(member_id);
CREATE INDEX rsvp_waiting ON rsvp(occurrence_id, rank) WHERE answer = 'waiting';

-- Never more yes than seats. Lowering the seats sends nobody away, but nobody new comes in.
CREATE TRIGGER rsvp_seats_taken BEFORE INSERT ON rsvp
WHEN NEW.answer = 'yes' AND (SELECT seats FROM occurrence WHERE id = NEW.occurrence_id) > 0
	AND (SELECT COUNT(*) FROM rsvp WHERE occurrence_id = NEW.occurrence_id AND answer = 'yes' AND member_id <> NEW.member_id)
		>= (SELECT seats FROM occurrence WHERE id = NEW.occurrence_id)
BEGIN
	SELECT RAISE(ABORT, 'every seat is taken');
END;
CREATE TRIGGER rsvp_seats_kept BEFORE UPDATE OF answer ON rsvp
WHEN NEW.answer = 'yes' AND OLD.answer <> 'yes' AND (SELECT seats FROM occurrence WHERE id = NEW.occurrence_id) > 0
	AND (SELECT COUNT(*) FROM rsvp WHERE occurrence_id = NEW.occurrence_id AND answer = 'yes')
		>= (SELECT seats FROM occurrence WHERE id = NEW.occurrence_id)
BEGIN
	SELECT RAISE(ABORT, 'every seat is taken');
END;

-- One row a reminder, a start and an occurrence: what was sent for a start is not sent again for it.
CREATE TABLE reminder (
	occurrence_id INTEGER NOT NULL REFERENCES occurrence(id) ON DELETE CASCADE,
	kind          TEXT NOT NULL,
	starts_at     INTEGER NOT NULL,
	due_at        INTEGER NOT NULL,
	state         TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'skipped')),
	PRIMARY KEY (occurrence_id, kind, starts_at)
) WITHOUT ROWID;
CREATE INDEX reminder_due ON reminder(due_at) WHERE state = 'pending';
CREATE TRIGGER reminder_is_final BEFORE UPDATE OF state ON reminder WHEN OLD.state <> 'pending'
BEGIN
	SELECT RAISE(ABORT, 'a reminder leaves once');
END;

-- What a person said of their papers, for the day it was about.
CREATE TABLE formality (
	member_id INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	kind      TEXT NOT NULL,
	anchor    TEXT NOT NULL,
	state     TEXT NOT NULL CHECK (state IN ('todo', 'claimed', 'proved')),
	at        INTEGER NOT NULL,
	PRIMARY KEY (member_id, kind)
) WITHOUT ROWID;

CREATE TABLE deadline (
	member_id INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	kind      TEXT NOT NULL,
	anchor    TEXT NOT NULL,
	-- In days from the anchor.
	days      INTEGER NOT NULL,
	-- The day it falls on where the person is.
	day       TEXT NOT NULL,
	due_at    INTEGER NOT NULL,
	state     TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'skipped', 'done')),
	PRIMARY KEY (member_id, kind, anchor, days)
) WITHOUT ROWID;
CREATE INDEX deadline_due ON deadline(due_at) WHERE state = 'pending';
CREATE TRIGGER deadline_is_final BEFORE UPDATE OF state ON deadline WHEN OLD.state IN ('sent', 'skipped') AND NEW.state <> OLD.state
BEGIN
	SELECT RAISE(ABORT, 'a deadline is told once');
END;

-- 1 when what the deadlines are counted from has changed since they were planned.
ALTER TABLE member ADD COLUMN plan_stale INTEGER NOT NULL DEFAULT 1 CHECK (plan_stale IN (0, 1));
CREATE INDEX member_stale ON member(id) WHERE plan_stale = 1;
CREATE TRIGGER member_plan AFTER UPDATE OF arrival, mission_end, visa_end, kind, scheme, region, timezone ON member
WHEN NEW.arrival <> OLD.arrival OR NEW.mission_end <> OLD.mission_end OR NEW.visa_end <> OLD.visa_end OR NEW.kind <> OLD.kind
	OR NEW.scheme <> OLD.scheme OR NEW.region <> OLD.region OR NEW.timezone <> OLD.timezone
BEGIN
	UPDATE member SET plan_stale = 1 WHERE id = NEW.id;
END;

-- The calendar that a member subscribed to: the secret in its address was shown once and is not kept.
CREATE TABLE calendar_feed (
	member_id   INTEGER PRIMARY KEY REFERENCES member(id) ON DELETE CASCADE,
	secret_hash TEXT NOT NULL UNIQUE,
	created_at  INTEGER NOT NULL
);
