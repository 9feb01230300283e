package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chasqui/agenda"
	"chasqui/bot"
	"chasqui/i18n"
	"chasqui/outbox"
)

// agenda does what the turn does to the agenda. What it says joins the turn's other deliveries.
func (w *turnWriter) agenda(ctx context.Context) error {
	for _, change := range w.outcome.Agenda {
		drafts, err := w.change(ctx, change)
		if err != nil {
			return err
		}
		for _, d := range drafts {
			if d.To == w.turn.Chat && w.outcome.Quiet {
				continue
			}
			w.outcome.Send = append(w.outcome.Send, d)
		}
	}
	return nil
}

func (w *turnWriter) change(ctx context.Context, change agenda.Change) ([]outbox.Draft, error) {
	now := w.turn.Now
	switch c := change.(type) {
	case agenda.Reply:
		return w.reply(ctx, c)
	case agenda.SaveDraft:
		return nil, saveEventDraft(ctx, w.tx, c.Event, w.memberID, now)
	case agenda.DropDraft:
		_, err := w.tx.ExecContext(ctx, `DELETE FROM event WHERE author_id = $1 AND state = 'draft'`, w.memberID)
		return nil, err
	case agenda.Publish:
		return w.publish(ctx, c)
	case agenda.Alter:
		return w.alter(ctx, c)
	case agenda.CancelAll:
		return w.cancelAll(ctx, c)
	case agenda.Organise:
		return nil, organise(ctx, w.tx, c.EventID, w.memberID)
	case agenda.Settle:
		return nil, settle(ctx, w.tx, w.memberID, c, now)
	case agenda.Subscribe:
		if err := subscribe(ctx, w.tx, w.memberID, c, now); err != nil || c.Say == nil {
			return nil, err
		}
		return c.Say(), nil
	}
	return nil, fmt.Errorf("the store does not know the change %T", change)
}

// A rank is given once and grows, so that the waiting list keeps its order whatever the clock does.
const setAnswer = `
INSERT INTO rsvp (occurrence_id, member_id, answer, rank, at)
VALUES ($1, $2, $3, (SELECT COALESCE(MAX(rank), 0) + 1 FROM rsvp WHERE occurrence_id = $1), $4)
ON CONFLICT (occurrence_id, member_id) DO UPDATE SET answer = excluded.answer, rank = excluded.rank, at = excluded.at
WHERE answer <> excluded.answer`

func (w *turnWriter) reply(ctx context.Context, r agenda.Reply) ([]outbox.Draft, error) {
	if w.memberID == 0 {
		return nil, errors.New("answer an event: nobody is known who answers")
	}
	before, ok, err := readCard(ctx, w.tx, w.memberID, r.OccurrenceID)
	if err != nil {
		return nil, err
	}
	// Whoever decided this turn saw an occurrence that could be answered.
	if !ok || before.Occurrence.State == agenda.Cancelled {
		return nil, bot.ErrStale
	}
	answer := r.Answer
	if left, counted := before.Free(); answer == agenda.Yes && counted && before.Mine != agenda.Yes && (left == 0 || before.Queue > 0) {
		// A free seat belongs to who waits for it.
		answer = agenda.Waiting
	}
	if before.Mine == answer {
		// Who came before the seats became fewer keeps theirs.
		return r.Say(before, nil), nil
	}
	if _, err := w.tx.ExecContext(ctx, setAnswer, r.OccurrenceID, w.memberID, answer, w.turn.Now.UnixMilli()); err != nil {
		return nil, fmt.Errorf("answer an event: %w", err)
	}
	up, err := fillSeats(ctx, w.tx, r.OccurrenceID, w.turn.Now)
	if err != nil {
		return nil, err
	}
	after, _, err := readCard(ctx, w.tx, w.memberID, r.OccurrenceID)
	if err != nil {
		return nil, err
	}
	return r.Say(after, without(up, w.memberID)), nil
}

// without leaves out who is told in another way.
func without(people []agenda.Person, memberID int64) []agenda.Person {
	var out []agenda.Person
	for _, p := range people {
		if p.ID != memberID {
			out = append(out, p)
		}
	}
	return out
}

