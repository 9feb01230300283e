package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// A draft that does not say whose it is belongs to who is at its address: what is kept of people is found by them.
const insertDelivery = `
INSERT INTO delivery (key, lane, network, chat, topic, member_id, ticket_id, body, due_at, expires_at, created_at, cause, asked)
VALUES ($1, $2, $3, $4, $5, COALESCE(NULLIF($6, 0), (SELECT member_id FROM address WHERE network = $3 AND chat = $4)), NULLIF($7, 0), $8, $9, $10, $11, $12, $13)
ON CONFLICT (cause, network, chat, topic) WHERE cause <> '' DO NOTHING`

func enqueue(ctx context.Context, q querier, d outbox.Draft, now time.Time) error {
	body, err := json.Marshal(d.Content)
	if err != nil {
		return fmt.Errorf("write the delivery's content: %w", err)
	}
	due := d.Due
	if due.IsZero() {
		due = now
	}
	_, err = q.ExecContext(ctx, insertDelivery, newKey(), d.Lane, d.To.Network, d.To.ID, d.To.Topic, d.MemberID, d.TicketID,
		string(body), due.UnixMilli(), millis(d.Expires), now.UnixMilli(), d.Cause, d.Asked)
	if err != nil {
		return fmt.Errorf("queue a delivery: %w", err)
	}
	return nil
}

// Enqueue queues deliveries that belong to no turn, all or none.
func (s *Store) Enqueue(ctx context.Context, drafts []outbox.Draft, now time.Time) error {
	ctx = context.WithoutCancel(ctx)
	return s.inTxTogether(func(tx *sql.Tx) error { return enqueueAll(ctx, tx, drafts, now) })
}

func enqueueAll(ctx context.Context, tx *sql.Tx, drafts []outbox.Draft, now time.Time) error {
	for _, d := range drafts {
		if err := enqueue(ctx, tx, d, now); err != nil {
			return err
		}
	}
	return nil
}

// Advance implements outbox.Store.
func (s *Store) Advance(ctx context.Context, a outbox.Account, now time.Time, results []outbox.Result, c outbox.Claim) (claimed []outbox.Delivery, next time.Time, err error) {
	// It is over in milliseconds: to watch for a stop at each of its statements would cost more.
	ctx = context.WithoutCancel(ctx)
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		claimed = nil
		if err := recordAll(ctx, tx, a, now, results); err != nil {
			return err
		}
		var more bool
		var err error
		if claimed, more, err = s.claimAll(ctx, tx, a, now, c); err != nil || more {
			next = now
			return err
		}
		next, err = nextDue(ctx, tx, a, now)
		return err
	})
	return claimed, next, err
}

// claimAll claims lane by lane: what waits first, then what announcements of the lane still have to make.
func (s *Store) claimAll(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, c outbox.Claim) (claimed []outbox.Delivery, more bool, err error) {
	if c.Want == 0 {
		return nil, false, nil
	}
	lowest, heldUntil, err := allowed(ctx, tx, c.Lowest)
	if err != nil {
		return nil, false, err
	}
	var fanned [outbox.News + 1]bool
	if err := lanesOnTheirWay(ctx, tx, a, &fanned); err != nil {
		return nil, false, err
	}
	for lane := outbox.Alert; lane <= lowest && len(claimed) < c.Want; lane++ {
		// Lanes without an announcement are claimed together with the next one that has some.
		if !fanned[lane] && lane < lowest {
			continue
		}
		for len(claimed) < c.Want {
			some, seen, err := s.claim(ctx, tx, a, now, outbox.Claim{Want: c.Want - len(claimed), Lowest: lane, Held: c.Held}, heldUntil)
			if err != nil {
				return nil, false, err
			}
			claimed = append(claimed, some...)
			if seen == 0 {
				break
			}
		}
		if !fanned[lane] {
			continue
		}
		some, stopped, err := s.materialise(ctx, tx, a, now, lane, outbox.Claim{Want: c.Want - len(claimed), Held: c.Held})
		if err != nil {
			return nil, false, err
		}
		claimed, more = append(claimed, some...), more || stopped
	}
	return claimed, more, nil
}

const onTheirWay = `
SELECT DISTINCT CASE n.class WHEN 'alert' THEN 0 WHEN 'reminder' THEN 2 ELSE 3 END
FROM announcement n CROSS JOIN fanout f ON f.announcement_id = n.id AND f.network = $1
WHERE n.state IN ('approved', 'late', 'sending') AND n.state = 'sending' AND n.paused_at IS NULL AND f.made < f.total`

