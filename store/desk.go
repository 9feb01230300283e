package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chasqui/bot"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
	"chasqui/i18n"
	"chasqui/outbox"
)

// raiseTicket raises the ticket that a chat has: danger wins over a wish, a wish over a question without
// an answer, and nothing ever lowers it.
const raiseTicket = `
UPDATE ticket SET
	reason = CASE WHEN $3 = 'danger' OR ($3 = 'asked' AND reason <> 'danger') THEN $3 ELSE reason END,
	danger = CASE WHEN $4 <> '' THEN $4 ELSE danger END,
	danger_at = COALESCE($5, danger_at),
	urgent = MAX(urgent, $6),
	active_at = $7
WHERE network = $1 AND chat = $2 AND state <> 'closed' RETURNING id`

const openTicket = `
INSERT INTO ticket (network, chat, reason, danger, danger_at, urgent, opened_at, active_at, state, member_id, language)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 'waiting', $8, $9) RETURNING id`

const moveTicket = `
UPDATE ticket SET state = $3, holder_id = CASE WHEN $3 = 'waiting' THEN NULL WHEN $4 = 0 THEN holder_id ELSE $4 END,
	answered_at = CASE WHEN $5 THEN COALESCE(answered_at, $6) ELSE answered_at END,
	active_at = $6, closed_at = CASE WHEN $3 = 'closed' THEN $6 END
WHERE id = $1 AND state = $2`

const ticketColumns = `t.id, t.member_id, m.name, m.kind, m.region, t.network, t.chat, t.language, t.reason, t.danger, t.danger_at,
	t.urgent, t.state, COALESCE(t.holder_id, 0), COALESCE(h.name, ''), t.opened_at, t.answered_at, t.active_at, t.closed_at`

const fromTicket = ` FROM ticket t JOIN member m ON m.id = t.member_id LEFT JOIN member h ON h.id = t.holder_id `

func scanTicket(row interface{ Scan(...any) error }) (desk.Ticket, error) {
	var t desk.Ticket
	var danger, opened, answered, active, closed sql.NullInt64
	err := row.Scan(&t.ID, &t.MemberID, &t.Name, &t.Kind, &t.Region, &t.Chat.Network, &t.Chat.ID, &t.Language, &t.Reason, &t.Danger, &danger,
		&t.Urgent, &t.State, &t.HolderID, &t.HolderName, &opened, &answered, &active, &closed)
	t.DangerAt, t.OpenedAt, t.AnsweredAt, t.ActiveAt, t.ClosedAt = instant(danger), instant(opened), instant(answered), instant(active), instant(closed)
	return t, err
}

