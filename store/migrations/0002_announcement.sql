-- Announcements: one text to many people, frozen when it starts, sent once to each.

-- A picture or a document that goes out with an announcement.
CREATE TABLE attachment (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	name       TEXT NOT NULL CHECK (name <> ''),
	image      INTEGER NOT NULL CHECK (image IN (0, 1)),
	data       BLOB NOT NULL,
	created_at INTEGER NOT NULL
);

CREATE TABLE announcement (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	class         TEXT NOT NULL DEFAULT 'news' CHECK (class IN ('news', 'reminder', 'alert')),
	-- late: its time passed while nothing ran, and a person decides.
	state         TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved', 'late', 'sending', 'done', 'cancelled')),
	author_id     INTEGER REFERENCES member(id) ON DELETE SET NULL,
	-- Who made it and who let it go, as the audit log names them.
	author        TEXT NOT NULL DEFAULT '',
	approved_by   TEXT NOT NULL DEFAULT '',
	text_fr       TEXT NOT NULL DEFAULT '',
	text_es       TEXT NOT NULL DEFAULT '',
	text_en       TEXT NOT NULL DEFAULT '',
	audience      TEXT NOT NULL DEFAULT '',
	attachment_id INTEGER REFERENCES attachment(id),
	-- Buttons under the text, as JSON by language; empty for most.
	buttons       TEXT NOT NULL DEFAULT '' CHECK (buttons = '' OR json_valid(buttons)),
	-- When it is to start, as an instant and as the wall time and zone that it was meant in.
	start_at      INTEGER,
	start_local   TEXT NOT NULL DEFAULT '',
	start_zone    TEXT NOT NULL DEFAULT '',
	-- How long after its start it is still of use, in milliseconds; 0 means always.
	valid_for     INTEGER NOT NULL DEFAULT 0 CHECK (valid_for >= 0),
	expires_at    INTEGER,
	-- The one-use confirmation of a draft; a change to the draft makes it void.
	nonce         TEXT NOT NULL DEFAULT '',
	nonce_until   INTEGER,
	-- Where its progress is shown to whoever let it go.
	shown_network TEXT NOT NULL DEFAULT '',
	shown_chat    TEXT NOT NULL DEFAULT '',
	shown_message TEXT NOT NULL DEFAULT '',
	shown_language TEXT NOT NULL DEFAULT '',
	created_at    INTEGER NOT NULL,
	updated_at    INTEGER NOT NULL,
	started_at    INTEGER,
	paused_at     INTEGER,
	finished_at   INTEGER,
	-- Taking it back: what people read instead, and the last delivery that was treated.
	retracted_at  INTEGER,
	retract_fr    TEXT NOT NULL DEFAULT '',
	retract_es    TEXT NOT NULL DEFAULT '',
	retract_en    TEXT NOT NULL DEFAULT '',
	retract_after INTEGER NOT NULL DEFAULT 0,
	retract_done  INTEGER NOT NULL DEFAULT 0 CHECK (retract_done IN (0, 1)),
	CHECK (state = 'draft' OR (text_fr <> '' AND text_es <> '' AND audience <> '')),
	CHECK (state NOT IN ('sending', 'done') OR started_at IS NOT NULL),
	CHECK ((state IN ('done', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX announcement_one_draft ON announcement(author_id) WHERE state = 'draft' AND author_id IS NOT NULL;
CREATE INDEX announcement_alert ON announcement(expires_at) WHERE class = 'alert';
CREATE INDEX announcement_open ON announcement(state) WHERE state IN ('approved', 'late', 'sending');

-- What a running or finished announcement says does not change any more.
CREATE TRIGGER announcement_is_frozen BEFORE UPDATE OF class, text_fr, text_es, text_en, audience, attachment_id, buttons ON announcement
WHEN OLD.started_at IS NOT NULL
BEGIN
	SELECT RAISE(ABORT, 'an announcement that has started does not change');
END;

-- Its content as each kind of reader gets it, frozen at the start.
CREATE TABLE announcement_body (
	announcement_id INTEGER NOT NULL REFERENCES announcement(id) ON DELETE CASCADE,
	variant         TEXT NOT NULL CHECK (variant IN ('fr', 'es', 'en', 'both')),
	body            TEXT NOT NULL CHECK (json_valid(body)),
	PRIMARY KEY (announcement_id, variant)
) WITHOUT ROWID;
CREATE TRIGGER announcement_body_is_frozen BEFORE UPDATE ON announcement_body BEGIN SELECT RAISE(ABORT, 'a frozen body does not change'); END;

-- Who gets it, frozen at the start: blocks of address ids, a variable-length number each.
CREATE TABLE recipients (
	announcement_id INTEGER NOT NULL REFERENCES announcement(id) ON DELETE CASCADE,
	network         TEXT NOT NULL,
	block           INTEGER NOT NULL,
	size            INTEGER NOT NULL CHECK (size > 0),
	addresses       BLOB NOT NULL,
	PRIMARY KEY (announcement_id, network, block)
) WITHOUT ROWID;
CREATE TRIGGER recipients_are_frozen BEFORE UPDATE ON recipients BEGIN SELECT RAISE(ABORT, 'a frozen audience does not change'); END;

-- How far the deliveries of a network have been made, just ahead of sending.
CREATE TABLE fanout (
	announcement_id INTEGER NOT NULL REFERENCES announcement(id) ON DELETE CASCADE,
	network         TEXT NOT NULL,
	total           INTEGER NOT NULL CHECK (total >= 0),
	made            INTEGER NOT NULL DEFAULT 0 CHECK (made BETWEEN 0 AND total),
	-- Of those made, the ones whose person was erased meanwhile: no delivery stands for them.
	vanished        INTEGER NOT NULL DEFAULT 0 CHECK (vanished BETWEEN 0 AND made),
	block           INTEGER NOT NULL DEFAULT 0,
	position        INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (announcement_id, network)
) WITHOUT ROWID;

-- A room of a network for a group of the catalogue, and who is known to read it.
CREATE TABLE room (
	slug    TEXT NOT NULL REFERENCES catalogue(slug) ON DELETE CASCADE,
	network TEXT NOT NULL CHECK (network IN ('telegram', 'whatsapp')),
	chat    TEXT NOT NULL CHECK (chat <> ''),
	topic   TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (slug, network),
	UNIQUE (network, chat, topic)
) WITHOUT ROWID;
CREATE TABLE presence (
	network   TEXT NOT NULL,
	chat      TEXT NOT NULL,
	member_id INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	seen_at   INTEGER NOT NULL,
	PRIMARY KEY (network, chat, member_id)
) WITHOUT ROWID;
CREATE INDEX presence_of ON presence(member_id);

ALTER TABLE delivery ADD COLUMN announcement_id INTEGER REFERENCES announcement(id);
-- Which frozen body it shows; empty for a delivery with a body of its own.
ALTER TABLE delivery ADD COLUMN variant TEXT NOT NULL DEFAULT '' CHECK (variant IN ('', 'fr', 'es', 'en', 'both'));
-- What made it, for what must be made once: «event 5 2026-12-05 1d». Empty where repetition is no fault.
ALTER TABLE delivery ADD COLUMN cause TEXT NOT NULL DEFAULT '';
-- 1 when the person asked for it without agreeing to be written to: the reminders of an event they go to.
ALTER TABLE delivery ADD COLUMN asked INTEGER NOT NULL DEFAULT 0 CHECK (asked IN (0, 1));

-- Nobody twice: the promise that everything else here rests on.
CREATE UNIQUE INDEX delivery_of_announcement ON delivery(announcement_id, network, chat, topic) WHERE announcement_id IS NOT NULL;
CREATE UNIQUE INDEX delivery_of_cause ON delivery(cause, network, chat, topic) WHERE cause <> '';
CREATE INDEX delivery_announced_to ON delivery(member_id, announcement_id) WHERE announcement_id IS NOT NULL;
CREATE INDEX delivery_state_of ON delivery(announcement_id, state) WHERE announcement_id IS NOT NULL;

-- How many deliveries of an announcement are in each state. Only the triggers below write here, in the
-- transaction of the state that they count.
CREATE TABLE tally (
	announcement_id INTEGER NOT NULL REFERENCES announcement(id) ON DELETE CASCADE,
	network         TEXT NOT NULL,
	state           TEXT NOT NULL,
	n               INTEGER NOT NULL CHECK (n >= 0),
	PRIMARY KEY (announcement_id, network, state)
) WITHOUT ROWID;
CREATE TRIGGER tally_made AFTER INSERT ON delivery WHEN NEW.announcement_id IS NOT NULL
BEGIN
	INSERT INTO tally (announcement_id, network, state, n) VALUES (NEW.announcement_id, NEW.network, NEW.state, 1)
	ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER tally_moved AFTER UPDATE OF state ON delivery WHEN NEW.announcement_id IS NOT NULL AND NEW.state <> OLD.state
BEGIN
	UPDATE tally SET n = n - 1 WHERE announcement_id = OLD.announcement_id AND network = OLD.network AND state = OLD.state;
	INSERT INTO tally (announcement_id, network, state, n) VALUES (NEW.announcement_id, NEW.network, NEW.state, 1)
	ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER tally_removed AFTER DELETE ON delivery WHEN OLD.announcement_id IS NOT NULL
BEGIN
	UPDATE tally SET n = n - 1 WHERE announcement_id = OLD.announcement_id AND network = OLD.network AND state = OLD.state;
END;

-- As before, and a person may have a failed delivery of an announcement tried again.
DROP TRIGGER delivery_is_final;
CREATE TRIGGER delivery_is_final BEFORE UPDATE OF state ON delivery
WHEN NEW.state <> OLD.state AND (
	OLD.state IN ('stopped', 'expired', 'read')
	OR (OLD.state = 'failed' AND NOT (NEW.state = 'queued' AND OLD.announcement_id IS NOT NULL))
	OR (OLD.state = 'sent' AND NEW.state NOT IN ('delivered', 'read'))
	OR (OLD.state = 'delivered' AND NEW.state <> 'read')
	OR (OLD.state = 'unknown' AND NEW.state NOT IN ('queued', 'sent', 'failed'))
	-- What was never claimed was never sent.
	OR (OLD.state = 'queued' AND NEW.state IN ('sent', 'delivered', 'read', 'unknown'))
)
BEGIN
	SELECT RAISE(ABORT, 'a final delivery does not change');
END;
