package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// mostTogether bounds how many changes share a transaction, so that none of them holds the writer up.
const mostTogether = 32

// together gathers changes that come at the same time into one transaction: the disk is waited for once for all
// of them. Each stands or falls by itself, and none is reported as done before all are on the disk.
type together struct {
	sync.Mutex
	waiting []*change
	// turn is held by whoever writes for all who wait.
	turn sync.Mutex
}

// change is one of them. done is set, under turn, once err is final.
type change struct {
	f    func(*sql.Tx) error
	err  error
	done bool
}

// inTxTogether runs f like inTx, with others that wait for the writer now. f must not be cut short halfway: a
// statement that is interrupted would take the others down, so its context may not end.
func (s *Store) inTxTogether(f func(*sql.Tx) error) error {
	c := &change{f: f}
	s.together.Lock()
	s.together.waiting = append(s.together.waiting, c)
	s.together.Unlock()
	s.together.turn.Lock()
	defer s.together.turn.Unlock()
	for !c.done {
		s.writeTogether()
	}
	return c.err
}

// take takes those who wait, in order.
func (t *together) take() []*change {
	t.Lock()
	defer t.Unlock()
	n := min(mostTogether, len(t.waiting))
	taken := t.waiting[:n:n]
	t.waiting = t.waiting[n:]
	return taken
}

// writeTogether writes what waits in one transaction.
func (s *Store) writeTogether() {
	ctx := context.Background()
	tx, err := s.write.BeginTx(ctx, nil)
	// Who came while the writer was busy comes along.
	changes := s.together.take()
	if err == nil {
		if err = runEach(ctx, tx, changes); err != nil {
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		} else {
			err = tx.Commit()
		}
	}
	for _, c := range changes {
		c.done = true
		if c.err == nil && err != nil {
			c.err = fmt.Errorf("commit: %w", err)
		}
	}
}

// runEach runs each change within marks of its own, and takes back what one that fails had done. It fails itself when
// SQLite gave the whole transaction up, as for a full disk.
func runEach(ctx context.Context, tx *sql.Tx, changes []*change) error {
	for _, c := range changes {
		if _, err := tx.ExecContext(ctx, `SAVEPOINT one`); err != nil {
			return fmt.Errorf("mark the beginning of a change: %w", err)
		}
		if c.err = c.f(tx); c.err != nil {
			if _, err := tx.ExecContext(ctx, `ROLLBACK TO one`); err != nil {
				return fmt.Errorf("take a change back: %w", err)
			}
		}
		if _, err := tx.ExecContext(ctx, `RELEASE one`); err != nil {
			return fmt.Errorf("mark the end of a change: %w", err)
		}
	}
	return nil
}
