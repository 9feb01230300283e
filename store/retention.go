package store

import (
	"context"
	"database/sql"
	"errors"
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

// prunedAtOnce is how many rows one transaction removes: fewer than hold an alert up.
const prunedAtOnce = 500

// old is something that is removed when it has been kept long enough. $1 is before when, $2 how many at once.
var old = []struct {
	statement string
	kept      time.Duration
}{
	{`DELETE FROM line WHERE id IN (SELECT id FROM line WHERE at < $1 LIMIT $2)`, KeptLines},
	{`DELETE FROM turn WHERE (network, chat, external_id) IN (SELECT network, chat, external_id FROM turn WHERE at < $1 LIMIT $2)`, KeptTurns},
	{`DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE done_at < $1 AND announcement_id IS NULL AND lane <= 1 LIMIT $2)`, KeptReplies},
	{`DELETE FROM conversation WHERE (network, chat) IN (SELECT network, chat FROM conversation WHERE expires_at < $1 LIMIT $2)`, 0},
	{`DELETE FROM guard WHERE (network, chat) IN (SELECT network, chat FROM guard WHERE since < $1 LIMIT $2)`, guardWindow},
	{`DELETE FROM wrong_code WHERE (network, chat) IN (SELECT network, chat FROM wrong_code WHERE last_at < $1 LIMIT $2)`, lockedFor},
	{`DELETE FROM import_change WHERE id IN (SELECT c.id FROM import_change c JOIN import i ON i.id = c.import_id WHERE i.at < $1 LIMIT $2)`, KeptImports},
	{`DELETE FROM import WHERE id IN (SELECT id FROM import WHERE at < $1 LIMIT $2)`, KeptImports},
	{`DELETE FROM link_code WHERE code_hash IN (SELECT code_hash FROM link_code WHERE expires_at < $1 LIMIT $2)`, lockedFor},
	{`DELETE FROM invite WHERE code_hash IN (SELECT code_hash FROM invite WHERE expires_at < $1 LIMIT $2)`, KeptLines},
	{`DELETE FROM rsvp WHERE (occurrence_id, member_id) IN (SELECT r.occurrence_id, r.member_id FROM rsvp r JOIN occurrence o ON o.id = r.occurrence_id WHERE o.ends_at < $1 LIMIT $2)`, KeptAnswers},
	{`DELETE FROM reminder WHERE (occurrence_id, kind, starts_at) IN (SELECT occurrence_id, kind, starts_at FROM reminder WHERE starts_at < $1 LIMIT $2)`, KeptAnswers},
	{`DELETE FROM deadline WHERE (member_id, kind, anchor, days) IN (SELECT member_id, kind, anchor, days FROM deadline WHERE due_at < $1 AND state <> 'pending' LIMIT $2)`, KeptAnswers},
	{`DELETE FROM event WHERE id IN (SELECT id FROM event WHERE state = 'draft' AND updated_at < $1 LIMIT $2)`, KeptLines},
	{`DELETE FROM announcement WHERE id IN (SELECT id FROM announcement WHERE state = 'draft' AND updated_at < $1 LIMIT $2)`, KeptLines},
	{`DELETE FROM attachment WHERE id IN (SELECT id FROM attachment f WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM announcement WHERE attachment_id = f.id) LIMIT $2)`, KeptLines},
}

// Prune removes what has been kept long enough, a little at a time, so that sending goes on meanwhile. Then it gives
// the room that became free back to the disk.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	for _, o := range old {
		for removed := prunedAtOnce; removed == prunedAtOnce; {
			err := s.inTx(ctx, func(tx *sql.Tx) error {
				r, err := tx.ExecContext(ctx, o.statement, now.Add(-o.kept).UnixMilli(), prunedAtOnce)
				if err != nil {
					return fmt.Errorf("prune: %w", err)
				}
				removed = affected(r)
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return s.compact(ctx)
}

const (
	// spareRoom is how much may stay free in the file, in pages of 4 KB: tomorrow fills it again.
	spareRoom = 1024
	// movedAtOnce is how many pages one step gives back.
	movedAtOnce = 500
)

// compact gives free pages back in small steps, which needs a database that was made with auto_vacuum; in one that was
// not, what is free is only used again. The log is cut then.
func (s *Store) compact(ctx context.Context) error {
	for last := -1; ; {
		var free int
		if err := s.write.QueryRowContext(ctx, `PRAGMA freelist_count`).Scan(&free); err != nil {
			return fmt.Errorf("count free pages: %w", err)
		}
		if free <= spareRoom || free == last {
			break
		}
		if _, err := s.write.ExecContext(ctx, fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, min(movedAtOnce, free-spareRoom))); err != nil {
			return fmt.Errorf("give free pages back: %w", err)
		}
		last = free
	}
	return s.cutLog(ctx)
}

// cutLog copies the log into the database and cuts it, unless a reader still uses a part of it: then it is cut the
// next night. SQLite would wait for that reader, and everything that is to be written for SQLite.
func (s *Store) cutLog(ctx context.Context) (err error) {
	c, err := s.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take the writer: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, `PRAGMA busy_timeout(0)`); err != nil {
		return fmt.Errorf("wait for nobody: %w", err)
	}
	var busy, pages, copied int
	if err := c.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &copied); err != nil {
		err = fmt.Errorf("cut the log: %w", err)
		return errors.Join(err, waitAgain(ctx, c))
	}
	return waitAgain(ctx, c)
}

// waitAgain lets the writer wait for another process as it does at all other times, whether or not ctx has ended.
func waitAgain(ctx context.Context, c *sql.Conn) error {
	if _, err := c.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf(`PRAGMA busy_timeout(%d)`, busyTimeout.Milliseconds())); err != nil {
		return fmt.Errorf("wait for others again: %w", err)
	}
	return nil
}
