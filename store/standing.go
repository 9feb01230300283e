package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
)

// counted are the counters and, which no counter keeps, what is in flight.
const counted = `
SELECT network, state, n FROM tally WHERE announcement_id = $1 AND n > 0
UNION ALL
SELECT network, state, COUNT(*) FROM delivery INDEXED BY delivery_open
WHERE announcement_id = $1 AND state IN ('queued', 'sending') AND state = 'sending' GROUP BY network`

// Standing is how far an announcement has come. It reads counters, never the deliveries: it is asked
// every few seconds while a million of them leave.
func (s *Store) Standing(ctx context.Context, id int64) (st broadcast.Standing, ok bool, err error) {
	st.Announcement, ok, err = s.Announcement(ctx, id)
	if err != nil || !ok {
		return st, ok, err
	}
	st.Networks = map[channel.Network]broadcast.Counts{}
	add := func(n channel.Network, state outbox.State, count int) {
		if st.Networks[n] == nil {
			st.Networks[n] = broadcast.Counts{}
		}
		st.Networks[n][state] += count
		st.Total += count
	}
	remains := outbox.Queued
	if st.State == broadcast.Cancelled {
		remains = outbox.Stopped
	}
	err = each(ctx, s.read, func(rows *sql.Rows) error {
		var network channel.Network
		var left, vanished int
		if err := rows.Scan(&network, &left, &vanished); err != nil {
			return err
		}
		add(network, remains, left)
		// Who was erased meanwhile is a number without a name: they are counted as having stopped.
		add(network, outbox.Stopped, vanished)
		st.Erased += vanished
		return nil
	}, `SELECT network, total - made, vanished FROM fanout WHERE announcement_id = $1`, id)
	if err != nil {
		return st, true, fmt.Errorf("read how far announcement %d is made: %w", id, err)
	}
	err = each(ctx, s.read, func(rows *sql.Rows) error {
		var network channel.Network
		var state outbox.State
		var n int
		if err := rows.Scan(&network, &state, &n); err != nil {
			return err
		}
		add(network, state, n)
		return nil
	}, counted, id)
	if err != nil {
		return st, true, fmt.Errorf("read the counts of announcement %d: %w", id, err)
	}
	if st.In(outbox.Failed)+st.In(outbox.Unknown) == 0 {
		return st, true, nil
	}
	st.Faults = map[channel.Fault]int{}
	err = each(ctx, s.read, func(rows *sql.Rows) error {
		var fault channel.Fault
		var n int
		err := rows.Scan(&fault, &n)
		st.Faults[fault] = n
		return err
	}, `SELECT fault, COUNT(*) FROM delivery WHERE announcement_id = $1 AND state = 'failed' GROUP BY fault`, id)
	if err != nil {
		return st, true, fmt.Errorf("count why deliveries of announcement %d failed: %w", id, err)
	}
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM delivery WHERE announcement_id = $1 AND state = 'unknown' AND reason <> $2`, id, broadcast.LeftUnknown).Scan(&st.Undecided)
	if err != nil {
		return st, true, fmt.Errorf("count what is undecided of announcement %d: %w", id, err)
	}
	return st, true, nil
}

const namesBehind = `
SELECT d.id, COALESCE(d.member_id, 0), COALESCE(NULLIF(m.name, ''), (SELECT c.title_fr FROM room r JOIN catalogue c ON c.slug = r.slug
	WHERE r.network = d.network AND r.chat = d.chat AND r.topic = d.topic), ''), d.network, d.state, d.fault, d.reason, COALESCE(d.done_at, d.created_at)
FROM delivery d LEFT JOIN member m ON m.id = d.member_id
WHERE d.announcement_id = $1 AND ($2 = '' OR d.state = $2 OR $2 = 'waiting' AND d.state IN ('queued', 'sending')) AND d.id > $3 ORDER BY d.id LIMIT $4`

// NamesBehind lists those who stand behind a count, in pages: up to n after the delivery numbered after. An
// empty state lists everybody, broadcast.Waiting those who are queued or in flight.
func (s *Store) NamesBehind(ctx context.Context, id int64, state outbox.State, after int64, n int) ([]broadcast.Recipient, error) {
	var names []broadcast.Recipient
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var r broadcast.Recipient
		var at sql.NullInt64
		if err := rows.Scan(&r.DeliveryID, &r.MemberID, &r.Name, &r.Network, &r.State, &r.Fault, &r.Reason, &at); err != nil {
			return err
		}
		r.At = instant(at)
		names = append(names, r)
		return nil
	}, namesBehind, id, state, after, n)
	if err != nil {
		return nil, fmt.Errorf("list who stands behind a count: %w", err)
	}
	return names, nil
}

// NotMade lists, in pages, those for whom no delivery of an announcement has been made yet: the names behind
// what waits, or behind what a cancellation kept back.
func (s *Store) NotMade(ctx context.Context, id int64, skip, n int) ([]broadcast.Recipient, error) {
	var names []broadcast.Recipient
	type left struct {
		network         channel.Network
		block, position int
	}
	var lists []left
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var l left
		err := rows.Scan(&l.network, &l.block, &l.position)
		lists = append(lists, l)
		return err
	}, `SELECT network, block, position FROM fanout WHERE announcement_id = $1 AND made < total ORDER BY network`, id)
	if err != nil {
		return nil, fmt.Errorf("read how far announcement %d is made: %w", id, err)
	}
	for _, l := range lists {
		for len(names) < n {
			var block []byte
			var size int
			err := s.read.QueryRowContext(ctx, `SELECT addresses, size FROM recipients WHERE announcement_id = $1 AND network = $2 AND block = $3`, id, l.network, l.block).Scan(&block, &size)
			if err == sql.ErrNoRows {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read the recipients of announcement %d: %w", id, err)
			}
			here := size - l.position
			if skip >= here {
				skip, l.block, l.position = skip-here, l.block+1, 0
				continue
			}
			ids, err := addressesOf(block, l.position+skip, n-len(names))
			if err != nil {
				return nil, err
			}
			for _, addressID := range ids {
				r := broadcast.Recipient{Network: l.network, State: outbox.Queued}
				err := s.read.QueryRowContext(ctx, `SELECT m.id, m.name FROM address a JOIN member m ON m.id = a.member_id WHERE a.id = $1`, addressID).Scan(&r.MemberID, &r.Name)
				if err != nil && err != sql.ErrNoRows {
					return nil, fmt.Errorf("read a recipient: %w", err)
				}
				names = append(names, r)
			}
			skip, l.block, l.position = 0, l.block+1, 0
		}
	}
	return names, nil
}

// Recount compares the counters of every announcement with its deliveries and names the announcements
// that differ: none ever should, since triggers keep them.
func (s *Store) Recount(ctx context.Context) (wrong []int64, err error) {
	err = each(ctx, s.read, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		wrong = append(wrong, id)
		return err
	}, `WITH counted AS (SELECT announcement_id, network, state, COUNT(*) AS n FROM delivery WHERE announcement_id IS NOT NULL AND state <> 'sending' GROUP BY 1, 2, 3)
		SELECT announcement_id FROM (
			SELECT announcement_id, network, state, n FROM tally WHERE n > 0 EXCEPT SELECT announcement_id, network, state, n FROM counted)
		UNION SELECT announcement_id FROM (
			SELECT announcement_id, network, state, n FROM counted EXCEPT SELECT announcement_id, network, state, n FROM tally WHERE n > 0)
		ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("recount deliveries: %w", err)
	}
	return wrong, nil
}

