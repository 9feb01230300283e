-- Deliveries: what leaves by the ten thousand is checked and indexed with less work.

-- The table as before, with its lists of values written out: for a list of more than two SQLite makes a table of its own
-- each time that it checks a row, which cost more than the row.
CREATE TABLE delivery_new (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	-- Given before the first try and the same at every try.
	key         TEXT NOT NULL UNIQUE,
	lane        INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 3),
	network     TEXT NOT NULL CHECK (network = 'telegram' OR network = 'whatsapp' OR network = 'web' OR network = 'terminal'),
	chat        TEXT NOT NULL CHECK (chat <> ''),
	topic       TEXT NOT NULL DEFAULT '',
	member_id   INTEGER REFERENCES member(id) ON DELETE SET NULL,
	ticket_id   INTEGER REFERENCES ticket(id) ON DELETE SET NULL,
	body        TEXT NOT NULL CHECK (json_valid(body)),
	state       TEXT NOT NULL DEFAULT 'queued' CHECK (state = 'sending' OR state = 'sent' OR state = 'queued' OR state = 'delivered'
		OR state = 'read' OR state = 'failed' OR state = 'stopped' OR state = 'expired' OR state = 'unknown'),
	attempt     INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
	-- How many tries may have arrived without anybody knowing: one is repeated, a second is not.
	unsure      INTEGER NOT NULL DEFAULT 0 CHECK (unsure >= 0),
	due_at      INTEGER NOT NULL,
	expires_at  INTEGER,
	created_at  INTEGER NOT NULL,
	claimed_at  INTEGER,
	done_at     INTEGER,
	provider_id TEXT NOT NULL DEFAULT '',
	-- What last went wrong, by class and in words without names, numbers or texts.
	fault       TEXT NOT NULL DEFAULT '',
	reason      TEXT NOT NULL DEFAULT '',
	announcement_id INTEGER REFERENCES announcement(id),
	-- Which frozen body it shows; empty for a delivery with a body of its own.
	variant     TEXT NOT NULL DEFAULT '' CHECK (variant = '' OR variant = 'fr' OR variant = 'es' OR variant = 'en' OR variant = 'both'),
	-- What made it, for what must be made once: «event 5 2026-12-05 1d». Empty where repetition is no fault.
	cause       TEXT NOT NULL DEFAULT '',
	-- 1 when the person asked for it without agreeing to be written to: the reminders of an event they go to.
	asked       INTEGER NOT NULL DEFAULT 0 CHECK (asked IN (0, 1)),
	CHECK ((state = 'sending') = (claimed_at IS NOT NULL)),
	CHECK ((state = 'queued' OR state = 'sending') = (done_at IS NULL))
);
INSERT INTO delivery_new (id, key, lane, network, chat, topic, member_id, ticket_id, body, state, attempt, unsure, due_at, expires_at, created_at,
	claimed_at, done_at, provider_id, fault, reason, announcement_id, variant, cause, asked)
SELECT id, key, lane, network, chat, topic, member_id, ticket_id, body, state, attempt, unsure, due_at, expires_at, created_at,
	claimed_at, done_at, provider_id, fault, reason, announcement_id, variant, cause, asked FROM delivery;
-- A number is never given twice, not even that of a delivery that was removed.
DELETE FROM sqlite_sequence WHERE name = 'delivery_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'delivery_new', seq FROM sqlite_sequence WHERE name = 'delivery';
DROP TABLE delivery;
ALTER TABLE delivery_new RENAME TO delivery;

CREATE INDEX delivery_ready ON delivery(network, lane, due_at, id) WHERE state = 'queued';
CREATE INDEX delivery_shown ON delivery(network, chat, provider_id) WHERE provider_id <> '' AND ticket_id IS NOT NULL;
-- Nobody twice: the promise that announcements rest on.
CREATE UNIQUE INDEX delivery_of_announcement ON delivery(announcement_id, network, chat, topic) WHERE announcement_id IS NOT NULL;
CREATE UNIQUE INDEX delivery_of_cause ON delivery(cause, network, chat, topic) WHERE cause <> '';
-- What is open is few, and is asked after all the time: its index answers alone.
CREATE INDEX delivery_open ON delivery(network, chat, lane, state, announcement_id) WHERE state IN ('queued', 'sending');
-- A delivery that arrives is in no state for which staff look by name often: it stands in one index that
-- never changes, and the states that somebody acts on have theirs.
CREATE INDEX delivery_in_announcement ON delivery(announcement_id) WHERE announcement_id IS NOT NULL;
CREATE INDEX delivery_amiss ON delivery(announcement_id, state)
	WHERE state = 'queued' OR state = 'failed' OR state = 'stopped' OR state = 'expired' OR state = 'unknown';
-- What is asked after by person or by ticket must not read two million others.
CREATE INDEX delivery_of_member ON delivery(member_id, announcement_id) WHERE member_id IS NOT NULL;
CREATE INDEX delivery_of_ticket ON delivery(ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX delivery_unknown ON delivery(announcement_id) WHERE state = 'unknown';
-- Only what belongs to no announcement is removed by age.
CREATE INDEX delivery_done ON delivery(done_at) WHERE done_at IS NOT NULL AND announcement_id IS NULL;

-- As before, but in one trigger and without what is in flight: a claim would be counted only to be counted
-- back at once, and whoever asks counts the few that are open instead. One final state is recorded once; a sent
-- delivery may still be reported delivered and read, an unknown one may be decided, and a person may have a failed
-- one of an announcement tried again. What was never claimed was never sent.
DELETE FROM tally WHERE state = 'sending';
CREATE TRIGGER tally_made AFTER INSERT ON delivery WHEN NEW.state <> 'sending' AND NEW.announcement_id IS NOT NULL
BEGIN
	INSERT INTO tally (announcement_id, network, state, n) VALUES (NEW.announcement_id, NEW.network, NEW.state, 1)
	ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER delivery_moves AFTER UPDATE OF state ON delivery WHEN NEW.state <> OLD.state
BEGIN
	SELECT RAISE(ABORT, 'a final delivery does not change') WHERE OLD.state <> 'sending' AND (
		OLD.state IN ('stopped', 'expired', 'read')
		OR (OLD.state = 'failed' AND NOT (NEW.state = 'queued' AND OLD.announcement_id IS NOT NULL))
		OR (OLD.state = 'sent' AND NEW.state NOT IN ('delivered', 'read'))
		OR (OLD.state = 'delivered' AND NEW.state <> 'read')
		OR (OLD.state = 'unknown' AND NEW.state NOT IN ('queued', 'sent', 'failed'))
		OR (OLD.state = 'queued' AND NEW.state IN ('sent', 'delivered', 'read', 'unknown')));
	UPDATE tally SET n = n - 1
	WHERE OLD.state <> 'sending' AND announcement_id = OLD.announcement_id AND network = OLD.network AND state = OLD.state;
	INSERT INTO tally (announcement_id, network, state, n)
	SELECT NEW.announcement_id, NEW.network, NEW.state, 1 WHERE NEW.state <> 'sending' AND NEW.announcement_id IS NOT NULL
	ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER tally_removed AFTER DELETE ON delivery WHEN OLD.state <> 'sending' AND OLD.announcement_id IS NOT NULL
BEGIN
	UPDATE tally SET n = n - 1 WHERE announcement_id = OLD.announcement_id AND network = OLD.network AND state = OLD.state;
END;

-- Who freezes the audience of an announcement now: a large one is written down in many transactions before the one
-- that starts it, and of two processes only the later may go on.
ALTER TABLE announcement ADD COLUMN freezing TEXT NOT NULL DEFAULT '';
