package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/community"
)

const memberColumns = `m.id, m.name, m.language, m.language_chosen, m.kind, m.scheme, m.region, m.host, m.sender,
	m.nationality, m.gender, m.email, m.phone, m.timezone, m.arrival, m.mission_end, m.visa_end, m.buddy,
	m.emergency_name, m.emergency_phone, m.consent, m.stopped_at, m.profile, m.created_at, m.revision`

func scanMember(row interface{ Scan(...any) error }, more ...any) (community.Member, error) {
	var m community.Member
	var stopped, created sql.NullInt64
	err := row.Scan(append([]any{&m.ID, &m.Name, &m.Language, &m.LanguageChosen, &m.Kind, &m.Scheme, &m.Region, &m.Host, &m.Sender,
		&m.Nationality, &m.Gender, &m.Email, &m.Phone, &m.Timezone, &m.Arrival, &m.End, &m.VisaEnd, &m.Buddy,
		&m.EmergencyName, &m.EmergencyPhone, &m.Consent, &stopped, &m.Profile, &created, &m.Revision}, more...)...)
	m.StoppedAt, m.CreatedAt = instant(stopped), instant(created)
	return m, err
}

const insertMember = `
INSERT INTO member (name, language, language_chosen, kind, scheme, region, host, sender, nationality, gender, email, phone,
	timezone, arrival, mission_end, visa_end, buddy, emergency_name, emergency_phone, consent, stopped_at, profile, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $23)
RETURNING id`

const updateMember = `
UPDATE member SET name = $1, language = $2, language_chosen = $3, kind = $4, scheme = $5, region = $6, host = $7, sender = $8,
	nationality = $9, gender = $10, email = $11, phone = $12, timezone = $13, arrival = $14, mission_end = $15, visa_end = $16,
	buddy = $17, emergency_name = $18, emergency_phone = $19, consent = $20, stopped_at = $21, profile = $22, updated_at = $23,
	revision = revision + 1
WHERE id = $24`

// saveMember writes all of m and returns its id. Whoever calls it read m in the same transaction or
// compared its revision there.
func saveMember(ctx context.Context, q querier, m community.Member, now time.Time) (int64, error) {
	if m.Consent == "" {
		m.Consent = community.NeverAsked
	}
	values := []any{m.Name, m.Language, m.LanguageChosen, m.Kind, m.Scheme, m.Region, m.Host, m.Sender, m.Nationality, m.Gender,
		m.Email, m.Phone, m.Timezone, m.Arrival, m.End, m.VisaEnd, m.Buddy, m.EmergencyName, m.EmergencyPhone, m.Consent,
		millis(m.StoppedAt), m.Profile, now.UnixMilli()}
	if m.ID == 0 {
		err := q.QueryRowContext(ctx, insertMember, values...).Scan(&m.ID)
		if err != nil {
			return 0, fmt.Errorf("add a member: %w", err)
		}
		return m.ID, nil
	}
	r, err := q.ExecContext(ctx, updateMember, append(values, m.ID)...)
	if err != nil {
		return 0, fmt.Errorf("change member %d: %w", m.ID, err)
	}
	if affected(r) == 0 {
		return 0, fmt.Errorf("change member %d: %w", m.ID, ErrNoSuchMember)
	}
	return m.ID, nil
}

const insertAddress = `
INSERT INTO address (member_id, network, chat, wrote, preferred, created_at)
VALUES ($1, $2, $3, $4, NOT EXISTS (SELECT 1 FROM address WHERE member_id = $1 AND preferred = 1), $5)
ON CONFLICT (network, chat) DO UPDATE SET wrote = 1 WHERE excluded.wrote > wrote`

// addAddress gives a member an address; the first one is the preferred one.
func addAddress(ctx context.Context, q querier, memberID int64, a channel.Address, wrote bool, now time.Time) error {
	if _, err := q.ExecContext(ctx, insertAddress, memberID, a.Network, a.ID, wrote, now.UnixMilli()); err != nil {
		return fmt.Errorf("add an address of member %d: %w", memberID, err)
	}
	return nil
}

