-- Times are integer milliseconds since 1970 in UTC; dates are text YYYY-MM-DD, since
-- they mean a day where the person is and not an instant.

CREATE TABLE member (
	id              INTEGER PRIMARY KEY AUTOINCREMENT,
	name            TEXT NOT NULL DEFAULT '',
	language        TEXT NOT NULL DEFAULT '' CHECK (language IN ('', 'fr', 'es', 'en')),
	-- 1 once the person chose it: from then on what they write no longer changes it.
	language_chosen INTEGER NOT NULL DEFAULT 0 CHECK (language_chosen IN (0, 1)),
	kind            TEXT NOT NULL DEFAULT '' CHECK (kind IN ('', 'candidate', 'volunteer', 'reciprocity', 'host', 'sender', 'institution', 'family', 'alumni', 'staff')),
	scheme          TEXT NOT NULL DEFAULT '',
	region          TEXT NOT NULL DEFAULT '',
	host            TEXT NOT NULL DEFAULT '',
	sender          TEXT NOT NULL DEFAULT '',
	nationality     TEXT NOT NULL DEFAULT '',
	gender          TEXT NOT NULL DEFAULT '',
	email           TEXT NOT NULL DEFAULT '',
	phone           TEXT NOT NULL DEFAULT '',
	timezone        TEXT NOT NULL DEFAULT '',
	arrival         TEXT NOT NULL DEFAULT '' CHECK (arrival = '' OR arrival GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
	mission_end     TEXT NOT NULL DEFAULT '' CHECK (mission_end = '' OR mission_end GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
	visa_end        TEXT NOT NULL DEFAULT '' CHECK (visa_end = '' OR visa_end GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
	buddy           TEXT NOT NULL DEFAULT '',
	emergency_name  TEXT NOT NULL DEFAULT '',
	emergency_phone TEXT NOT NULL DEFAULT '',
	-- none: never asked; enrolled: staff imported them; given and refused: they said so.
	consent         TEXT NOT NULL DEFAULT 'none' CHECK (consent IN ('none', 'enrolled', 'given', 'refused')),
	stopped_at      INTEGER,
	-- How far the short profile got: '' never offered, a question's name, or 'done'.
	profile         TEXT NOT NULL DEFAULT '',
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	CHECK (arrival = '' OR mission_end = '' OR arrival <= mission_end)
);

-- What people agreed to and when, kept as it happened: the current state is in member.
CREATE TABLE consent (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	member_id INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	change    TEXT NOT NULL CHECK (change IN ('enrolled', 'given', 'refused', 'stopped', 'resumed')),
	how       TEXT NOT NULL,
	at        INTEGER NOT NULL
);
CREATE INDEX consent_of ON consent(member_id, at);

CREATE TABLE address (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	member_id  INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	network    TEXT NOT NULL CHECK (network IN ('telegram', 'whatsapp', 'web', 'terminal')),
	chat       TEXT NOT NULL CHECK (chat <> ''),
	-- gone: blocked or left; nothing is sent there until its owner comes back.
	state      TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'gone')),
	-- 1 once the person wrote from it: on WhatsApp nobody else is written to.
	wrote      INTEGER NOT NULL DEFAULT 0 CHECK (wrote IN (0, 1)),
	preferred  INTEGER NOT NULL DEFAULT 0 CHECK (preferred IN (0, 1)),
	created_at INTEGER NOT NULL,
	UNIQUE (network, chat)
);
CREATE INDEX address_of ON address(member_id);
CREATE UNIQUE INDEX address_preferred ON address(member_id) WHERE preferred = 1;

-- Who asked to be forgotten, as keyed hashes of their addresses and phone: an import then refuses
-- them, and nobody can read from here who they were.
CREATE TABLE forgotten (
	mark TEXT PRIMARY KEY,
	at   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE catalogue (
	slug     TEXT PRIMARY KEY,
	kind     TEXT NOT NULL CHECK (kind IN ('mandatory', 'region', 'topic', 'cohort', 'hosts')),
	region   TEXT NOT NULL DEFAULT '',
	title_fr TEXT NOT NULL,
	title_es TEXT NOT NULL,
	title_en TEXT NOT NULL,
	position INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE membership (
	member_id INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	slug      TEXT NOT NULL REFERENCES catalogue(slug) ON DELETE CASCADE,
	joined_at INTEGER NOT NULL,
	PRIMARY KEY (member_id, slug)
) WITHOUT ROWID;

CREATE TABLE role (
	member_id  INTEGER PRIMARY KEY REFERENCES member(id) ON DELETE CASCADE,
	role       TEXT NOT NULL CHECK (role IN ('admin', 'publisher', 'agent')),
	granted_at INTEGER NOT NULL,
	granted_by TEXT NOT NULL
);

CREATE TABLE invite (
	-- The code itself is shown once and never kept.
	code_hash  TEXT PRIMARY KEY,
	role       TEXT NOT NULL CHECK (role IN ('admin', 'publisher', 'agent')),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_at    INTEGER,
	CHECK (expires_at > created_at)
) WITHOUT ROWID;

-- Wrong codes by address; the fifth locks it.
CREATE TABLE wrong_code (
	network TEXT NOT NULL,
	chat    TEXT NOT NULL,
	tries   INTEGER NOT NULL CHECK (tries > 0),
	last_at INTEGER NOT NULL,
	PRIMARY KEY (network, chat)
) WITHOUT ROWID;

-- Every message that was taken in, so that its repetition is known.
CREATE TABLE turn (
	network     TEXT NOT NULL,
	chat        TEXT NOT NULL,
	external_id TEXT NOT NULL,
	at          INTEGER NOT NULL,
	PRIMARY KEY (network, chat, external_id)
) WITHOUT ROWID;
CREATE INDEX turn_at ON turn(at);

-- The question that a private chat has open, if any.
CREATE TABLE conversation (
	network    TEXT NOT NULL,
	chat       TEXT NOT NULL,
	question   TEXT NOT NULL CHECK (question <> ''),
	data       TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(data)),
	asked_at   INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	PRIMARY KEY (network, chat)
) WITHOUT ROWID;

-- How many replies a chat got lately: what stops two bots from talking to each other for ever.
CREATE TABLE guard (
	network   TEXT NOT NULL,
	chat      TEXT NOT NULL,
	since     INTEGER NOT NULL,
	replies   INTEGER NOT NULL,
	told      INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
	PRIMARY KEY (network, chat)
) WITHOUT ROWID;

-- What was said lately, so that a person of the team who takes over can read it.
CREATE TABLE line (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	member_id INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	who       TEXT NOT NULL CHECK (who IN ('member', 'bot', 'staff')),
	text      TEXT NOT NULL,
	at        INTEGER NOT NULL
);
CREATE INDEX line_of ON line(member_id, id);
CREATE INDEX line_at ON line(at);

CREATE TABLE ticket (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	member_id  INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE,
	network    TEXT NOT NULL,
	chat       TEXT NOT NULL,
	language   TEXT NOT NULL CHECK (language IN ('fr', 'es', 'en')),
	reason     TEXT NOT NULL CHECK (reason IN ('asked', 'danger', 'unanswered', 'late', 'loop', 'voice')),
	danger     TEXT NOT NULL DEFAULT '',
	danger_at  INTEGER,
	urgent     INTEGER NOT NULL DEFAULT 0 CHECK (urgent IN (0, 1)),
	state      TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'closed')),
	holder_id  INTEGER REFERENCES member(id) ON DELETE SET NULL,
	opened_at  INTEGER NOT NULL,
	-- The first time a person of the team wrote in it.
	answered_at INTEGER,
	-- When somebody last wrote in it; what auto-release counts from.
	active_at  INTEGER NOT NULL,
	closed_at  INTEGER,
	CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
	CHECK (state <> 'waiting' OR holder_id IS NULL),
	CHECK (reason <> 'danger' OR urgent = 1)
);
CREATE UNIQUE INDEX ticket_one_open ON ticket(network, chat) WHERE state <> 'closed';
CREATE INDEX ticket_state ON ticket(state, opened_at);

