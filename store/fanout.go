package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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
FROM announcement n CROSS JOIN fanout f ON f.announcement_id = n.id AND f.network = $1
WHERE n.state IN ('approved', 'late', 'sending') AND n.state = 'sending' AND n.paused_at IS NULL AND f.made < f.total
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
	// held are the chats that nothing may leave for now.
	held []string
}

// mostMade bounds how many deliveries one transaction makes: an audience of which everybody said stop must
// not hold the writer up, and an alert behind it.
const mostMade = 256

// materialise makes deliveries of one lane just ahead of sending, born claimed, and moves the cursor in
// the same transaction: a crash leaves either both or neither. more says that it stopped before want
// was reached although recipients are left.
func (s *Store) materialise(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, lane outbox.Lane, c outbox.Claim) (claimed []outbox.Delivery, more bool, err error) {
	if lane == outbox.Reply {
		return nil, false, nil
	}
	for made := 0; c.Want > len(claimed); {
		if made >= mostMade {
			return claimed, true, nil
		}
		f := fan{lane: lane, held: c.Held}
		err := tx.QueryRowContext(ctx, fanning, a.Network, lane).Scan(&f.id, &f.english, &f.expires, &f.block, &f.position, &f.left, &f.attachment)
		if errors.Is(err, sql.ErrNoRows) {
			return claimed, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("find an announcement on its way: %w", err)
		}
		some, n, err := s.fanOut(ctx, tx, a, now, f, c.Want-len(claimed))
		if err != nil {
			return nil, false, fmt.Errorf("make deliveries of announcement %d: %w", f.id, err)
		}
		claimed, made = append(claimed, some...), made+n
	}
	return claimed, false, nil
}

func (s *Store) fanOut(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, f fan, want int) (claimed []outbox.Delivery, made int, err error) {
	block, err := s.blockOf(ctx, tx, a, f)
	if err != nil {
		return nil, 0, err
	}
	ids := block[f.position:min(len(block), f.position+want)]
	claimed, stand, err := s.deliverTo(ctx, tx, a, now, f, ids)
	if err != nil {
		return nil, 0, err
	}
	next, position := f.block, f.position+len(ids)
	if position >= len(block) {
		next, position = f.block+1, 0
	}
	_, err = tx.ExecContext(ctx, `UPDATE fanout SET made = made + $3, vanished = vanished + $4, block = $5, position = $6 WHERE announcement_id = $1 AND network = $2`,
		f.id, a.Network, len(ids), len(ids)-stand, next, position)
	if err != nil {
		return nil, 0, fmt.Errorf("move the cursor: %w", err)
	}
	return claimed, len(ids), nil
}

// blockOf reads the block of recipients that an announcement has come to.
func (s *Store) blockOf(ctx context.Context, tx *sql.Tx, a outbox.Account, f fan) ([]int64, error) {
	at := blockAt{f.id, a.Network, f.block}
	if ids, ok := s.frozen.block(at); ok {
		return ids, nil
	}
	var block []byte
	var size int
	err := tx.QueryRowContext(ctx, `SELECT addresses, size FROM recipients WHERE announcement_id = $1 AND network = $2 AND block = $3`, f.id, a.Network, f.block).Scan(&block, &size)
	if err != nil {
		return nil, fmt.Errorf("read block %d of the recipients: %w", f.block, err)
	}
	ids, err := addressesOf(block, 0, size)
	if err != nil {
		return nil, err
	}
	if len(ids) != size {
		return nil, fmt.Errorf("block %d of the recipients has %d of %d", f.block, len(ids), size)
	}
	s.frozen.keepBlock(at, ids)
	return ids, nil
}

// recipientsAt is what decides at the last moment whether and how each of these gets an announcement. open
// says that something else of theirs must leave first.
const recipientsAt = `
SELECT a.id, a.chat, a.state, m.id, m.language, m.timezone, m.region, m.stopped_at IS NULL AND m.consent IN ('enrolled', 'given'),
	EXISTS (SELECT 1 FROM delivery e LEFT JOIN announcement p ON p.id = e.announcement_id WHERE e.network = a.network AND e.chat = a.chat
		AND e.state IN ('queued', 'sending') AND (e.state = 'sending' OR (e.lane <= $2 AND p.paused_at IS NULL)))
FROM json_each($1) j CROSS JOIN address a ON a.id = j.value CROSS JOIN member m ON m.id = a.member_id`

// recipient is one of them.
type recipient struct {
	addressID    int64
	delivery     outbox.Delivery
	variant      broadcast.Variant
	zone, region string
	agreed, open bool
	state        outbox.State
	reason       string
}

func recipientsOf(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, f fan, ids []int64) ([]recipient, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("list recipients: %w", err)
	}
	found := make([]recipient, 0, len(ids))
	err = each(ctx, tx, func(rows *sql.Rows) error {
		r := recipient{delivery: outbox.Delivery{Created: now, Draft: outbox.Draft{Lane: f.lane, To: channel.Address{Network: a.Network},
			AnnouncementID: f.id, Due: now, Expires: instant(f.expires)}}}
		var address string
		var language i18n.Lang
		if err := rows.Scan(&r.addressID, &r.delivery.To.ID, &address, &r.delivery.MemberID, &language, &r.zone, &r.region, &r.agreed, &r.open); err != nil {
			return err
		}
		r.variant = broadcast.Variant(language)
		if language == "" || language == i18n.English && !f.english {
			r.variant = broadcast.Both
		}
		state, reason := refused(r.delivery, r.agreed, address, now)
		switch {
		case state == "" && (r.open || a.Chat != "" && a.Chat != r.delivery.To.ID || slices.Contains(f.held, r.delivery.To.ID)):
			state = outbox.Queued
		case state == "":
			state = outbox.Sending
		}
		r.state, r.reason = state, reason
		found = append(found, r)
		return nil
	}, recipientsAt, string(list), f.lane)
	if err != nil {
		return nil, fmt.Errorf("read recipients: %w", err)
	}
	return found, nil
}

