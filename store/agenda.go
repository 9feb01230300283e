package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"chasqui/agenda"
	"chasqui/community"
	"chasqui/i18n"
)

const eventColumns = `e.id, e.uid, e.title_fr, e.title_es, e.title_en, e.start_wall, e.end_wall, e.zone, e.place, e.link, e.seats,
	e.audience, e.rule, e.state, e.step, COALESCE(e.author_id, 0),
	(SELECT json_group_array(member_id) FROM organiser WHERE event_id = e.id)`

type eventScan struct {
	event      agenda.Event
	fr, es, en string
	organisers string
}

func (s *eventScan) into() []any {
	e := &s.event
	return []any{&e.ID, &e.UID, &s.fr, &s.es, &s.en, &e.Start, &e.End, &e.Zone, &e.Place, &e.Link, &e.Seats,
		&e.Audience, &e.Rule, &e.State, &e.Step, &e.AuthorID, &s.organisers}
}

func (s *eventScan) done() (agenda.Event, error) {
	s.event.Titles = map[i18n.Lang]string{}
	for l, t := range map[i18n.Lang]string{i18n.French: s.fr, i18n.Spanish: s.es, i18n.English: s.en} {
		if t != "" {
			s.event.Titles[l] = t
		}
	}
	err := json.Unmarshal([]byte(s.organisers), &s.event.Organisers)
	return s.event, err
}

const occurrenceColumns = `o.id, o.event_id, o.rule_date, o.start_wall, o.end_wall, o.starts_at, o.ends_at, o.place, o.link, o.seats, o.state, o.sequence`

type occurrenceScan struct {
	occurrence   agenda.Occurrence
	starts, ends int64
}

func (s *occurrenceScan) into() []any {
	o := &s.occurrence
	return []any{&o.ID, &o.EventID, &o.RuleDate, &o.Start, &o.End, &s.starts, &s.ends, &o.Place, &o.Link, &o.Seats, &o.State, &o.Sequence}
}

func (s *occurrenceScan) done() agenda.Occurrence {
	s.occurrence.StartsAt, s.occurrence.EndsAt = time.UnixMilli(s.starts).UTC(), time.UnixMilli(s.ends).UTC()
	return s.occurrence
}

// A card for the member $1: the counts, their own answer and their place in the waiting list.
const cards = `
SELECT ` + eventColumns + `, ` + occurrenceColumns + `,
	(SELECT COUNT(*) FROM rsvp WHERE occurrence_id = o.id AND answer = 'yes'),
	(SELECT COUNT(*) FROM rsvp WHERE occurrence_id = o.id AND answer = 'maybe'),
	(SELECT COUNT(*) FROM rsvp WHERE occurrence_id = o.id AND answer = 'waiting'),
	COALESCE((SELECT answer FROM rsvp WHERE occurrence_id = o.id AND member_id = $1), ''),
	(SELECT COUNT(*) FROM rsvp w WHERE w.occurrence_id = o.id AND w.answer = 'waiting'
		AND w.rank <= (SELECT rank FROM rsvp WHERE occurrence_id = o.id AND member_id = $1 AND answer = 'waiting'))
FROM occurrence o JOIN event e ON e.id = o.event_id `

func scanCard(row interface{ Scan(...any) error }, more ...any) (agenda.Card, error) {
	var e eventScan
	var o occurrenceScan
	var c agenda.Card
	into := append(e.into(), o.into()...)
	into = append(into, &c.Coming, &c.Unsure, &c.Queue, &c.Mine, &c.Rank)
	if err := row.Scan(append(into, more...)...); err != nil {
		return c, err
	}
	var err error
	c.Event, err = e.done()
	c.Occurrence = o.done()
	return c, err
}

// readCards lists cards for a member, chosen and ordered by the rest of the query. Its values begin at $2.
func readCards(ctx context.Context, q querier, memberID int64, rest string, values ...any) ([]agenda.Card, error) {
	var out []agenda.Card
	err := each(ctx, q, func(rows *sql.Rows) error {
		c, err := scanCard(rows)
		out = append(out, c)
		return err
	}, cards+rest, append([]any{memberID}, values...)...)
	if err != nil {
		return nil, fmt.Errorf("read occurrences: %w", err)
	}
	return out, nil
}

