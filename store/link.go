package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chasqui/bot"
	"chasqui/channel"
	"chasqui/community"
)

// Party implements bot.Links.
func (s *Store) Party(ctx context.Context, memberID int64, network channel.Network) (community.Party, error) {
	return party(ctx, s.read, memberID, network)
}

// WithPhone implements bot.Links.
func (s *Store) WithPhone(ctx context.Context, own int64, phone string, network channel.Network) ([]community.Party, error) {
	return withPhone(ctx, s.read, own, phone, network)
}

// LinkCode implements bot.Links.
func (s *Store) LinkCode(ctx context.Context, codeHash string, network channel.Network, now time.Time) (bot.LinkCode, bool, error) {
	var c bot.LinkCode
	var owner int64
	err := s.read.QueryRowContext(ctx, `SELECT member_id, network, chat FROM link_code WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2`,
		codeHash, now.UnixMilli()).Scan(&owner, &c.To.Network, &c.To.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("find a link code: %w", err)
	}
	c.Owner, err = party(ctx, s.read, owner, network)
	if errors.Is(err, ErrNoSuchMember) {
		return c, false, nil
	}
	if c.To.IsZero() {
		c.To = c.Owner.Reached
	}
	return c, err == nil, err
}

// AddLinkCode keeps the hash of a code that staff made for a member.
func (s *Store) AddLinkCode(ctx context.Context, memberID int64, codeHash string, now, expires time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := memberByID(ctx, tx, memberID); err != nil {
			return err
		}
		if err := addLinkCode(ctx, tx, memberID, channel.Address{}, codeHash, now, expires); err != nil {
			return err
		}
		return audit(ctx, tx, "operator", "made a link code", fmt.Sprint(memberID), now)
	})
}

// addLinkCode keeps a code; of a member only the newest one works.
func addLinkCode(ctx context.Context, tx *sql.Tx, memberID int64, from channel.Address, codeHash string, now, expires time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM link_code WHERE member_id = $1 AND used_at IS NULL`, memberID); err != nil {
		return fmt.Errorf("withdraw an earlier link code: %w", err)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO link_code (code_hash, member_id, network, chat, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		codeHash, memberID, from.Network, from.ID, now.UnixMilli(), expires.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep a link code: %w", err)
	}
	return nil
}

// link keeps a new code, notes who may be the same person, and makes the turn's member one with another.
// What the bot decided on is looked at again here: a code is used once, and a row of the spreadsheet that
// somebody came to life in meanwhile is not taken over by its phone.
func (w *turnWriter) link(ctx context.Context) error {
	if n := w.outcome.NewLink; n != nil {
		if err := addLinkCode(ctx, w.tx, w.memberID, w.turn.Chat, n.CodeHash, w.turn.Now, n.Expires); err != nil {
			return err
		}
	}
	for _, other := range w.outcome.Duplicates {
		if err := noteDuplicate(ctx, w.tx, w.memberID, other, w.turn.Now); err != nil {
			return err
		}
	}
	l := w.outcome.Linking
	if l == nil {
		return nil
	}
	check := w.useLinkCode
	if l.Phone != "" {
		check = w.stillOneByPhone
	}
	if err := check(ctx, *l); err != nil {
		return err
	}
	_, err := merge(ctx, w.tx, w.memberID, l.Into, fmt.Sprintf("member %d", w.memberID), w.turn.Now)
	for _, changed := range []error{ErrNoSuchMember, community.ErrSameMember, community.ErrTwoRoles, community.ErrRoleOnWeb} {
		if errors.Is(err, changed) {
			return bot.ErrStale
		}
	}
	w.memberID = l.Into
	return err
}

func (w *turnWriter) useLinkCode(ctx context.Context, l bot.Linking) error {
	r, err := w.tx.ExecContext(ctx, `UPDATE link_code SET used_at = $3 WHERE code_hash = $1 AND member_id = $2 AND used_at IS NULL AND expires_at > $3`,
		l.CodeHash, l.Into, w.turn.Now.UnixMilli())
	if err != nil {
		return fmt.Errorf("use a link code: %w", err)
	}
	if affected(r) == 0 {
		return bot.ErrStale
	}
	return nil
}

func (w *turnWriter) stillOneByPhone(ctx context.Context, l bot.Linking) error {
	own, err := party(ctx, w.tx, w.memberID, w.turn.Chat.Network)
	if err != nil {
		return err
	}
	others, err := withPhone(ctx, w.tx, w.memberID, l.Phone, w.turn.Chat.Network)
	if err != nil {
		return err
	}
	if record, ok := community.OneByPhone(own, others); !ok || record.Member.ID != l.Into {
		return bot.ErrStale
	}
	return nil
}