const firstWaiting = `
SELECT r.member_id FROM rsvp r JOIN occurrence o ON o.id = r.occurrence_id
WHERE r.occurrence_id = $1 AND r.answer = 'waiting' AND o.state <> 'cancelled' AND o.ends_at > $2
	AND (o.seats = 0 OR (SELECT COUNT(*) FROM rsvp WHERE occurrence_id = $1 AND answer = 'yes') < o.seats)
ORDER BY r.rank LIMIT 1`

// fillSeats moves up who waits, first come first served, until no seat is free or nobody waits.
func fillSeats(ctx context.Context, tx *sql.Tx, occurrenceID int64, now time.Time) ([]agenda.Person, error) {
	var up []agenda.Person
	for {
		var memberID int64
		err := tx.QueryRowContext(ctx, firstWaiting, occurrenceID, now.UnixMilli()).Scan(&memberID)
		if errors.Is(err, sql.ErrNoRows) {
			return up, nil
		}
		if err != nil {
			return nil, fmt.Errorf("find who waits: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE rsvp SET answer = 'yes' WHERE occurrence_id = $1 AND member_id = $2`, occurrenceID, memberID); err != nil {
			return nil, fmt.Errorf("move somebody up: %w", err)
		}
		found, err := readPeople(ctx, tx, `, 'yes', 0 FROM member m WHERE m.id = $1`, memberID)
		if err != nil {
			return nil, err
		}
		up = append(up, found...)
	}
}

// FillSeats implements agenda.Store.
func (s *Store) FillSeats(ctx context.Context, now time.Time, compose func(agenda.Card, []agenda.Person) []outbox.Draft) error {
	var waiting []int64
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		waiting = append(waiting, id)
		return err
	}, `SELECT DISTINCT r.occurrence_id FROM rsvp r INDEXED BY rsvp_waiting JOIN occurrence o ON o.id = r.occurrence_id
		WHERE r.answer = 'waiting' AND o.ends_at > $1`, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("find waiting lists: %w", err)
	}
	for _, id := range waiting {
		err := s.inTx(ctx, func(tx *sql.Tx) error {
			up, err := fillSeats(ctx, tx, id, now)
			if err != nil || len(up) == 0 {
				return err
			}
			card, _, err := readCard(ctx, tx, 0, id)
			if err != nil {
				return err
			}
			return enqueueAll(ctx, tx, compose(card, up), now)
		})
		if err != nil {
			return fmt.Errorf("fill the seats of occurrence %d: %w", id, err)
		}
	}
	return nil
}

const upsertDraft = `
INSERT INTO event (uid, title_fr, title_es, title_en, start_wall, end_wall, zone, place, link, seats, audience, rule, step, author_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
ON CONFLICT (author_id) WHERE state = 'draft' AND author_id IS NOT NULL DO UPDATE SET title_fr = excluded.title_fr,
	title_es = excluded.title_es, title_en = excluded.title_en, start_wall = excluded.start_wall, end_wall = excluded.end_wall,
	zone = excluded.zone, place = excluded.place, link = excluded.link, seats = excluded.seats, audience = excluded.audience,
	rule = excluded.rule, step = excluded.step, updated_at = excluded.updated_at`

func saveEventDraft(ctx context.Context, tx *sql.Tx, e agenda.Event, memberID int64, now time.Time) error {
	_, err := tx.ExecContext(ctx, upsertDraft, newKey(), e.Titles[i18n.French], e.Titles[i18n.Spanish], e.Titles[i18n.English],
		e.Start, e.End, e.Zone, e.Place, e.Link, e.Seats, e.Audience, e.Rule, e.Step, memberID, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep a draft: %w", err)
	}
	return nil
}

func organise(ctx context.Context, tx *sql.Tx, eventID, memberID int64) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO organiser (event_id, member_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, eventID, memberID); err != nil {
		return fmt.Errorf("add an organiser: %w", err)
	}
	return nil
}