CREATE TABLE request (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	at        INTEGER NOT NULL,
	member_id INTEGER REFERENCES member(id) ON DELETE SET NULL,
	requester TEXT NOT NULL,
	object    TEXT NOT NULL,
	mode      TEXT NOT NULL,
	situation TEXT NOT NULL,
	service   TEXT NOT NULL,
	entry     TEXT NOT NULL DEFAULT '',
	-- How it ended: answered by the bot, offered choices, or handed over.
	decision  TEXT NOT NULL CHECK (decision IN ('answer', 'choose', 'handover', 'crisis')),
	ticket_id INTEGER REFERENCES ticket(id) ON DELETE SET NULL
);
CREATE INDEX request_at ON request(at);
CREATE INDEX request_of ON request(member_id, at);

CREATE TABLE delivery (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	-- Given before the first try and the same at every try.
	key         TEXT NOT NULL UNIQUE,
	lane        INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 3),
	network     TEXT NOT NULL CHECK (network IN ('telegram', 'whatsapp', 'web', 'terminal')),
	chat        TEXT NOT NULL CHECK (chat <> ''),
	topic       TEXT NOT NULL DEFAULT '',
	member_id   INTEGER REFERENCES member(id) ON DELETE SET NULL,
	ticket_id   INTEGER REFERENCES ticket(id) ON DELETE SET NULL,
	body        TEXT NOT NULL CHECK (json_valid(body)),
	state       TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'stopped', 'expired', 'unknown')),
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
	CHECK ((state = 'sending') = (claimed_at IS NOT NULL)),
	CHECK ((state IN ('queued', 'sending')) = (done_at IS NULL))
);
CREATE INDEX delivery_ready ON delivery(network, lane, due_at, id) WHERE state = 'queued';
CREATE INDEX delivery_open ON delivery(network, chat, id) WHERE state IN ('queued', 'sending');
CREATE INDEX delivery_sending ON delivery(network) WHERE state = 'sending';
CREATE INDEX delivery_shown ON delivery(network, chat, provider_id) WHERE provider_id <> '' AND ticket_id IS NOT NULL;
CREATE INDEX delivery_done ON delivery(done_at) WHERE done_at IS NOT NULL;

-- One final state, recorded once. A sent delivery may still be reported delivered and read, and an
-- unknown one may be decided; nothing else moves.
CREATE TRIGGER delivery_is_final BEFORE UPDATE OF state ON delivery
WHEN NEW.state <> OLD.state AND (
	OLD.state IN ('failed', 'stopped', 'expired', 'read')
	OR (OLD.state = 'sent' AND NEW.state NOT IN ('delivered', 'read'))
	OR (OLD.state = 'delivered' AND NEW.state <> 'read')
	OR (OLD.state = 'unknown' AND NEW.state NOT IN ('queued', 'sent', 'failed'))
	-- What was never claimed was never sent.
	OR (OLD.state = 'queued' AND NEW.state IN ('sent', 'delivered', 'read', 'unknown'))
)
BEGIN
	SELECT RAISE(ABORT, 'a final delivery does not change');
END;

CREATE TABLE setting (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

-- What staff and operators did; never edited.
CREATE TABLE audit (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	actor   TEXT NOT NULL,
	action  TEXT NOT NULL,
	subject TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_at ON audit(at);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is not edited'); END;
