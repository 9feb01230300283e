package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/outbox"
)

// What belongs to a paused announcement waits because somebody said so: it is no delay.
const queuedByLane = `
SELECT d.network, d.lane, COUNT(*), MIN(CASE WHEN n.paused_at IS NULL AND d.due_at <= $1 THEN d.due_at END)
FROM delivery d LEFT JOIN announcement n ON n.id = d.announcement_id
WHERE d.state = 'queued' GROUP BY d.network, d.lane`

const unmadeByClass = `
SELECT f.network, n.class, SUM(f.total - f.made), MIN(CASE WHEN n.paused_at IS NULL THEN n.started_at END)
FROM announcement n JOIN fanout f ON f.announcement_id = n.id
WHERE n.state = 'sending' AND f.made < f.total GROUP BY f.network, n.class`

// Backlog says what waits, lane by lane.
func (s *Store) Backlog(ctx context.Context, now time.Time) ([]outbox.Backlog, error) {
	var all []outbox.Backlog
	add := func(n channel.Network, lane outbox.Lane, queued int, since time.Time) {
		i := slices.IndexFunc(all, func(b outbox.Backlog) bool { return b.Network == n && b.Lane == lane })
		if i < 0 {
			all, i = append(all, outbox.Backlog{Network: n, Lane: lane}), len(all)
		}
		b := &all[i]
		b.Queued += queued
		if b.Since.IsZero() || !since.IsZero() && since.Before(b.Since) {
			b.Since = since
		}
	}
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var network channel.Network
		var lane outbox.Lane
		var queued int
		var since sql.NullInt64
		err := rows.Scan(&network, &lane, &queued, &since)
		add(network, lane, queued, instant(since))
		return err
	}, queuedByLane, now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count what is queued: %w", err)
	}
	err = each(ctx, s.read, func(rows *sql.Rows) error {
		var network channel.Network
		var class broadcast.Class
		var unmade int
		var since sql.NullInt64
		err := rows.Scan(&network, &class, &unmade, &since)
		add(network, class.Lane(), unmade, instant(since))
		return err
	}, unmadeByClass)
	if err != nil {
		return nil, fmt.Errorf("count what announcements have to make: %w", err)
	}
	slices.SortFunc(all, func(a, b outbox.Backlog) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.Lane, b.Lane))
	})
	return all, nil
}

// What a person had tried again is new from then on.
const overdue = `
SELECT d.network, COUNT(CASE WHEN d.due_at <= $1 THEN 1 END), COUNT(CASE WHEN d.due_at > $1 AND d.fault <> '' AND d.created_at <= $1 AND COALESCE(n.updated_at, 0) <= $1 THEN 1 END)
FROM delivery d LEFT JOIN announcement n ON n.id = d.announcement_id
WHERE d.state = 'queued' AND d.lane <= $2 AND n.paused_at IS NULL GROUP BY d.network ORDER BY d.network`

// Overdue counts what has been due since before the instant given, or is tried again since then, in the
// lanes down to lowest.
func (s *Store) Overdue(ctx context.Context, before time.Time, lowest outbox.Lane) ([]outbox.Overdue, error) {
	var all []outbox.Overdue
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var o outbox.Overdue
		err := rows.Scan(&o.Network, &o.Waiting, &o.Retried)
		if o.Waiting+o.Retried > 0 {
			all = append(all, o)
		}
		return err
	}, overdue, before.UnixMilli(), lowest)
	if err != nil {
		return nil, fmt.Errorf("count what is overdue: %w", err)
	}
	return all, nil
}

// The tally says where to look: of a million deliveries only those of unknown fate are read.
const undecided = `
SELECT COUNT(*) FROM delivery d WHERE d.state = 'unknown' AND d.reason <> $1 AND d.announcement_id IN (
	SELECT t.announcement_id FROM tally t JOIN announcement n ON n.id = t.announcement_id WHERE t.state = 'unknown' AND t.n > 0 AND n.state <> 'cancelled')`

// Underway counts the announcements that are not over, and what of them waits for a person.
func (s *Store) Underway(ctx context.Context) (u broadcast.Underway, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN state = 'approved' THEN 1 END), COUNT(CASE WHEN state = 'late' THEN 1 END),
		COUNT(CASE WHEN state = 'sending' AND paused_at IS NULL THEN 1 END), COUNT(CASE WHEN state = 'sending' AND paused_at IS NOT NULL THEN 1 END)
		FROM announcement WHERE state IN ('approved', 'late', 'sending')`).Scan(&u.Approved, &u.Late, &u.Sending, &u.Paused)
	if err != nil {
		return u, fmt.Errorf("count announcements on their way: %w", err)
	}
	if err := s.read.QueryRowContext(ctx, undecided, broadcast.LeftUnknown).Scan(&u.Undecided); err != nil {
		return u, fmt.Errorf("count what is undecided: %w", err)
	}
	return u, nil
}

// Found by their end, not by their announcement: those of the last minutes are few, whatever its size.
const endedSince = `
SELECT d.network, COUNT(*) FROM delivery d
WHERE d.done_at >= $2 AND +d.announcement_id = $1 GROUP BY d.network`

// EndedSince counts the deliveries of an announcement that came to an end since an instant, by network.
func (s *Store) EndedSince(ctx context.Context, id int64, since time.Time) (map[channel.Network]int, error) {
	ended := map[channel.Network]int{}
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var network channel.Network
		var n int
		err := rows.Scan(&network, &n)
		ended[network] = n
		return err
	}, endedSince, id, since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count what ended lately of announcement %d: %w", id, err)
	}
	return ended, nil
}

// TimeLeft says how long the rest of an announcement takes, by what ended over the last minutes; zero when
// nobody can say. It goes back to no earlier than the last change: the start, a pause that ended, a retry.
func (s *Store) TimeLeft(ctx context.Context, st broadcast.Standing, now time.Time) (time.Duration, error) {
	if st.State != broadcast.Sending || !st.PausedAt.IsZero() {
		return 0, nil
	}
	since := now.Add(-broadcast.PaceOver)
	if st.UpdatedAt.After(since) {
		since = st.UpdatedAt
	}
	if paused, _, err := s.Paused(ctx); err != nil || !paused.IsZero() && st.Class != broadcast.Alert {
		return 0, err
	}
	ended, err := s.EndedSince(ctx, st.ID, since)
	if err != nil {
		return 0, err
	}
	return broadcast.TimeLeft(st, ended, now.Sub(since)), nil
}
