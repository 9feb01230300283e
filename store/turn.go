package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chasqui/bot"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// Commit implements bot.Turns.
func (s *Store) Commit(ctx context.Context, t bot.Turn, o bot.Outcome) (committed bool, err error) {
	ctx = context.WithoutCancel(ctx)
	err = s.inTxTogether(func(tx *sql.Tx) error {
		committed = false
		r, err := tx.ExecContext(ctx, `INSERT INTO turn (network, chat, external_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			t.Chat.Network, t.Chat.ID, t.ID, t.Now.UnixMilli())
		if err != nil {
			return fmt.Errorf("mark the message as seen: %w", err)
		}
		if affected(r) == 0 {
			return nil
		}
		committed = true
		w := turnWriter{tx: tx, turn: t, outcome: o, memberID: t.Member.ID}
		return w.write(ctx)
	})
	return committed && err == nil, err
}

// turnWriter writes one outcome inside the turn's transaction.
type turnWriter struct {
	tx       *sql.Tx
	turn     bot.Turn
	outcome  bot.Outcome
	memberID int64
	ticketID int64
}

func (w *turnWriter) write(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		w.member, w.link, w.redeem, w.groups, w.conversation, w.move, w.open, w.announce, w.requests, w.said, w.address, w.pausing, w.erase, w.agenda, w.send, w.log,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *turnWriter) member(ctx context.Context) error {
	if w.outcome.Member == nil {
		return nil
	}
	if err := w.unchanged(ctx); err != nil {
		return err
	}
	// Most turns change nothing of who wrote, and then nothing is written.
	if w.memberID == 0 || *w.outcome.Member != w.turn.Known {
		id, err := saveMember(ctx, w.tx, *w.outcome.Member, w.turn.Now)
		if err != nil {
			return err
		}
		w.memberID = id
	}
	person := channel.Address{Network: w.turn.Chat.Network, ID: w.turn.From.ID}
	if err := addAddress(ctx, w.tx, w.memberID, person, true, w.turn.Now); err != nil {
		return err
	}
	for _, c := range w.outcome.Consents {
		if err := addConsent(ctx, w.tx, w.memberID, c, w.turn.Now); err != nil {
			return err
		}
	}
	return nil
}

// unchanged returns ErrStale when the member was changed since the turn began, by a turn of another of
// their accounts or by staff, or is no more: what was decided then would write over it.
func (w *turnWriter) unchanged(ctx context.Context) error {
	if w.memberID == 0 {
		return nil
	}
	var revision int64
	err := w.tx.QueryRowContext(ctx, `SELECT revision FROM member WHERE id = $1`, w.memberID).Scan(&revision)
	if errors.Is(err, sql.ErrNoRows) || err == nil && revision != w.turn.Member.Revision {
		return bot.ErrStale
	}
	if err != nil {
		return fmt.Errorf("read the member's revision: %w", err)
	}
	return nil
}

func (w *turnWriter) redeem(ctx context.Context) error {
	if w.outcome.WrongCode {
		_, err := w.tx.ExecContext(ctx, `INSERT INTO wrong_code (network, chat, tries, last_at) VALUES ($1, $2, 1, $3)
			ON CONFLICT (network, chat) DO UPDATE SET last_at = excluded.last_at,
				tries = CASE WHEN last_at > $4 THEN tries + 1 ELSE 1 END`,
			w.turn.Chat.Network, w.turn.From.ID, w.turn.Now.UnixMilli(), w.turn.Now.Add(-lockedFor).UnixMilli())
		if err != nil {
			return fmt.Errorf("count a wrong code: %w", err)
		}
	}
	if w.outcome.Redeem == nil {
		return nil
	}
	r, err := w.tx.ExecContext(ctx, `UPDATE invite SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2`,
		w.outcome.Redeem.CodeHash, w.turn.Now.UnixMilli())
	if err != nil {
		return fmt.Errorf("use an invitation: %w", err)
	}
	if affected(r) == 0 {
		return bot.ErrStale
	}
	return grant(ctx, w.tx, w.memberID, w.outcome.Redeem.Role, "invitation", w.turn.Now)
}

func grant(ctx context.Context, q querier, memberID int64, role community.Role, by string, now time.Time) error {
	_, err := q.ExecContext(ctx, `INSERT INTO role (member_id, role, granted_at, granted_by) VALUES ($1, $2, $3, $4)
		ON CONFLICT (member_id) DO UPDATE SET role = excluded.role, granted_at = excluded.granted_at, granted_by = excluded.granted_by`,
		memberID, role, now.UnixMilli(), by)
	if err != nil {
		return fmt.Errorf("give a role: %w", err)
	}
	return nil
}

func (w *turnWriter) groups(ctx context.Context) error {
	for _, slug := range w.outcome.Join {
		_, err := w.tx.ExecContext(ctx, `INSERT INTO membership (member_id, slug, joined_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			w.memberID, slug, w.turn.Now.UnixMilli())
		if err != nil {
			return fmt.Errorf("join %s: %w", slug, err)
		}
	}
	for _, slug := range w.outcome.Leave {
		if _, err := w.tx.ExecContext(ctx, `DELETE FROM membership WHERE member_id = $1 AND slug = $2`, w.memberID, slug); err != nil {
			return fmt.Errorf("leave %s: %w", slug, err)
		}
	}
	return nil
}

func (w *turnWriter) conversation(ctx context.Context) error {
	c := w.outcome.Conversation
	if c == nil {
		return nil
	}
	if c.Question == "" {
		_, err := w.tx.ExecContext(ctx, `DELETE FROM conversation WHERE network = $1 AND chat = $2`, w.turn.Chat.Network, w.turn.Chat.ID)
		if err != nil {
			return fmt.Errorf("close the conversation: %w", err)
		}
		return nil
	}
	data := c.Data
	if data == nil {
		data = map[string]string{}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("write the conversation's data: %w", err)
	}
	_, err = w.tx.ExecContext(ctx, `INSERT INTO conversation (network, chat, question, data, asked_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (network, chat) DO UPDATE SET question = excluded.question, data = excluded.data, asked_at = excluded.asked_at, expires_at = excluded.expires_at`,
		w.turn.Chat.Network, w.turn.Chat.ID, c.Question, string(text), w.turn.Now.UnixMilli(), c.Expires.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep the conversation: %w", err)
	}
	return nil
}

func (w *turnWriter) said(ctx context.Context) error {
	for _, line := range w.outcome.Said {
		member := line.MemberID
		if member == 0 {
			member = w.memberID
		}
		if member == 0 || line.Text == "" {
			continue
		}
		_, err := w.tx.ExecContext(ctx, `INSERT INTO line (member_id, who, text, at) VALUES ($1, $2, $3, $4)`, member, line.Who, line.Text, w.turn.Now.UnixMilli())
		if err != nil {
			return fmt.Errorf("keep what was said: %w", err)
		}
	}
	return nil
}

func (w *turnWriter) address(ctx context.Context) error {
	if w.outcome.MovedTo != "" {
		return moveChat(ctx, w.tx, w.turn.Chat.Network, w.turn.Chat.ID, w.outcome.MovedTo)
	}
	state := "active"
	switch w.outcome.Address {
	case channel.Left:
		state = "gone"
	case "":
		// Whoever writes can be written to again.
		if w.turn.Room {
			return nil
		}
	}
	_, err := w.tx.ExecContext(ctx, `UPDATE address SET state = $3, wrote = 1 WHERE network = $1 AND chat = $2 AND (state <> $3 OR wrote = 0)`,
		w.turn.Chat.Network, w.turn.Chat.ID, state)
	if err != nil {
		return fmt.Errorf("note an address's state: %w", err)
	}
	return nil
}

func (w *turnWriter) pausing(ctx context.Context) error {
	switch {
	case w.outcome.Pause:
		return pause(ctx, w.tx, w.turn.Now)
	case w.outcome.Resume:
		return resume(ctx, w.tx)
	}
	return nil
}

func (w *turnWriter) erase(ctx context.Context) error {
	if !w.outcome.Erase {
		return nil
	}
	if err := erase(ctx, w.tx, w.memberID, w.turn.Now); err != nil {
		return err
	}
	w.memberID = 0
	return nil
}

// guardReplies counts this turn's answers; a count older than the window starts again.
const guardReplies = `
INSERT INTO guard (network, chat, since, replies, told) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (network, chat) DO UPDATE SET
	replies = CASE WHEN since > $6 THEN replies + excluded.replies ELSE excluded.replies END,
	told = CASE WHEN since > $6 THEN MAX(told, excluded.told) ELSE excluded.told END,
	since = CASE WHEN since > $6 THEN since ELSE excluded.since END`

func (w *turnWriter) send(ctx context.Context) error {
	replies := 0
	for _, d := range w.outcome.Send {
		if d.To == w.turn.Chat {
			if d.MemberID == 0 {
				d.MemberID = w.memberID
			}
			replies++
		}
		if d.TicketID == bot.ThisTicket {
			d = numbered(d, w.ticketID)
		}
		if err := enqueue(ctx, w.tx, d, w.turn.Now); err != nil {
			return err
		}
	}
	if replies == 0 || w.outcome.Erase {
		return nil
	}
	_, err := w.tx.ExecContext(ctx, guardReplies, w.turn.Chat.Network, w.turn.Chat.ID, w.turn.Now.UnixMilli(), replies, w.outcome.Told,
		w.turn.Now.Add(-guardWindow).UnixMilli())
	if err != nil {
		return fmt.Errorf("count replies: %w", err)
	}
	return nil
}

// numbered puts the number of the ticket that this turn opened where the draft could not know it.
func numbered(d outbox.Draft, ticketID int64) outbox.Draft {
	number := strconv.FormatInt(ticketID, 10)
	d.TicketID = ticketID
	d.Content.Text = strings.ReplaceAll(d.Content.Text, bot.TicketMark, number)
	rows := make([][]channel.Button, len(d.Content.Buttons))
	for i, row := range d.Content.Buttons {
		rows[i] = slices.Clone(row)
		for j := range rows[i] {
			rows[i][j].Data = strings.ReplaceAll(rows[i][j].Data, bot.TicketMark, number)
		}
	}
	d.Content.Buttons = rows
	return d
}

func (w *turnWriter) log(ctx context.Context) error {
	if w.outcome.Audit == "" {
		return nil
	}
	return audit(ctx, w.tx, fmt.Sprintf("member %d", w.memberID), w.outcome.Audit, "", w.turn.Now)
}

const insertRequest = `
INSERT INTO request (at, member_id, requester, object, mode, situation, service, entry, decision, ticket_id)
VALUES ($1, NULLIF($2, 0), $3, $4, $5, $6, $7, $8, $9, NULLIF($10, 0))`

func (w *turnWriter) requests(ctx context.Context) error {
	for _, r := range w.outcome.Requests {
		_, err := w.tx.ExecContext(ctx, insertRequest, w.turn.Now.UnixMilli(), w.memberID, r.Requester, r.Object, r.Mode, r.Situation,
			r.Service, r.Entry, r.Decision, w.ticketID)
		if err != nil {
			return fmt.Errorf("write the ledger: %w", err)
		}
	}
	return nil
}

func (w *turnWriter) announce(ctx context.Context) error {
	for _, c := range w.outcome.Announce {
		c.Actor = fmt.Sprintf("member %d", w.memberID)
		if _, err := changeAnnouncement(ctx, w.tx, c, w.turn.Now); err != nil {
			return err
		}
	}
	return nil
}

func (w *turnWriter) move(ctx context.Context) error {
	m := w.outcome.Move
	if m == nil {
		return nil
	}
	r, err := w.tx.ExecContext(ctx, moveTicket, m.ID, m.From, m.To, m.Holder, m.Answered, w.turn.Now.UnixMilli())
	if err != nil {
		return fmt.Errorf("move ticket %d: %w", m.ID, err)
	}
	if affected(r) == 0 {
		return bot.ErrStale
	}
	return nil
}

func (w *turnWriter) open(ctx context.Context) error {
	o := w.outcome.Open
	if o == nil {
		return nil
	}
	if w.memberID == 0 {
		return errors.New("open a ticket: nobody is known who asked")
	}
	now := w.turn.Now
	danger := sql.NullInt64{}
	if o.Danger != "" {
		danger = millis(now)
	}
	urgent := 0
	if o.Urgent {
		urgent = 1
	}
	// The person's own language where they chose one: they may cry for help in another.
	language := w.turn.Language
	if w.turn.Member.LanguageChosen {
		language = w.turn.Member.Language
	}
	values := []any{w.turn.Chat.Network, w.turn.Chat.ID, o.Reason, o.Danger, danger, urgent, now.UnixMilli()}
	err := w.tx.QueryRowContext(ctx, raiseTicket, values...).Scan(&w.ticketID)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.tx.QueryRowContext(ctx, openTicket, append(values, w.memberID, language)...).Scan(&w.ticketID)
	}
	if err != nil {
		return fmt.Errorf("open a ticket: %w", err)
	}
	return nil
}

var _ interface {
	bot.Store
	outbox.Store
} = (*Store)(nil)
