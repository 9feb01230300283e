package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// What staff did last to the announcement draws a line: they saw what was before it. The inner limit keeps
// those who stopped, of whom there may be many in a row, from being read through.
const refusedLately = `
SELECT COUNT(*), COALESCE(SUM(fault = $3), 0) FROM (
	SELECT lately.fault FROM (SELECT state, fault, done_at FROM delivery WHERE announcement_id = $1 ORDER BY id DESC LIMIT 10 * $2) lately
	WHERE lately.state IN ('sent', 'delivered', 'read', 'failed') AND lately.done_at >= (SELECT updated_at FROM announcement WHERE id = $1)
	LIMIT $2)`

// RefusedLately counts, of an announcement's last n sends since staff let it go on, how many there were and how many
// were to people who blocked the bot or left.
func (s *Store) RefusedLately(ctx context.Context, id int64, n int) (sends, refused int, err error) {
	if err := s.read.QueryRowContext(ctx, refusedLately, id, n, channel.Gone).Scan(&sends, &refused); err != nil {
		return 0, 0, fmt.Errorf("count who refused announcement %d: %w", id, err)
	}
	return sends, refused, nil
}

// Publishers are those of the team who may stop an announcement or let it go on.
func (s *Store) Publishers(ctx context.Context) ([]broadcast.Publisher, error) {
	staff, err := s.Staff(ctx)
	if err != nil {
		return nil, err
	}
	var publishers []broadcast.Publisher
	for _, p := range staff {
		if p.Role.May(community.Publisher) {
			publishers = append(publishers, broadcast.Publisher{MemberID: p.MemberID, To: p.To, Language: p.Language})
		}
	}
	return publishers, nil
}

// Halt pauses an announcement by itself and says so, in one transaction. It reports false when somebody had
// paused or ended it already.
func (s *Store) Halt(ctx context.Context, id int64, say []outbox.Draft, now time.Time) (halted bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE announcement SET paused_at = $2, updated_at = $2 WHERE id = $1 AND state = 'sending' AND paused_at IS NULL`, id, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("halt announcement %d: %w", id, err)
		}
		if halted = affected(r) == 1; !halted {
			return nil
		}
		if err := audit(ctx, tx, "outbox", "announcement: halt", fmt.Sprint(id), now); err != nil {
			return err
		}
		return enqueueAll(ctx, tx, say, now)
	})
	return halted && err == nil, err
}