func (w *turnWriter) publish(ctx context.Context, p agenda.Publish) ([]outbox.Draft, error) {
	e, ok, err := readDraft(ctx, w.tx, w.memberID)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, bot.ErrStale // it was published or dropped by another tap
	}
	if _, err := w.tx.ExecContext(ctx, `UPDATE event SET state = 'planned', step = '', updated_at = $2 WHERE id = $1`, e.ID, w.turn.Now.UnixMilli()); err != nil {
		return nil, fmt.Errorf("publish event %d: %w", e.ID, err)
	}
	e.State = agenda.Planned
	if err := organise(ctx, w.tx, e.ID, w.memberID); err != nil {
		return nil, err
	}
	if err := makeOccurrences(ctx, w.tx, e, w.turn.Now); err != nil {
		return nil, err
	}
	made, err := readCards(ctx, w.tx, w.memberID, `WHERE e.id = $2 ORDER BY o.starts_at LIMIT 1`, e.ID)
	if err != nil || len(made) == 0 {
		return nil, fmt.Errorf("read the first occurrence of event %d: %w", e.ID, err)
	}
	return p.Say(made[0].Event, made[0].Occurrence), nil
}

const insertOccurrence = `
INSERT INTO occurrence (event_id, rule_date, start_wall, end_wall, starts_at, ends_at, place, link, seats, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (event_id, rule_date) DO NOTHING RETURNING id`