func readCard(ctx context.Context, q querier, memberID, occurrenceID int64) (agenda.Card, bool, error) {
	c, err := readCards(ctx, q, memberID, `WHERE o.id = $2`, occurrenceID)
	if err != nil || len(c) == 0 {
		return agenda.Card{}, false, err
	}
	return c[0], true, nil
}

// Upcoming implements bot.Agenda.
func (s *Store) Upcoming(ctx context.Context, memberID int64, now time.Time, until time.Time) ([]agenda.Card, error) {
	return readCards(ctx, s.read, memberID, `WHERE e.state <> 'draft' AND o.state <> 'cancelled' AND o.ends_at > $2 AND o.starts_at < $3
		ORDER BY o.starts_at, o.id`, now.UnixMilli(), until.UnixMilli())
}

// Card implements bot.Agenda.
func (s *Store) Card(ctx context.Context, memberID, occurrenceID int64) (agenda.Card, bool, error) {
	return readCard(ctx, s.read, memberID, occurrenceID)
}

// nextFirst orders occurrences by what people mean by an event's number: the next that will happen, or else
// what was last. %[1]s is the parameter with the present moment.
const nextFirst = `o.state = 'cancelled' OR o.ends_at <= %[1]s, CASE WHEN o.ends_at > %[1]s THEN o.starts_at ELSE -o.starts_at END`

// EventCard implements bot.Agenda.
func (s *Store) EventCard(ctx context.Context, memberID, eventID int64, day community.Date, now time.Time) (agenda.Card, bool, error) {
	c, err := readCards(ctx, s.read, memberID, `WHERE e.id = $2 AND e.state <> 'draft' AND ($3 = '' OR o.rule_date = $3)
		ORDER BY `+fmt.Sprintf(nextFirst, "$4")+` LIMIT 1`, eventID, day, now.UnixMilli())
	if err != nil || len(c) == 0 {
		return agenda.Card{}, false, err
	}
	return c[0], true, nil
}

// Draft implements bot.Agenda.
func (s *Store) Draft(ctx context.Context, memberID int64) (agenda.Event, bool, error) {
	return readDraft(ctx, s.read, memberID)
}