func oneTicket(ctx context.Context, q querier, where string, args ...any) (*desk.Ticket, error) {
	t, err := scanTicket(q.QueryRowContext(ctx, `SELECT `+ticketColumns+fromTicket+`WHERE `+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a ticket: %w", err)
	}
	return &t, nil
}

// Ticket implements bot.Tickets.
func (s *Store) Ticket(ctx context.Context, id int64) (desk.Ticket, bool, error) {
	t, err := oneTicket(ctx, s.read, `t.id = $1`, id)
	if err != nil || t == nil {
		return desk.Ticket{}, false, err
	}
	return *t, true, nil
}

// OpenTickets implements bot.Tickets.
func (s *Store) OpenTickets(ctx context.Context) ([]desk.Ticket, error) {
	return s.tickets(ctx, `t.state <> 'closed' ORDER BY t.urgent DESC, t.state = 'held', t.opened_at, t.id`)
}

// Abandoned lists held tickets in which nobody wrote since before.
func (s *Store) Abandoned(ctx context.Context, before time.Time) ([]desk.Ticket, error) {
	return s.tickets(ctx, `t.state = 'held' AND t.active_at < $1 ORDER BY t.id`, before.UnixMilli())
}

func (s *Store) tickets(ctx context.Context, where string, args ...any) ([]desk.Ticket, error) {
	var tickets []desk.Ticket
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		t, err := scanTicket(rows)
		tickets = append(tickets, t)
		return err
	}, `SELECT `+ticketColumns+fromTicket+`WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list tickets: %w", err)
	}
	return tickets, nil
}

// Lines implements bot.Tickets.
func (s *Store) Lines(ctx context.Context, memberID int64, n int) ([]desk.Line, error) {
	var lines []desk.Line
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var l desk.Line
		var at sql.NullInt64
		if err := rows.Scan(&l.Who, &l.Text, &at); err != nil {
			return err
		}
		l.At = instant(at)
		lines = append(lines, l)
		return nil
	}, `SELECT who, text, at FROM line WHERE member_id = $1 ORDER BY id DESC LIMIT $2`, memberID, n)
	if err != nil {
		return nil, fmt.Errorf("read what was said: %w", err)
	}
	slices.Reverse(lines)
	return lines, nil
}

// FirstAnswers implements bot.Tickets. Tickets opened outside the team's hours would make the wait
// look longer than it is when somebody is there, and nobody waits for them unknowingly; they count
// all the same, since staff rarely answer them before the morning and the person is told so.
func (s *Store) FirstAnswers(ctx context.Context, since time.Time) ([]time.Duration, error) {
	var waits []time.Duration
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var ms int64
		if err := rows.Scan(&ms); err != nil {
			return err
		}
		waits = append(waits, time.Duration(ms)*time.Millisecond)
		return nil
	}, `SELECT answered_at - opened_at FROM ticket WHERE answered_at IS NOT NULL AND opened_at > $1 ORDER BY id DESC LIMIT 100`, since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read first answers: %w", err)
	}
	return waits, nil
}

// notified gives each member of the team one address: the preferred one, on a network that reaches
// them when they are not looking.
const notified = `
SELECT r.member_id, m.language, r.role, a.network, a.chat FROM role r JOIN member m ON m.id = r.member_id
JOIN address a ON a.id = (
	SELECT id FROM address WHERE member_id = r.member_id AND state = 'active' AND network <> 'web' AND wrote = 1
	ORDER BY network = 'terminal', preferred DESC, id LIMIT 1)
ORDER BY r.member_id`

// Staff implements bot.Knowledge.
func (s *Store) Staff(ctx context.Context) ([]bot.Staff, error) {
	var staff []bot.Staff
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var p bot.Staff
		if err := rows.Scan(&p.MemberID, &p.Language, &p.Role, &p.To.Network, &p.To.ID); err != nil {
			return err
		}
		if p.Language == "" {
			p.Language = i18n.French
		}
		staff = append(staff, p)
		return nil
	}, notified)
	if err != nil {
		return nil, fmt.Errorf("list the team: %w", err)
	}
	return staff, nil
}

// Invite implements bot.Knowledge.
func (s *Store) Invite(ctx context.Context, codeHash string, now time.Time) (bot.Invite, bool, error) {
	var in bot.Invite
	err := s.read.QueryRowContext(ctx, `SELECT role FROM invite WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2`,
		codeHash, now.UnixMilli()).Scan(&in.Role)
	if errors.Is(err, sql.ErrNoRows) {
		return in, false, nil
	}
	if err != nil {
		return in, false, fmt.Errorf("find an invitation: %w", err)
	}
	return in, true, nil
}

// AddInvite keeps the hash of an invitation's code.
func (s *Store) AddInvite(ctx context.Context, codeHash string, role community.Role, now, expires time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO invite (code_hash, role, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
			codeHash, role, now.UnixMilli(), expires.UnixMilli())
		if err != nil {
			return fmt.Errorf("add an invitation: %w", err)
		}
		return audit(ctx, tx, "operator", "invited to the team", string(role), now)
	})
}

// AddStaff gives a role to whoever is at an address, making a member of them when nobody is.
func (s *Store) AddStaff(ctx context.Context, a channel.Address, role community.Role, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		m, _, err := memberAt(ctx, tx, a)
		if err != nil {
			return err
		}
		if m.ID == 0 {
			m.Kind, m.CreatedAt = community.Staff, now
			if m.ID, err = saveMember(ctx, tx, m, now); err != nil {
				return err
			}
		}
		if err := addAddress(ctx, tx, m.ID, a, true, now); err != nil {
			return err
		}
		if err := grant(ctx, tx, m.ID, role, "operator", now); err != nil {
			return err
		}
		return audit(ctx, tx, "operator", "gave a role", string(role), now)
	})
}

// Catalogue implements bot.Knowledge.
func (s *Store) Catalogue(ctx context.Context) ([]community.Group, error) {
	var groups []community.Group
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		g := community.Group{}
		var fr, es, en string
		if err := rows.Scan(&g.Slug, &g.Kind, &g.Region, &fr, &es, &en); err != nil {
			return err
		}
		g.Titles = map[i18n.Lang]string{i18n.French: fr, i18n.Spanish: es, i18n.English: en}
		groups = append(groups, g)
		return nil
	}, `SELECT slug, kind, region, title_fr, title_es, title_en FROM catalogue ORDER BY position, slug`)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return groups, nil
}

var figureQueries = strings.TrimSpace(`
SELECT (SELECT COUNT(*) FROM member),
	(SELECT COUNT(*) FROM member WHERE consent IN ('enrolled', 'given') AND stopped_at IS NULL),
	(SELECT COUNT(*) FROM member WHERE stopped_at IS NOT NULL),
	(SELECT COUNT(*) FROM request WHERE at >= $1),
	(SELECT COUNT(*) FROM request WHERE at >= $1 AND decision = 'answer'),
	(SELECT COUNT(*) FROM ticket WHERE state = 'waiting'),
	(SELECT COUNT(*) FROM ticket WHERE state = 'held'),
	(SELECT COUNT(*) FROM delivery WHERE state IN ('queued', 'sending')),
	(SELECT COUNT(*) FROM delivery WHERE state = 'unknown'),
	EXISTS (SELECT 1 FROM setting WHERE key = 'paused_at')`)

// Figures implements bot.Knowledge.
func (s *Store) Figures(ctx context.Context, now time.Time) (bot.Figures, error) {
	var f bot.Figures
	year := time.Date(now.Year(), 1, 1, 0, 0, 0, 0, now.Location())
	err := s.read.QueryRowContext(ctx, figureQueries, year.UnixMilli()).Scan(&f.Members, &f.Subscribed, &f.Stopped, &f.Requests, &f.Answered,
		&f.Waiting, &f.Held, &f.Queued, &f.Unknown, &f.Paused)
	if err != nil {
		return f, fmt.Errorf("count: %w", err)
	}
	return f, nil
}

// Release implements bot.Releases.
func (s *Store) Release(ctx context.Context, k desk.Ticket, say []outbox.Draft, now time.Time) (released bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE ticket SET state = 'closed', closed_at = $3 WHERE id = $1 AND state = 'held' AND active_at = $2`,
			k.ID, k.ActiveAt.UnixMilli(), now.UnixMilli())
		if err != nil {
			return fmt.Errorf("release ticket %d: %w", k.ID, err)
		}
		if released = affected(r) == 1; !released {
			return nil
		}
		return enqueueAll(ctx, tx, say, now)
	})
	return released, err
}