func addConsent(ctx context.Context, q querier, memberID int64, c community.ConsentChange, now time.Time) error {
	_, err := q.ExecContext(ctx, `INSERT INTO consent (member_id, change, how, at) VALUES ($1, $2, $3, $4)`, memberID, c.Change, c.How, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("record a consent: %w", err)
	}
	return nil
}

func memberAt(ctx context.Context, q querier, a channel.Address) (community.Member, community.Role, error) {
	var role community.Role
	m, err := scanMember(q.QueryRowContext(ctx, `SELECT `+memberColumns+`, COALESCE(r.role, '') FROM address a
		JOIN member m ON m.id = a.member_id LEFT JOIN role r ON r.member_id = m.id
		WHERE a.network = $1 AND a.chat = $2`, a.Network, a.ID), &role)
	if errors.Is(err, sql.ErrNoRows) {
		return community.Member{}, "", nil
	}
	if err != nil {
		return community.Member{}, "", fmt.Errorf("find a member by address: %w", err)
	}
	return m, role, nil
}

// ErrNoSuchMember says that no member has this id.
var ErrNoSuchMember = errors.New("no member has this id")

// Member finds a member by id, or returns ErrNoSuchMember.
func (s *Store) Member(ctx context.Context, id int64) (community.Member, error) {
	return memberByID(ctx, s.read, id)
}

