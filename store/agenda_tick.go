package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chasqui/agenda"
	"chasqui/community"
	"chasqui/outbox"
)

var _ agenda.Store = (*Store)(nil)

// Recurring implements agenda.Store. Which day it is depends on the event's zone, so the query waits until
// it is a day later in every zone, and each event is asked again: once a day, not once a minute.
func (s *Store) Recurring(ctx context.Context, now time.Time) ([]agenda.Event, error) {
	var out []agenda.Event
	latest := now.UTC().AddDate(0, 0, agenda.Horizon-1).Format("2006-01-02")
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var e eventScan
		var until community.Date
		if err := rows.Scan(append(e.into(), &until)...); err != nil {
			return err
		}
		event, err := e.done()
		if _, horizon := event.Made(now); until < horizon {
			out = append(out, event)
		}
		return err
	}, `SELECT `+eventColumns+`, e.made_until FROM event e WHERE e.state = 'planned' AND e.rule <> '' AND e.made_until < $1 ORDER BY e.id`, latest)
	if err != nil {
		return nil, fmt.Errorf("list recurring events: %w", err)
	}
	return out, nil
}

// MakeOccurrences implements agenda.Store.
func (s *Store) MakeOccurrences(ctx context.Context, e agenda.Event, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		var state agenda.State
		if err := tx.QueryRowContext(ctx, `SELECT state FROM event WHERE id = $1`, e.ID).Scan(&state); err != nil {
			return fmt.Errorf("read event %d: %w", e.ID, err)
		}
		if state != agenda.Planned {
			return nil
		}
		return makeOccurrences(ctx, tx, e, now)
	})
}

// DueReminders implements agenda.Store.
func (s *Store) DueReminders(ctx context.Context, now time.Time) ([]agenda.DueReminder, error) {
	var out []agenda.DueReminder
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var r agenda.DueReminder
		var starts, due int64
		if err := rows.Scan(&r.OccurrenceID, &r.Kind, &starts, &due, &r.Concerned); err != nil {
			return err
		}
		r.StartsAt, r.Due = time.UnixMilli(starts).UTC(), time.UnixMilli(due).UTC()
		out = append(out, r)
		return nil
	}, `SELECT r.occurrence_id, r.kind, r.starts_at, r.due_at,
			(SELECT COUNT(*) FROM rsvp WHERE occurrence_id = o.id AND answer IN ('yes', 'maybe')) + (SELECT COUNT(*) FROM organiser WHERE event_id = o.event_id)
		FROM reminder r JOIN occurrence o ON o.id = r.occurrence_id
		WHERE r.state = 'pending' AND r.due_at <= $1 ORDER BY r.due_at, r.occurrence_id, r.kind`, now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("list due reminders: %w", err)
	}
	for i := range out {
		var ok bool
		if out[i].Card, ok, err = readCard(ctx, s.read, 0, out[i].OccurrenceID); err != nil || !ok {
			return nil, fmt.Errorf("read occurrence %d of a reminder: %w", out[i].OccurrenceID, err)
		}
	}
	return out, nil
}

// markReminder moves a pending reminder; false says that it was not pending any more.
func markReminder(ctx context.Context, tx *sql.Tx, r agenda.Reminder, state string) (bool, error) {
	done, err := tx.ExecContext(ctx, `UPDATE reminder SET state = $4 WHERE occurrence_id = $1 AND kind = $2 AND starts_at = $3 AND state = 'pending'`,
		r.OccurrenceID, r.Kind, r.StartsAt.UnixMilli(), state)
	if err != nil {
		return false, fmt.Errorf("mark a reminder: %w", err)
	}
	return affected(done) == 1, nil
}

// FireReminder implements agenda.Store. Who comes and where it is are read in the transaction that marks
// it: a tap or a move a moment ago counts.
func (s *Store) FireReminder(ctx context.Context, r agenda.Reminder, now time.Time, compose func(agenda.Card, []agenda.Person) []outbox.Draft) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		marked, err := markReminder(ctx, tx, r, "sent")
		if err != nil || !marked {
			return err
		}
		card, _, err := readCard(ctx, tx, 0, r.OccurrenceID)
		if err != nil {
			return err
		}
		people, err := readPeople(ctx, tx, guests, r.OccurrenceID)
		if err != nil {
			return err
		}
		return enqueueAll(ctx, tx, compose(card, people), now)
	})
}

// errElsewhere ends a transaction whose work another tick has done.
var errElsewhere = errors.New("another tick did it")

// SkipReminders implements agenda.Store.
func (s *Store) SkipReminders(ctx context.Context, rs []agenda.Reminder, drafts []outbox.Draft, now time.Time) error {
	return skipAll(ctx, s, rs, markReminder, drafts, now)
}