func readDraft(ctx context.Context, q querier, memberID int64) (agenda.Event, bool, error) {
	var e eventScan
	err := q.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM event e WHERE e.author_id = $1 AND e.state = 'draft'`, memberID).Scan(e.into()...)
	if errors.Is(err, sql.ErrNoRows) {
		return agenda.Event{}, false, nil
	}
	if err != nil {
		return agenda.Event{}, false, fmt.Errorf("read a draft: %w", err)
	}
	event, err := e.done()
	return event, err == nil, err
}

// Events lists all that are or were planned, the next one first and what is over last.
func (s *Store) Events(ctx context.Context, now time.Time) ([]agenda.Card, error) {
	order := fmt.Sprintf(nextFirst, "$2")
	return readCards(ctx, s.read, 0, `WHERE e.state <> 'draft' AND o.id = (SELECT o.id FROM occurrence o WHERE o.event_id = e.id ORDER BY `+order+` LIMIT 1)
		ORDER BY `+order, now.UnixMilli())
}

// Occurrences lists those of one event in their order.
func (s *Store) Occurrences(ctx context.Context, eventID int64) ([]agenda.Card, error) {
	return readCards(ctx, s.read, 0, `WHERE e.id = $2 AND e.state <> 'draft' ORDER BY o.starts_at, o.id`, eventID)
}

// people are the members that an occurrence concerns, with where they are reached. The one address is the
// preferred one unless it is gone.
const people = `
SELECT ` + memberColumns + `,
	COALESCE((SELECT a.network FROM address a WHERE a.member_id = m.id AND a.state = 'active' ORDER BY a.preferred DESC, a.id LIMIT 1), ''),
	COALESCE((SELECT a.chat FROM address a WHERE a.member_id = m.id AND a.state = 'active' ORDER BY a.preferred DESC, a.id LIMIT 1), '')`

func scanPerson(row interface{ Scan(...any) error }, more ...any) (agenda.Person, error) {
	var p agenda.Person
	var err error
	p.Member, err = scanMember(row, append([]any{&p.To.Network, &p.To.ID}, more...)...)
	return p, err
}

func readPeople(ctx context.Context, q querier, query string, values ...any) ([]agenda.Person, error) {
	var out []agenda.Person
	err := each(ctx, q, func(rows *sql.Rows) error {
		var answer agenda.Answer
		var organiser bool
		p, err := scanPerson(rows, &answer, &organiser)
		p.Answer, p.Organiser = answer, organiser
		out = append(out, p)
		return err
	}, people+query, values...)
	if err != nil {
		return nil, fmt.Errorf("read who comes: %w", err)
	}
	return out, nil
}

const guests = `, COALESCE(r.answer, ''), g.member_id IS NOT NULL
FROM occurrence o
JOIN member m ON m.id IN (SELECT member_id FROM rsvp WHERE occurrence_id = o.id UNION SELECT member_id FROM organiser WHERE event_id = o.event_id)
LEFT JOIN rsvp r ON r.occurrence_id = o.id AND r.member_id = m.id
LEFT JOIN organiser g ON g.event_id = o.event_id AND g.member_id = m.id
WHERE o.id = $1 ORDER BY COALESCE(r.rank, 0), m.id`

// Guests implements bot.Agenda.
func (s *Store) Guests(ctx context.Context, occurrenceID int64) ([]agenda.Person, error) {
	return readPeople(ctx, s.read, guests, occurrenceID)
}

const overseers = `, '', 1 FROM member m WHERE m.id IN (SELECT member_id FROM organiser WHERE event_id = $1)
	AND EXISTS (SELECT 1 FROM address a WHERE a.member_id = m.id AND a.state = 'active') ORDER BY m.id`

const admins = `, '', 0 FROM member m JOIN role r ON r.member_id = m.id
	WHERE r.role = 'admin' AND EXISTS (SELECT 1 FROM address a WHERE a.member_id = m.id AND a.state = 'active') ORDER BY m.id`

// Overseers implements agenda.Store.
func (s *Store) Overseers(ctx context.Context, eventID int64) ([]agenda.Person, error) {
	found, err := readPeople(ctx, s.read, overseers, eventID)
	if err != nil || len(found) > 0 {
		return found, err
	}
	return readPeople(ctx, s.read, admins)
}

// RemindersFrom implements agenda.Store.
func (s *Store) RemindersFrom(ctx context.Context) (time.Time, error) {
	value, err := setting(ctx, s.read, "reminders_from")
	if err != nil || value == "" {
		return time.Time{}, err
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read from when on reminders leave: %w", err)
	}
	return time.UnixMilli(ms).UTC(), nil
}

// Feed finds whose calendar feed a secret opens, and what it holds.
func (s *Store) Feed(ctx context.Context, secretHash string, from, until time.Time) (community.Member, []agenda.Card, bool, error) {
	m, err := scanMember(s.read.QueryRowContext(ctx, `SELECT `+memberColumns+` FROM calendar_feed f JOIN member m ON m.id = f.member_id WHERE f.secret_hash = $1`, secretHash))
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil, false, nil
	}
	if err != nil {
		return m, nil, false, fmt.Errorf("find a calendar feed: %w", err)
	}
	var groups []string
	err = each(ctx, s.read, func(rows *sql.Rows) error {
		var slug string
		err := rows.Scan(&slug)
		groups = append(groups, slug)
		return err
	}, `SELECT slug FROM membership WHERE member_id = $1`, m.ID)
	if err != nil {
		return m, nil, false, fmt.Errorf("read the groups of a calendar feed: %w", err)
	}
	found, err := readCards(ctx, s.read, m.ID, `WHERE e.state <> 'draft' AND o.ends_at > $2 AND o.starts_at < $3 ORDER BY o.starts_at, o.id`, from.UnixMilli(), until.UnixMilli())
	return m, agenda.Subscribed(found, m, groups), err == nil, err
}
