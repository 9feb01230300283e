package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chasqui/community"
)

// ErrNoSuchAddress says that a member has no address of this number.
var ErrNoSuchAddress = errors.New("this member has no address of this number")

// Addresses lists where a member is reached, the oldest first, or returns ErrNoSuchMember.
func (s *Store) Addresses(ctx context.Context, memberID int64) ([]community.Address, error) {
	if _, err := memberByID(ctx, s.read, memberID); err != nil {
		return nil, err
	}
	var out []community.Address
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		a := community.Address{MemberID: memberID}
		err := rows.Scan(&a.ID, &a.Network, &a.Address.ID, &a.Gone, &a.Wrote, &a.Preferred)
		out = append(out, a)
		return err
	}, `SELECT id, network, chat, state = 'gone', wrote, preferred FROM address WHERE member_id = $1 ORDER BY id`, memberID)
	if err != nil {
		return nil, fmt.Errorf("list the addresses of member %d: %w", memberID, err)
	}
	return out, nil
}

// Prefer makes one of a member's addresses the one that they are written to.
func (s *Store) Prefer(ctx context.Context, memberID, addressID int64, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := memberByID(ctx, tx, memberID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE address SET preferred = 0 WHERE member_id = $1`, memberID); err != nil {
			return fmt.Errorf("prefer another address: %w", err)
		}
		r, err := tx.ExecContext(ctx, `UPDATE address SET preferred = 1 WHERE id = $1 AND member_id = $2`, addressID, memberID)
		if err != nil {
			return fmt.Errorf("prefer address %d: %w", addressID, err)
		}
		if affected(r) == 0 {
			return ErrNoSuchAddress
		}
		return audit(ctx, tx, "operator", "preferred an address", fmt.Sprint(memberID), now)
	})
}