// skipAll marks what did not leave in time as skipped and queues what is said about it, all or none: what
// another tick has marked it has told too.
func skipAll[T any](ctx context.Context, s *Store, all []T, mark func(context.Context, *sql.Tx, T, string) (bool, error), drafts []outbox.Draft, now time.Time) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for _, one := range all {
			marked, err := mark(ctx, tx, one, "skipped")
			if err != nil {
				return err
			}
			if !marked {
				return errElsewhere
			}
		}
		return enqueueAll(ctx, tx, drafts, now)
	})
	if errors.Is(err, errElsewhere) {
		return nil
	}
	return err
}

// Replan implements agenda.Store.
func (s *Store) Replan(ctx context.Context, n int, now time.Time, home *time.Location) (int, error) {
	var stale []int64
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		stale = append(stale, id)
		return err
	}, `SELECT id FROM member WHERE plan_stale = 1 ORDER BY id LIMIT $1`, n)
	if err != nil {
		return 0, fmt.Errorf("list whose dates changed: %w", err)
	}
	for _, id := range stale {
		if err := s.inTx(ctx, func(tx *sql.Tx) error { return replan(ctx, tx, id, now, home) }); err != nil {
			return 0, fmt.Errorf("plan the deadlines of member %d: %w", id, err)
		}
	}
	return len(stale), nil
}

const insertDeadline = `
INSERT INTO deadline (member_id, kind, anchor, days, day, due_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (member_id, kind, anchor, days) DO UPDATE SET state = 'pending', day = excluded.day, due_at = excluded.due_at WHERE state IN ('pending', 'done')`

func replan(ctx context.Context, tx *sql.Tx, memberID int64, now time.Time, home *time.Location) error {
	m, err := scanMember(tx.QueryRowContext(ctx, `SELECT `+memberColumns+` FROM member m WHERE m.id = $1`, memberID))
	if errors.Is(err, sql.ErrNoRows) {
		return nil // erased a moment ago
	}
	if err != nil {
		return err
	}
	settled := map[string]community.Date{}
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var kind string
		var anchor community.Date
		err := rows.Scan(&kind, &anchor)
		settled[kind] = anchor
		return err
	}, `SELECT kind, anchor FROM formality WHERE member_id = $1 AND state <> 'todo'`, memberID)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM deadline WHERE member_id = $1 AND state = 'pending'`, memberID); err != nil {
		return err
	}
	for _, d := range agenda.Plan(m, settled, now, home) {
		if _, err := tx.ExecContext(ctx, insertDeadline, d.MemberID, d.Kind, d.Anchor, d.Offset, d.Day, d.Due.UnixMilli()); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE member SET plan_stale = 0 WHERE id = $1`, memberID)
	return err
}

// DueDeadlines implements agenda.Store.
func (s *Store) DueDeadlines(ctx context.Context, now time.Time) ([]agenda.DueDeadline, error) {
	var out []agenda.DueDeadline
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var d agenda.DueDeadline
		var due int64
		var err error
		d.Person, err = scanPerson(rows, &d.Kind, &d.Anchor, &d.Offset, &d.Day, &due)
		d.MemberID, d.Due = d.Person.ID, time.UnixMilli(due).UTC()
		out = append(out, d)
		return err
	}, people+`, d.kind, d.anchor, d.days, d.day, d.due_at FROM deadline d JOIN member m ON m.id = d.member_id
		WHERE d.state = 'pending' AND d.due_at <= $1 ORDER BY d.due_at, d.member_id, d.kind`, now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("list due deadlines: %w", err)
	}
	return out, nil
}

func markDeadline(ctx context.Context, tx *sql.Tx, d agenda.Deadline, state string) (bool, error) {
	done, err := tx.ExecContext(ctx, `UPDATE deadline SET state = $5 WHERE member_id = $1 AND kind = $2 AND anchor = $3 AND days = $4 AND state = 'pending'`,
		d.MemberID, d.Kind, d.Anchor, d.Offset, state)
	if err != nil {
		return false, fmt.Errorf("mark a deadline: %w", err)
	}
	return affected(done) == 1, nil
}

// FireDeadline implements agenda.Store.
func (s *Store) FireDeadline(ctx context.Context, d agenda.Deadline, draft outbox.Draft, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		marked, err := markDeadline(ctx, tx, d, "sent")
		if err != nil || !marked {
			return err
		}
		return enqueue(ctx, tx, draft, now)
	})
}

// SkipDeadlines implements agenda.Store.
func (s *Store) SkipDeadlines(ctx context.Context, ds []agenda.Deadline, drafts []outbox.Draft, now time.Time) error {
	return skipAll(ctx, s, ds, markDeadline, drafts, now)
}