// insertClaimed makes the deliveries that leave at once, in one statement: the addresses as a list, their keys
// and the letters of their variants side by side.
const insertClaimed = `
INSERT INTO delivery (key, lane, network, chat, member_id, body, variant, announcement_id, state, attempt, due_at, expires_at, created_at, claimed_at)
SELECT substr($2, 1 + 32 * j.key, 32), $4, a.network, a.chat, a.member_id, '{}',
	CASE substr($3, 1 + j.key, 1) WHEN 'f' THEN 'fr' WHEN 'e' THEN 'en' WHEN 's' THEN 'es' ELSE 'both' END, $5, 'sending', 1, $6, $7, $6, $6
FROM json_each($1) j CROSS JOIN address a ON a.id = j.value WHERE true
ON CONFLICT (announcement_id, network, chat, topic) WHERE announcement_id IS NOT NULL DO NOTHING`

// letterOf stands for a variant in insertClaimed.
var letterOf = map[broadcast.Variant]byte{broadcast.Variant(i18n.French): 'f', broadcast.Variant(i18n.English): 'e', broadcast.Variant(i18n.Spanish): 's', broadcast.Both: 'b'}

const insertRecipient = `
INSERT INTO delivery (key, lane, network, chat, member_id, body, variant, announcement_id, state, due_at, expires_at, created_at, done_at, reason)
VALUES ($1, $2, $3, $4, $5, '{}', $6, $7, $8, $9, $10, $9, CASE WHEN $8 <> 'queued' THEN $9 END, $11)
ON CONFLICT (announcement_id, network, chat, topic) WHERE announcement_id IS NOT NULL DO NOTHING`

// deliverTo makes deliveries: claimed when they may leave at once, queued behind what else waits for the
// chat, or ended at once when they may not leave at all. stand counts those made: an address may be no more.
func (s *Store) deliverTo(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, f fan, ids []int64) (claimed []outbox.Delivery, stand int, err error) {
	found, err := recipientsOf(ctx, tx, a, now, f, ids)
	if err != nil {
		return nil, 0, err
	}
	var leaving []recipient
	for _, r := range found {
		if r.state == outbox.Sending {
			leaving = append(leaving, r)
			continue
		}
		result, err := tx.ExecContext(ctx, insertRecipient, newKey(), f.lane, a.Network, r.delivery.To.ID, r.delivery.MemberID, r.variant, f.id, r.state, now.UnixMilli(), f.expires, r.reason)
		if err != nil {
			return nil, 0, fmt.Errorf("make a delivery: %w", err)
		}
		stand += affected(result)
	}
	if leaving, err = insertAll(ctx, tx, now, f, leaving); err != nil {
		return nil, 0, err
	}
	for _, r := range leaving {
		d := r.delivery
		d.Attempt, d.Zone = 1, community.ZoneName(r.zone, r.region)
		if d.Content, err = s.frozenContent(ctx, tx, f, r.variant); err != nil {
			return nil, 0, err
		}
		claimed = append(claimed, d)
	}
	return claimed, stand + len(claimed), nil
}

// insertAll makes the deliveries of those who get theirs at once and returns those for whom there was none
// yet, with its number.
func insertAll(ctx context.Context, tx *sql.Tx, now time.Time, f fan, leaving []recipient) ([]recipient, error) {
	if len(leaving) == 0 {
		return nil, nil
	}
	addresses := make([]int64, len(leaving))
	var keys, letters strings.Builder
	made := newKeys(len(leaving))
	for i := range leaving {
		leaving[i].delivery.Key = made[i]
		addresses[i] = leaving[i].addressID
		keys.WriteString(made[i])
		letters.WriteByte(letterOf[leaving[i].variant])
	}
	list, err := json.Marshal(addresses)
	if err != nil {
		return nil, fmt.Errorf("list recipients: %w", err)
	}
	result, err := tx.ExecContext(ctx, insertClaimed, string(list), keys.String(), letters.String(), f.lane, f.id, now.UnixMilli(), f.expires)
	if err != nil {
		return nil, fmt.Errorf("make deliveries: %w", err)
	}
	if affected(result) < len(leaving) {
		return newlyMade(ctx, tx, leaving)
	}
	// One statement numbers its rows one after the other.
	last, err := result.LastInsertId()
	if err != nil {
		return nil, fmt.Errorf("number deliveries: %w", err)
	}
	for i := range leaving {
		leaving[i].delivery.ID = last - int64(len(leaving)-1-i)
	}
	return leaving, nil
}

// newlyMade finds the deliveries that were made by their keys, where some had been made before.
func newlyMade(ctx context.Context, tx *sql.Tx, leaving []recipient) (made []recipient, err error) {
	for _, r := range leaving {
		err := tx.QueryRowContext(ctx, `SELECT id FROM delivery WHERE key = $1`, r.delivery.Key).Scan(&r.delivery.ID)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find a delivery that was made: %w", err)
		}
		made = append(made, r)
	}
	return made, nil
}
