package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// How long what is only needed for a while is kept. Privacy is told these numbers to people: change
// the texts with them.
const (
	// KeptLines is for the team to read what was said.
	KeptLines = 30 * 24 * time.Hour
	// KeptTurns is how long a network may repeat a message and still be recognised; Telegram keeps
	// updates for 24 hours.
	KeptTurns = 30 * 24 * time.Hour
	// KeptReplies is for replies, danger texts and notices that were sent: nobody looks at them again, and
	// they repeat what people wrote. Deliveries of announcements stay: they are the names behind its counts.
	KeptReplies = 30 * 24 * time.Hour
	// KeptImports is how long an import can be taken back: what it wrote over is kept for that alone.
	KeptImports = 90 * 24 * time.Hour
	// KeptAnswers is for who came to what, and for deadlines that were told: a year, for the report.
	KeptAnswers = 365 * 24 * time.Hour
)

// Prune removes what has been kept long enough.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for statement, kept := range map[string]time.Duration{
			`DELETE FROM line WHERE at < $1`: KeptLines,
			`DELETE FROM turn WHERE at < $1`: KeptTurns,
			`DELETE FROM delivery WHERE lane <= 1 AND announcement_id IS NULL AND done_at < $1`:      KeptReplies,
			`DELETE FROM conversation WHERE expires_at < $1`:                                         0,
			`DELETE FROM guard WHERE since < $1`:                                                     guardWindow,
			`DELETE FROM wrong_code WHERE last_at < $1`:                                              lockedFor,
			`DELETE FROM import WHERE at < $1`:                                                       KeptImports,
			`DELETE FROM link_code WHERE expires_at < $1`:                                            lockedFor,
			`DELETE FROM invite WHERE expires_at < $1`:                                               KeptLines,
			`DELETE FROM rsvp WHERE occurrence_id IN (SELECT id FROM occurrence WHERE ends_at < $1)`: KeptAnswers,
			`DELETE FROM reminder WHERE starts_at < $1`:                                              KeptAnswers,
			`DELETE FROM deadline WHERE due_at < $1 AND state <> 'pending'`:                          KeptAnswers,
			`DELETE FROM event WHERE state = 'draft' AND updated_at < $1`:                            KeptLines,
			`DELETE FROM announcement WHERE state = 'draft' AND updated_at < $1`:                     KeptLines,
			`DELETE FROM attachment WHERE created_at < $1 AND id NOT IN (SELECT attachment_id FROM announcement WHERE attachment_id IS NOT NULL)`: KeptLines,
		} {
			if _, err := tx.ExecContext(ctx, statement, now.Add(-kept).UnixMilli()); err != nil {
				return fmt.Errorf("prune: %w", err)
			}
		}
		return nil
	})
}
