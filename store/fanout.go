package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
)

// fanning is the announcement whose deliveries are made next for a network: the most urgent class, then
// the one that started first.
const fanning = `
SELECT n.id, n.text_en <> '', n.expires_at, f.block, f.position, f.total - f.made, n.attachment_id
FROM announcement n JOIN fanout f ON f.announcement_id = n.id AND f.network = $1
WHERE n.state = 'sending' AND n.paused_at IS NULL AND f.made < f.total
	AND n.class = CASE $2 WHEN 0 THEN 'alert' WHEN 2 THEN 'reminder' WHEN 3 THEN 'news' END
ORDER BY n.started_at, n.id LIMIT 1`

// fan is one announcement while its deliveries are made.
type fan struct {
	id              int64
	english         bool
	expires         sql.NullInt64
	block, position int
	left            int
	attachment      sql.NullInt64
	lane            outbox.Lane
}

// mostMade bounds how many deliveries one transaction makes: an audience of which everybody said stop must
// not hold the writer up, and an alert behind it.
const mostMade = 256

// materialise makes deliveries of one lane just ahead of sending, born claimed, and moves the cursor in
// the same transaction: a crash leaves either both or neither. more says that it stopped before want
// was reached although recipients are left.
func (s *Store) materialise(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, lane outbox.Lane, want int) (claimed []outbox.Delivery, more bool, err error) {
	if lane == outbox.Reply {
		return nil, false, nil
	}
	for made := 0; want > len(claimed); {
		if made >= mostMade {
			return claimed, true, nil
		}
		f := fan{lane: lane}
		err := tx.QueryRowContext(ctx, fanning, a.Network, lane).Scan(&f.id, &f.english, &f.expires, &f.block, &f.position, &f.left, &f.attachment)
		if errors.Is(err, sql.ErrNoRows) {
			return claimed, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("find an announcement on its way: %w", err)
		}
		some, n, err := s.fanOut(ctx, tx, a, now, f, want-len(claimed))
		if err != nil {
			return nil, false, fmt.Errorf("make deliveries of announcement %d: %w", f.id, err)
		}
		claimed, made = append(claimed, some...), made+n
	}
	return claimed, false, nil
}

func (s *Store) fanOut(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, f fan, want int) (claimed []outbox.Delivery, made int, err error) {
	var block []byte
	var size int
	err = tx.QueryRowContext(ctx, `SELECT addresses, size FROM recipients WHERE announcement_id = $1 AND network = $2 AND block = $3`, f.id, a.Network, f.block).Scan(&block, &size)
	if err != nil {
		return nil, 0, fmt.Errorf("read block %d of the recipients: %w", f.block, err)
	}
	ids, err := addressesOf(block, f.position, want)
	if err != nil {
		return nil, 0, err
	}
	vanished := 0
	for _, id := range ids {
		d, made, err := s.deliverTo(ctx, tx, a, now, f, id)
		if err != nil {
			return nil, 0, err
		}
		if !made {
			vanished++
		}
		if d != nil {
			claimed = append(claimed, *d)
		}
	}
	next, position := f.block, f.position+len(ids)
	if position >= size {
		next, position = f.block+1, 0
	}
	_, err = tx.ExecContext(ctx, `UPDATE fanout SET made = made + $3, vanished = vanished + $4, block = $5, position = $6 WHERE announcement_id = $1 AND network = $2`,
		f.id, a.Network, len(ids), vanished, next, position)
	if err != nil {
		return nil, 0, fmt.Errorf("move the cursor: %w", err)
	}
	return claimed, len(ids), nil
}

// recipientAt is what decides at the last moment whether and how somebody gets an announcement. open
// says that something else of theirs must leave first.
const recipientAt = `
SELECT a.chat, a.state, m.id, m.language, m.timezone, m.region, m.stopped_at IS NULL AND m.consent IN ('enrolled', 'given'),
	EXISTS (SELECT 1 FROM delivery e LEFT JOIN announcement p ON p.id = e.announcement_id WHERE e.network = a.network AND e.chat = a.chat
		AND e.state IN ('queued', 'sending') AND (e.state = 'sending' OR (e.lane <= $2 AND p.paused_at IS NULL)))
FROM address a JOIN member m ON m.id = a.member_id WHERE a.id = $1`