func lanesOnTheirWay(ctx context.Context, tx *sql.Tx, a outbox.Account, fanned *[outbox.News + 1]bool) error {
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var lane outbox.Lane
		if err := rows.Scan(&lane); err != nil {
			return err
		}
		fanned[lane] = true
		return nil
	}, onTheirWay, a.Network)
	if err != nil {
		return fmt.Errorf("find announcements on their way: %w", err)
	}
	return nil
}

// recordSent takes what simply arrived, which nearly everything does, in one statement: the ids with the
// network's own.
const recordSent = `
UPDATE delivery SET state = 'sent', claimed_at = NULL, done_at = $2, fault = '', reason = '',
	provider_id = CASE WHEN r.value = '' THEN provider_id ELSE r.value END
FROM json_each($1) r WHERE delivery.id = CAST(r.key AS INTEGER) AND delivery.state = 'sending'`

func recordAll(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, results []outbox.Result) error {
	sent := map[int64]string{}
	for _, r := range results {
		if r == (outbox.Result{ID: r.ID, State: outbox.Sent, ProviderID: r.ProviderID}) {
			sent[r.ID] = r.ProviderID
			continue
		}
		if err := record(ctx, tx, a, now, r); err != nil {
			return err
		}
	}
	if len(sent) == 0 {
		return nil
	}
	list, err := json.Marshal(sent)
	if err != nil {
		return fmt.Errorf("list what arrived: %w", err)
	}
	if _, err := tx.ExecContext(ctx, recordSent, string(list), now.UnixMilli()); err != nil {
		return fmt.Errorf("record %d deliveries: %w", len(sent), err)
	}
	return nil
}

// The WHERE on state keeps a result from being recorded twice; the trigger keeps a final state.
const recordResult = `
UPDATE delivery SET state = $2, claimed_at = NULL, done_at = $3, due_at = COALESCE($4, due_at),
	provider_id = CASE WHEN $5 = '' THEN provider_id ELSE $5 END, fault = $6, reason = $7, attempt = attempt - $8,
	unsure = unsure + ($6 = 'ambiguous')
WHERE id = $1 AND state = 'sending'`

func record(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, r outbox.Result) error {
	done := millis(now)
	if r.State == outbox.Queued {
		done = sql.NullInt64{}
	}
	refund := 0
	if r.Refund {
		refund = 1
	}
	if _, err := tx.ExecContext(ctx, recordResult, r.ID, r.State, done, millis(r.Due), r.ProviderID, r.Fault, r.Reason, refund); err != nil {
		return fmt.Errorf("record delivery %d: %w", r.ID, err)
	}
	switch {
	case r.Fault == channel.Gone:
		_, err := tx.ExecContext(ctx, `UPDATE address SET state = 'gone' WHERE (network, chat) = (SELECT network, chat FROM delivery WHERE id = $1)`, r.ID)
		if err != nil {
			return fmt.Errorf("note that an address is gone: %w", err)
		}
	case r.MovedTo != "":
		var old string
		if err := tx.QueryRowContext(ctx, `SELECT chat FROM delivery WHERE id = $1`, r.ID).Scan(&old); err != nil {
			return fmt.Errorf("find what moved: %w", err)
		}
		return moveChat(ctx, tx, a.Network, old, r.MovedTo)
	}
	return nil
}

// moveChat gives what waits for a room its new id.
func moveChat(ctx context.Context, tx *sql.Tx, network channel.Network, old, now string) error {
	_, err := tx.ExecContext(ctx, `UPDATE delivery SET chat = $3 WHERE network = $1 AND chat = $2 AND state IN ('queued', 'sending')`, network, old, now)
	if err != nil {
		return fmt.Errorf("follow a moved room: %w", err)
	}
	return nil
}

