package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chasqui/bot"
	"chasqui/channel"
)

const (
	// guardWindow is over how long a chat's replies are counted.
	guardWindow = 10 * time.Minute
	// lockedFor is how long five wrong codes lock an address out.
	lockedFor  = 24 * time.Hour
	wrongCodes = 5
)

// Begin implements bot.Turns.
func (s *Store) Begin(ctx context.Context, m channel.Message, now time.Time) (bot.Before, error) {
	var b bot.Before
	err := s.read.QueryRowContext(ctx, `SELECT 1 FROM turn WHERE network = $1 AND chat = $2 AND external_id = $3`,
		m.Chat.Network, m.Chat.ID, m.ID).Scan(new(int))
	if err == nil {
		return bot.Before{Seen: true}, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return b, fmt.Errorf("look for an earlier turn: %w", err)
	}
	person := channel.Address{Network: m.Chat.Network, ID: m.From.ID}
	if b.Member, b.Role, err = memberAt(ctx, s.read, person); err != nil {
		return b, err
	}
	for _, read := range []func(context.Context, channel.Message, time.Time, *bot.Before) error{
		s.readConversation, s.readTickets, s.readGroups, s.readGuard,
	} {
		if err := read(ctx, m, now, &b); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (s *Store) readConversation(ctx context.Context, m channel.Message, now time.Time, b *bot.Before) error {
	if m.Room {
		return nil
	}
	var data string
	var expires sql.NullInt64
	err := s.read.QueryRowContext(ctx, `SELECT question, data, expires_at FROM conversation WHERE network = $1 AND chat = $2 AND expires_at > $3`,
		m.Chat.Network, m.Chat.ID, now.UnixMilli()).Scan(&b.Conversation.Question, &data, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the conversation: %w", err)
	}
	b.Conversation.Expires = instant(expires)
	if err := json.Unmarshal([]byte(data), &b.Conversation.Data); err != nil {
		return fmt.Errorf("read the conversation's data: %w", err)
	}
	return nil
}

func (s *Store) readTickets(ctx context.Context, m channel.Message, _ time.Time, b *bot.Before) error {
	var err error
	if !m.Room {
		b.Ticket, err = oneTicket(ctx, s.read, `t.network = $1 AND t.chat = $2 AND t.state <> 'closed'`, m.Chat.Network, m.Chat.ID)
		if err != nil {
			return err
		}
	}
	if m.ReplyTo == "" || b.Role == "" {
		return nil
	}
	b.Quoted, err = oneTicket(ctx, s.read, `t.id = (SELECT ticket_id FROM delivery
		WHERE network = $1 AND chat = $2 AND provider_id = $3 AND provider_id <> '' AND ticket_id IS NOT NULL)`,
		m.Chat.Network, m.Chat.ID, m.ReplyTo)
	return err
}

func (s *Store) readGroups(ctx context.Context, _ channel.Message, _ time.Time, b *bot.Before) error {
	if b.Member.ID == 0 {
		return nil
	}
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var slug string
		if err := rows.Scan(&slug); err != nil {
			return err
		}
		b.Groups = append(b.Groups, slug)
		return nil
	}, `SELECT slug FROM membership WHERE member_id = $1 ORDER BY slug`, b.Member.ID)
	if err != nil {
		return fmt.Errorf("read the member's groups: %w", err)
	}
	return nil
}

func (s *Store) readGuard(ctx context.Context, m channel.Message, now time.Time, b *bot.Before) error {
	err := s.read.QueryRowContext(ctx, `SELECT replies, told FROM guard WHERE network = $1 AND chat = $2 AND since > $3`,
		m.Chat.Network, m.Chat.ID, now.Add(-guardWindow).UnixMilli()).Scan(&b.Replies, &b.Told)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the loop guard: %w", err)
	}
	err = s.read.QueryRowContext(ctx, `SELECT 1 FROM wrong_code WHERE network = $1 AND chat = $2 AND tries >= $3 AND last_at > $4`,
		m.Chat.Network, m.From.ID, wrongCodes, now.Add(-lockedFor).UnixMilli()).Scan(new(int))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read wrong codes: %w", err)
	}
	b.LockedOut = err == nil
	return nil
}