func makeOccurrences(ctx context.Context, tx *sql.Tx, e agenda.Event, now time.Time) error {
	made, until := e.Made(now)
	for _, o := range made {
		err := tx.QueryRowContext(ctx, insertOccurrence, e.ID, o.RuleDate, o.Start, o.End, o.StartsAt.UnixMilli(), o.EndsAt.UnixMilli(),
			o.Place, o.Link, o.Seats, o.State).Scan(&o.ID)
		if errors.Is(err, sql.ErrNoRows) {
			continue // it is there, perhaps moved or cancelled
		}
		if err != nil {
			return fmt.Errorf("make an occurrence: %w", err)
		}
		if err := planReminders(ctx, tx, o, e, now); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE event SET made_until = $2 WHERE id = $1 AND made_until < $2`, e.ID, until); err != nil {
		return fmt.Errorf("note up to when occurrences are made: %w", err)
	}
	return nil
}

// planReminders writes what an occurrence still has before it. What left for this start stays as it is.
func planReminders(ctx context.Context, tx *sql.Tx, o agenda.Occurrence, e agenda.Event, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM reminder WHERE occurrence_id = $1 AND state = 'pending'`, o.ID); err != nil {
		return fmt.Errorf("take back reminders: %w", err)
	}
	for _, r := range o.Reminders(e.Location(), now) {
		_, err := tx.ExecContext(ctx, `INSERT INTO reminder (occurrence_id, kind, starts_at, due_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			o.ID, r.Kind, r.StartsAt.UnixMilli(), r.Due.UnixMilli())
		if err != nil {
			return fmt.Errorf("plan a reminder: %w", err)
		}
	}
	return nil
}

const updateOccurrence = `
UPDATE occurrence SET start_wall = $2, end_wall = $3, starts_at = $4, ends_at = $5, place = $6, link = $7, seats = $8, state = $9, sequence = sequence + 1
WHERE id = $1`

func writeOccurrence(ctx context.Context, tx *sql.Tx, o agenda.Occurrence) error {
	_, err := tx.ExecContext(ctx, updateOccurrence, o.ID, o.Start, o.End, o.StartsAt.UnixMilli(), o.EndsAt.UnixMilli(), o.Place, o.Link, o.Seats, o.State)
	if err != nil {
		return fmt.Errorf("change occurrence %d: %w", o.ID, err)
	}
	return nil
}

func (w *turnWriter) alter(ctx context.Context, a agenda.Alter) ([]outbox.Draft, error) {
	before, ok, err := readCard(ctx, w.tx, w.memberID, a.OccurrenceID)
	if err != nil {
		return nil, err
	}
	if !ok || before.Occurrence.State == agenda.Cancelled {
		return nil, bot.ErrStale
	}
	o := a.To(before.Occurrence).Timed(before.Location())
	if o == before.Occurrence {
		return a.Say(before, before, nil, nil), nil
	}
	if err := writeOccurrence(ctx, w.tx, o); err != nil {
		return nil, err
	}
	if o.StartsAt != before.StartsAt || o.State == agenda.Cancelled {
		if err := planReminders(ctx, w.tx, o, before.Event, w.turn.Now); err != nil {
			return nil, err
		}
	}
	up, err := fillSeats(ctx, w.tx, o.ID, w.turn.Now)
	if err != nil {
		return nil, err
	}
	after, _, err := readCard(ctx, w.tx, w.memberID, a.OccurrenceID)
	if err != nil {
		return nil, err
	}
	concerned, err := readPeople(ctx, w.tx, guests, o.ID)
	if err != nil {
		return nil, err
	}
	return a.Say(before, after, without(concerned, w.memberID), up), nil
}

const concernedByAll = `, MIN(r.answer), 0 FROM member m JOIN rsvp r ON r.member_id = m.id JOIN occurrence o ON o.id = r.occurrence_id
WHERE o.event_id = $1 AND o.state <> 'cancelled' AND o.ends_at > $2 AND r.answer <> 'no' GROUP BY m.id ORDER BY m.id`

func (w *turnWriter) cancelAll(ctx context.Context, c agenda.CancelAll) ([]outbox.Draft, error) {
	now := w.turn.Now.UnixMilli()
	r, err := w.tx.ExecContext(ctx, `UPDATE event SET state = 'cancelled', updated_at = $2 WHERE id = $1 AND state = 'planned'`, c.EventID, now)
	if err != nil {
		return nil, fmt.Errorf("cancel event %d: %w", c.EventID, err)
	}
	if affected(r) == 0 {
		return nil, bot.ErrStale
	}
	concerned, err := readPeople(ctx, w.tx, concernedByAll, c.EventID, now)
	if err != nil {
		return nil, err
	}
	found, err := readCards(ctx, w.tx, 0, `WHERE e.id = $2 AND o.state <> 'cancelled' AND o.ends_at > $3 ORDER BY o.id`, c.EventID, now)
	if err != nil {
		return nil, err
	}
	for _, card := range found {
		card.Occurrence.State = agenda.Cancelled
		if err := writeOccurrence(ctx, w.tx, card.Occurrence); err != nil {
			return nil, err
		}
		if err := planReminders(ctx, w.tx, card.Occurrence, card.Event, w.turn.Now); err != nil {
			return nil, err
		}
	}
	var e eventScan
	if err := w.tx.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM event e WHERE e.id = $1`, c.EventID).Scan(e.into()...); err != nil {
		return nil, fmt.Errorf("read event %d: %w", c.EventID, err)
	}
	event, err := e.done()
	return c.Say(event, without(concerned, w.memberID)), err
}

func settle(ctx context.Context, tx *sql.Tx, memberID int64, s agenda.Settle, now time.Time) error {
	state := "todo"
	if s.Done {
		state = "claimed"
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO formality (member_id, kind, anchor, state, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (member_id, kind) DO UPDATE SET anchor = excluded.anchor, state = excluded.state, at = excluded.at`,
		memberID, s.Kind, s.Anchor, state, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("note a formality: %w", err)
	}
	if s.Done {
		_, err = tx.ExecContext(ctx, `UPDATE deadline SET state = 'done' WHERE member_id = $1 AND kind = $2 AND state = 'pending'`, memberID, s.Kind)
	} else {
		_, err = tx.ExecContext(ctx, `UPDATE member SET plan_stale = 1 WHERE id = $1`, memberID)
	}
	if err != nil {
		return fmt.Errorf("note what a formality does to its deadlines: %w", err)
	}
	return nil
}

func subscribe(ctx context.Context, tx *sql.Tx, memberID int64, s agenda.Subscribe, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM calendar_feed WHERE member_id = $1`, memberID); err != nil {
		return fmt.Errorf("end a calendar feed: %w", err)
	}
	if s.SecretHash == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO calendar_feed (member_id, secret_hash, created_at) VALUES ($1, $2, $3)`, memberID, s.SecretHash, now.UnixMilli()); err != nil {
		return fmt.Errorf("make a calendar feed: %w", err)
	}
	return nil
}