func memberByID(ctx context.Context, q querier, id int64) (community.Member, error) {
	m, err := scanMember(q.QueryRowContext(ctx, `SELECT `+memberColumns+` FROM member m WHERE m.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return m, ErrNoSuchMember
	}
	if err != nil {
		return m, fmt.Errorf("read member %d: %w", id, err)
	}
	return m, nil
}

// recordQueries list what is kept of a member beside the member itself. A table that keeps something new
// of people belongs here, or /mydata hides it.
var recordQueries = []struct{ name, query string }{
	{"addresses", `SELECT json_group_array(json_object('network', network, 'id', chat, 'state', state)) FROM address WHERE member_id = $1`},
	{"consents", `SELECT json_group_array(json_object('change', change, 'how', how, 'at', strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'))) FROM consent WHERE member_id = $1`},
	{"groups", `SELECT json_group_array(slug) FROM membership WHERE member_id = $1`},
	{"messages", `SELECT json_group_array(json_object('who', who, 'text', text, 'at', strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'))) FROM line WHERE member_id = $1`},
	{"tickets", `SELECT json_group_array(json_object('number', id, 'reason', reason, 'state', state, 'at', strftime('%Y-%m-%dT%H:%M:%SZ', opened_at / 1000, 'unixepoch'))) FROM ticket WHERE member_id = $1`},
	{"requests", `SELECT json_group_array(json_object('object', object, 'service', service, 'entry', entry, 'at', strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'))) FROM request WHERE member_id = $1`},
	{"announcements", `SELECT json_group_array(json_object('number', announcement_id, 'state', state, 'at', strftime('%Y-%m-%dT%H:%M:%SZ', COALESCE(done_at, created_at) / 1000, 'unixepoch'))) FROM delivery WHERE member_id = $1 AND announcement_id IS NOT NULL`},
	{"rooms", `SELECT json_group_array(json_object('network', network, 'room', chat, 'seen_at', strftime('%Y-%m-%dT%H:%M:%SZ', seen_at / 1000, 'unixepoch'))) FROM presence WHERE member_id = $1`},
	{"imports", `SELECT json_group_array(json_object('added', json(iif(c.added, 'true', 'false')), 'changed', json(c.fields), 'at', strftime('%Y-%m-%dT%H:%M:%SZ', i.at / 1000, 'unixepoch'))) FROM import_change c JOIN import i ON i.id = c.import_id WHERE c.member_id = $1`},
	{"link_codes", `SELECT json_group_array(strftime('%Y-%m-%dT%H:%M:%SZ', created_at / 1000, 'unixepoch')) FROM link_code WHERE member_id = $1`},
	{"duplicates", `SELECT json_group_array(strftime('%Y-%m-%dT%H:%M:%SZ', noted_at / 1000, 'unixepoch')) FROM duplicate WHERE a_id = $1 OR b_id = $1`},
	{"events", `SELECT json_group_array(json_object('event', o.event_id, 'date', o.rule_date, 'answer', r.answer)) FROM rsvp r JOIN occurrence o ON o.id = r.occurrence_id WHERE r.member_id = $1`},
	{"organises", `SELECT json_group_array(event_id) FROM organiser WHERE member_id = $1`},
	{"deadlines", `SELECT json_group_array(json_object('kind', kind, 'for', anchor, 'day', day, 'state', state)) FROM deadline WHERE member_id = $1`},
	{"formalities", `SELECT json_group_array(json_object('kind', kind, 'for', anchor, 'state', state, 'at', strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'))) FROM formality WHERE member_id = $1`},
	{"calendar", `SELECT json_group_array(strftime('%Y-%m-%dT%H:%M:%SZ', created_at / 1000, 'unixepoch')) FROM calendar_feed WHERE member_id = $1`},
	{"role", `SELECT COALESCE((SELECT json_quote(role) FROM role WHERE member_id = $1), 'null')`},
}

const ownRecord = `
SELECT json_object('id', id, 'name', name, 'language', language, 'kind', kind, 'scheme', scheme, 'region', region, 'host', host,
	'sender', sender, 'nationality', nationality, 'gender', gender, 'email', email, 'phone', phone, 'timezone', timezone,
	'arrival', arrival, 'end', mission_end, 'visa_end', visa_end, 'buddy', buddy, 'emergency_name', emergency_name,
	'emergency_phone', emergency_phone, 'consent', consent,
	'stopped_at', strftime('%Y-%m-%dT%H:%M:%SZ', stopped_at / 1000, 'unixepoch'),
	'created_at', strftime('%Y-%m-%dT%H:%M:%SZ', created_at / 1000, 'unixepoch'))
FROM member WHERE id = $1`

// wholeRecord reads all of it at once: a statement for each part costs more than what is in it.
var wholeRecord = func() string {
	parts := []string{"(" + ownRecord + ")"}
	for _, part := range recordQueries {
		parts = append(parts, "("+part.query+")")
	}
	return "SELECT " + strings.Join(parts, ",\n\t")
}()

// Record is all that is kept of a member, as JSON.
func (s *Store) Record(ctx context.Context, memberID int64) ([]byte, error) {
	texts := make([]sql.NullString, 1+len(recordQueries))
	into := make([]any, len(texts))
	for i := range texts {
		into[i] = &texts[i]
	}
	if err := s.read.QueryRowContext(ctx, wholeRecord, memberID).Scan(into...); err != nil {
		return nil, fmt.Errorf("read member %d: %w", memberID, err)
	}
	if !texts[0].Valid {
		return nil, ErrNoSuchMember
	}
	record := map[string]json.RawMessage{"member": json.RawMessage(texts[0].String)}
	for i, part := range recordQueries {
		record[part.name] = json.RawMessage(texts[i+1].String)
	}
	out, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the record: %w", err)
	}
	return append(out, '\n'), nil
}

// Erase removes a member and all that is kept of them; the ledger's lines and the counts of
// deliveries stay, without anybody's name on them.
func (s *Store) Erase(ctx context.Context, memberID int64, actor string, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if err := erase(ctx, tx, memberID, now); err != nil {
			return err
		}
		return audit(ctx, tx, actor, "erased a member", "", now)
	})
}

// ofErased are the deliveries that say something of a member: what went to them, and what told the team
// of their tickets.
const ofErased = `(member_id = $1 OR ticket_id IN (SELECT id FROM ticket WHERE member_id = $1))`

const stopErased = `
UPDATE delivery SET state = 'stopped', done_at = $2, reason = $3
WHERE state = 'queued' AND ` + ofErased

// What was in flight is left to its result; the body goes from all the others, and the chat from what
// went to the person.
const blankErased = `
UPDATE delivery SET body = '{"text":""}', provider_id = '', chat = CASE WHEN member_id = $1 THEN 'erased ' || id ELSE chat END
WHERE state <> 'sending' AND ` + ofErased

// The turn that erases stays: its own repetition must still be recognised.
const forgetTurns = `
DELETE FROM turn WHERE at < $2 AND (network, chat) IN (SELECT network, chat FROM address WHERE member_id = $1)`

func erase(ctx context.Context, tx *sql.Tx, memberID int64, now time.Time) error {
	if err := remember(ctx, tx, memberID, now); err != nil {
		return err
	}
	return remove(ctx, tx, memberID, "the person asked to be forgotten", now)
}

// remove takes a member away with all that is kept of them, and stops what waits for them, saying why.
func remove(ctx context.Context, tx *sql.Tx, memberID int64, why string, now time.Time) error {
	for _, statement := range []string{
		`DELETE FROM conversation WHERE (network, chat) IN (SELECT network, chat FROM address WHERE member_id = $1)`,
		`DELETE FROM guard WHERE (network, chat) IN (SELECT network, chat FROM address WHERE member_id = $1)`,
	} {
		if _, err := tx.ExecContext(ctx, statement, memberID); err != nil {
			return fmt.Errorf("erase a member's conversations: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, forgetTurns, memberID, now.UnixMilli()); err != nil {
		return fmt.Errorf("erase a member's turns: %w", err)
	}
	if _, err := tx.ExecContext(ctx, stopErased, memberID, now.UnixMilli(), why); err != nil {
		return fmt.Errorf("stop an erased member's deliveries: %w", err)
	}
	if _, err := tx.ExecContext(ctx, blankErased, memberID); err != nil {
		return fmt.Errorf("blank an erased member's deliveries: %w", err)
	}
	r, err := tx.ExecContext(ctx, `DELETE FROM member WHERE id = $1`, memberID)
	if err != nil {
		return fmt.Errorf("erase member %d: %w", memberID, err)
	}
	if affected(r) == 0 {
		return ErrNoSuchMember
	}
	return nil
}

// remember keeps keyed hashes of where an erased member was reached, so that the next import of an
// old spreadsheet does not enrol them again.
func remember(ctx context.Context, tx *sql.Tx, memberID int64, now time.Time) error {
	secret, err := setting(ctx, tx, "instance")
	if err != nil {
		return err
	}
	var places []string
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var place string
		if err := rows.Scan(&place); err != nil {
			return err
		}
		places = append(places, place)
		return nil
	}, `SELECT network || ':' || chat FROM address WHERE member_id = $1 UNION SELECT 'phone:' || phone FROM member WHERE id = $1 AND phone <> ''`, memberID)
	if err != nil {
		return fmt.Errorf("list an erased member's addresses: %w", err)
	}
	for _, place := range places {
		if _, err := tx.ExecContext(ctx, `INSERT INTO forgotten (mark, at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, mark(secret, place), now.UnixMilli()); err != nil {
			return fmt.Errorf("remember to forget: %w", err)
		}
	}
	return nil
}

func mark(secret, place string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(place))
	return hex.EncodeToString(h.Sum(nil))
}

func audit(ctx context.Context, q querier, actor, action, subject string, now time.Time) error {
	_, err := q.ExecContext(ctx, `INSERT INTO audit (at, actor, action, subject) VALUES ($1, $2, $3, $4)`, now.UnixMilli(), actor, action, subject)
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}