// claimable chooses what leaves next: the lowest lane, then the earliest due. Within a chat nothing
// overtakes what was queued before it in its own lane or a more urgent one, and nothing leaves while
// something is in flight there. What belongs to a paused announcement waits, and holds nobody else up.
// «+ 0» hides the limit from SQLite's planner, which would read the sentence anew for every other number.
const claimable = `
SELECT d.id, d.key, d.lane, d.chat, d.topic, COALESCE(d.member_id, 0), COALESCE(d.ticket_id, 0), COALESCE(d.announcement_id, 0),
	COALESCE(b.body, d.body), n.attachment_id, COALESCE(m.timezone, ''), COALESCE(m.region, ''), d.due_at, d.expires_at, d.attempt, d.unsure, d.created_at,
	COALESCE(m.stopped_at IS NULL AND (d.asked = 1 OR m.consent IN ('enrolled', 'given')), 1),
	COALESCE(a.state, 'active')
FROM delivery d
LEFT JOIN member m ON m.id = d.member_id
LEFT JOIN address a ON a.network = d.network AND a.chat = d.chat
LEFT JOIN announcement n ON n.id = d.announcement_id
LEFT JOIN announcement_body b ON b.announcement_id = d.announcement_id AND b.variant = d.variant
WHERE d.network = $1 AND d.state = 'queued' AND d.due_at <= $2 AND d.lane <= $3 AND d.id > $4
	AND ($5 = '' OR d.chat = $5) AND n.paused_at IS NULL AND d.chat NOT IN (SELECT value FROM json_each($7))
	AND NOT EXISTS (
		SELECT 1 FROM delivery e LEFT JOIN announcement p ON p.id = e.announcement_id
		WHERE e.network = d.network AND e.chat = d.chat AND e.state IN ('queued', 'sending')
			AND (e.state = 'sending' OR (e.id < d.id AND e.lane <= d.lane AND p.paused_at IS NULL)))
ORDER BY d.lane, d.due_at, d.id LIMIT $6 + 0`

const markSending = `UPDATE delivery SET state = 'sending', claimed_at = $2, attempt = attempt + 1 WHERE id = $1 AND state = 'queued'`

const markNotSent = `UPDATE delivery SET state = $2, done_at = $3, reason = $4 WHERE id = $1 AND state = 'queued'`

// claim takes up to c.Want deliveries. seen counts what was looked at, so that the caller asks again
// after some were stopped or expired instead.
func (s *Store) claim(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time, c outbox.Claim, heldUntil int64) (claimed []outbox.Delivery, seen int, err error) {
	type candidate struct {
		outbox.Delivery
		agreed     bool
		address    string
		body       string
		attachment sql.NullInt64
	}
	var found []candidate
	held, err := json.Marshal(append([]string{}, c.Held...))
	if err != nil {
		return nil, 0, fmt.Errorf("list the chats that wait: %w", err)
	}
	err = each(ctx, tx, func(rows *sql.Rows) error {
		f := candidate{}
		f.To.Network = a.Network
		var due, created int64
		var expires sql.NullInt64
		var timezone, region string
		if err := rows.Scan(&f.ID, &f.Key, &f.Lane, &f.To.ID, &f.To.Topic, &f.MemberID, &f.TicketID, &f.AnnouncementID,
			&f.body, &f.attachment, &timezone, &region, &due, &expires, &f.Attempt, &f.Unsure, &created, &f.agreed, &f.address); err != nil {
			return err
		}
		f.Due, f.Created, f.Expires = time.UnixMilli(due).UTC(), time.UnixMilli(created).UTC(), instant(expires)
		f.Zone = community.ZoneName(timezone, region)
		f.Attempt++
		found = append(found, f)
		return nil
	}, claimable, a.Network, now.UnixMilli(), c.Lowest, heldUntil, a.Chat, c.Want, string(held))
	if err != nil {
		return nil, 0, fmt.Errorf("choose deliveries: %w", err)
	}
	for _, f := range found {
		if state, reason := refused(f.Delivery, f.agreed, f.address, now); state != "" {
			if _, err := tx.ExecContext(ctx, markNotSent, f.ID, state, now.UnixMilli(), reason); err != nil {
				return nil, 0, fmt.Errorf("refuse delivery %d: %w", f.ID, err)
			}
			continue
		}
		if err := json.Unmarshal([]byte(f.body), &f.Content); err != nil {
			return nil, 0, fmt.Errorf("read delivery %d: %w", f.ID, err)
		}
		if f.attachment.Valid {
			if f.Content.File, err = s.file(ctx, tx, f.attachment); err != nil {
				return nil, 0, err
			}
		}
		if _, err := tx.ExecContext(ctx, markSending, f.ID, now.UnixMilli()); err != nil {
			return nil, 0, fmt.Errorf("claim delivery %d: %w", f.ID, err)
		}
		claimed = append(claimed, f.Delivery)
	}
	return claimed, len(found), nil
}