// takenBack are deliveries of an announcement that is being taken back, in order, up to the first that is
// still on its way: that one's turn comes when it has ended.
const takenBack = `
SELECT d.id, d.network, d.chat, d.topic, COALESCE(d.member_id, 0), d.provider_id, d.state, d.variant, COALESCE(m.language, '')
FROM delivery d LEFT JOIN member m ON m.id = d.member_id
WHERE d.announcement_id = $1 AND d.id > $2
	AND d.id < COALESCE((SELECT MIN(id) FROM delivery INDEXED BY delivery_open WHERE announcement_id = $1 AND state IN ('queued', 'sending')), d.id + 1)
ORDER BY d.id LIMIT $3`

// Retract takes an announcement back from up to n of those who got it, and reports whether that was
// all. content makes what each of them reads instead.
func (s *Store) Retract(ctx context.Context, a broadcast.Announcement, n int, content func(broadcast.Variant) channel.Content, now time.Time) (done bool, err error) {
	lane := outbox.Reply // it corrects what they have: it is owed to whoever got it
	if a.Class == broadcast.Alert {
		lane = outbox.Alert
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		var after int64
		if err := tx.QueryRowContext(ctx, `SELECT retract_after FROM announcement WHERE id = $1 AND retract_done = 0`, a.ID).Scan(&after); err != nil {
			return fmt.Errorf("read how far announcement %d is taken back: %w", a.ID, err)
		}
		seen := 0
		var drafts []outbox.Draft
		err := each(ctx, tx, func(rows *sql.Rows) error {
			d := outbox.Draft{Lane: lane, Cause: fmt.Sprintf("retract %d", a.ID)}
			var shown string
			var state outbox.State
			var variant broadcast.Variant
			var language i18n.Lang
			if err := rows.Scan(&after, &d.To.Network, &d.To.ID, &d.To.Topic, &d.MemberID, &shown, &state, &variant, &language); err != nil {
				return err
			}
			seen++
			switch state {
			case outbox.Sent, outbox.Delivered, outbox.Read, outbox.Unknown:
				d.Content = content(variant)
				d.Content.Edit, d.Content.Withdraw = shown, shown != ""
				drafts = append(drafts, d)
			}
			return nil
		}, takenBack, a.ID, after, n)
		if err != nil {
			return fmt.Errorf("list who got announcement %d: %w", a.ID, err)
		}
		if err := enqueueAll(ctx, tx, drafts, now); err != nil {
			return err
		}
		var open int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM delivery WHERE announcement_id = $1 AND id > $2`, a.ID, after).Scan(&open); err != nil {
			return fmt.Errorf("count what is left to take back: %w", err)
		}
		done = open == 0
		_, err = tx.ExecContext(ctx, `UPDATE announcement SET retract_after = $2, retract_done = $3 WHERE id = $1`, a.ID, after, done)
		if err != nil {
			return fmt.Errorf("note how far announcement %d is taken back: %w", a.ID, err)
		}
		return nil
	})
	return done, err
}

// RetractionTexts are what people read instead of an announcement that was taken back; a language
// without a text is not in it.
func (s *Store) RetractionTexts(ctx context.Context, id int64) (map[i18n.Lang]string, error) {
	var fr, es, en string
	if err := s.read.QueryRowContext(ctx, `SELECT retract_fr, retract_es, retract_en FROM announcement WHERE id = $1`, id).Scan(&fr, &es, &en); err != nil {
		return nil, fmt.Errorf("read what stands for announcement %d: %w", id, err)
	}
	texts := map[i18n.Lang]string{}
	for l, text := range map[i18n.Lang]string{i18n.French: fr, i18n.Spanish: es, i18n.English: en} {
		if text != "" {
			texts[l] = text
		}
	}
	return texts, nil
}

// AlertsFor implements bot.Announcements: what was sent to a member and still holds, the newest first. An
// alert that was posted in a room holds for everybody known to be in it.
func (s *Store) AlertsFor(ctx context.Context, memberID int64, now time.Time) ([]broadcast.Announcement, error) {
	return s.announcements(ctx, `n.class = 'alert' AND n.started_at IS NOT NULL AND n.retracted_at IS NULL AND n.expires_at > $2 AND n.id IN (
		SELECT announcement_id FROM delivery WHERE member_id = $1 AND announcement_id IS NOT NULL
		UNION SELECT d.announcement_id FROM delivery d JOIN presence p ON p.network = d.network AND p.chat = d.chat WHERE p.member_id = $1 AND d.announcement_id IS NOT NULL)
		ORDER BY n.id DESC`, memberID, now.UnixMilli())
}