const insertRecipient = `
INSERT INTO delivery (key, lane, network, chat, member_id, body, variant, announcement_id, state, attempt, due_at, expires_at, created_at, claimed_at, done_at, reason)
VALUES ($1, $2, $3, $4, $5, '{}', $6, $7, $8, $9, $10, $11, $10, CASE WHEN $8 = 'sending' THEN $10 END, CASE WHEN $8 NOT IN ('queued', 'sending') THEN $10 END, $12)
ON CONFLICT (announcement_id, network, chat, topic) WHERE announcement_id IS NOT NULL DO NOTHING RETURNING id`

// deliverTo makes one delivery: claimed when it may leave at once, queued behind what else waits for the
// chat, or ended at once when it may not leave at all. made is false when the address is no more.
func (s *Store) deliverTo(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, f fan, addressID int64) (d *outbox.Delivery, made bool, err error) {
	var to struct {
		chat, address, timezone, region string
		memberID                        int64
		language                        i18n.Lang
		agreed, open                    bool
	}
	err = tx.QueryRowContext(ctx, recipientAt, addressID, f.lane).Scan(&to.chat, &to.address, &to.memberID, &to.language, &to.timezone, &to.region, &to.agreed, &to.open)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read a recipient: %w", err)
	}
	variant := broadcast.Variant(to.language)
	if to.language == "" || to.language == i18n.English && !f.english {
		variant = broadcast.Both
	}
	out := outbox.Delivery{Key: newKey(), Created: now, Attempt: 1, Draft: outbox.Draft{Lane: f.lane, To: channel.Address{Network: a.Network, ID: to.chat},
		MemberID: to.memberID, AnnouncementID: f.id, Due: now, Expires: instant(f.expires)}}
	state, reason := refused(out, to.agreed, to.address, now)
	switch {
	case state == "" && (to.open || a.Chat != "" && a.Chat != to.chat):
		state, out.Attempt = outbox.Queued, 0
	case state == "":
		state = outbox.Sending
	default:
		out.Attempt = 0
	}
	err = tx.QueryRowContext(ctx, insertRecipient, out.Key, out.Lane, a.Network, to.chat, to.memberID, variant, f.id, state, out.Attempt, now.UnixMilli(), f.expires, reason).Scan(&out.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("make a delivery: %w", err)
	}
	if state != outbox.Sending {
		return nil, true, nil
	}
	out.Zone = community.ZoneName(to.timezone, to.region)
	var body string
	if err := tx.QueryRowContext(ctx, `SELECT body FROM announcement_body WHERE announcement_id = $1 AND variant = $2`, f.id, variant).Scan(&body); err != nil {
		return nil, false, fmt.Errorf("read the frozen body: %w", err)
	}
	if err := json.Unmarshal([]byte(body), &out.Content); err != nil {
		return nil, false, fmt.Errorf("read the frozen body: %w", err)
	}
	if out.Content.File, err = s.file(ctx, tx, f.attachment); err != nil {
		return nil, false, err
	}
	return &out, true, nil
}

// file reads an attachment. The last one is kept in memory, since an announcement reads the same one
// for everybody.
func (s *Store) file(ctx context.Context, q querier, id sql.NullInt64) (*channel.File, error) {
	if !id.Valid {
		return nil, nil
	}
	s.lastFile.Lock()
	defer s.lastFile.Unlock()
	if s.lastFile.id != id.Int64 {
		f := channel.File{Key: fmt.Sprintf("attachment %d", id.Int64)}
		if err := q.QueryRowContext(ctx, `SELECT name, image, data FROM attachment WHERE id = $1`, id.Int64).Scan(&f.Name, &f.Image, &f.Data); err != nil {
			return nil, fmt.Errorf("read attachment %d: %w", id.Int64, err)
		}
		s.lastFile.id, s.lastFile.file = id.Int64, f
	}
	f := s.lastFile.file
	return &f, nil
}