// refused decides, at the last moment, what must not leave after all.
func refused(d outbox.Delivery, agreed bool, address string, now time.Time) (outbox.State, string) {
	switch {
	case !d.Expires.IsZero() && !now.Before(d.Expires):
		return outbox.Expired, "its time was over before it could leave"
	case !d.Lane.Solicited() && !agreed:
		return outbox.Stopped, "the person stopped or never agreed"
	case !d.Lane.Solicited() && address == "gone":
		return outbox.Failed, "the person blocked the bot or left"
	}
	return "", ""
}

// allowed says what a pause leaves open: with one, only alerts and replies, and after a restore only
// those made since.
func allowed(ctx context.Context, tx *sql.Tx, lowest outbox.Lane) (outbox.Lane, int64, error) {
	paused, err := setting(ctx, tx, "paused_at")
	if err != nil || paused == "" {
		return lowest, 0, err
	}
	held, err := setting(ctx, tx, "held_until")
	if err != nil || held == "" {
		return min(lowest, outbox.Reply), 0, err
	}
	until, err := strconv.ParseInt(held, 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("read up to where deliveries are held: %w", err)
	}
	return min(lowest, outbox.Reply), until, nil
}

// One seek a lane: a MIN over all lanes at once would read every delivery that waits.
const earliestDue = `
WITH lanes(l) AS (VALUES (0), (1), (2), (3))
SELECT MIN((SELECT MIN(due_at) FROM delivery WHERE network = $1 AND state = 'queued' AND lane = l AND due_at > $2)) FROM lanes`

func nextDue(ctx context.Context, tx *sql.Tx, a outbox.Account, now time.Time) (time.Time, error) {
	var due sql.NullInt64
	if err := tx.QueryRowContext(ctx, earliestDue, a.Network, now.UnixMilli()).Scan(&due); err != nil {
		return time.Time{}, fmt.Errorf("find the next due delivery: %w", err)
	}
	return instant(due), nil
}

// «IN» beside «=» lets SQLite find the index of what is open.
const recoverable = `
UPDATE delivery SET state = 'queued', claimed_at = NULL, unsure = unsure + 1
WHERE network = $1 AND state IN ('queued', 'sending') AND state = 'sending' AND ($2 = '' OR chat = $2) AND lane <= $3 AND unsure = 0`

const uncertain = `
UPDATE delivery SET state = 'unknown', claimed_at = NULL, done_at = $3, reason = 'in flight when the process ended'
WHERE network = $1 AND state IN ('queued', 'sending') AND state = 'sending' AND ($2 = '' OR chat = $2)`

// Recover implements outbox.Store. After a restore nothing that was in flight is sent again before a
// person says so, since it is held with the rest.
func (s *Store) Recover(ctx context.Context, a outbox.Account, now time.Time) (requeued, unknown int, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, recoverable, a.Network, a.Chat, outbox.Reply)
		if err != nil {
			return fmt.Errorf("queue interrupted replies again: %w", err)
		}
		u, err := tx.ExecContext(ctx, uncertain, a.Network, a.Chat, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("mark the rest unknown: %w", err)
		}
		requeued, unknown = affected(r), affected(u)
		return nil
	})
	return requeued, unknown, err
}

// longestPlan is more than any wait between two tries that the outbox chooses itself.
const longestPlan = 10 * time.Minute

// What was made later than now was made by a clock that was ahead: it keeps the wait it was made with. What is tried
// again so much later was planned by one. A later time that somebody asked for stays as it is.
const planAnew = `
UPDATE delivery SET due_at = MIN(due_at, CASE WHEN fault = '' THEN $3 + due_at - created_at ELSE $3 END)
WHERE network = $1 AND state = 'queued' AND lane IN (0, 1, 2, 3) AND due_at > $3 AND ($2 = '' OR chat = $2)
	AND (created_at > $3 OR (fault <> '' AND due_at > $4))`

// BringForward implements outbox.Store.
func (s *Store) BringForward(ctx context.Context, a outbox.Account, now time.Time) (replanned int, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, planAnew, a.Network, a.Chat, now.UnixMilli(), now.Add(longestPlan).UnixMilli())
		if err != nil {
			return fmt.Errorf("plan anew what a clock ahead had planned: %w", err)
		}
		replanned = affected(r)
		return nil
	})
	return replanned, err
}

// affected counts the rows of a statement; SQLite always knows.
func affected(r sql.Result) int {
	n, _ := r.RowsAffected()
	return int(n)
}
