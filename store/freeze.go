package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
)

// Start freezes an approved announcement: what it says, whom it reaches, the posts in rooms. It reports
// false when somebody else started or undid it meanwhile. The audience is read before anything is written, and
// written down a few blocks a transaction: the writer is not held up for as long as a large audience takes. Who
// changes their mind in between is still asked when their delivery leaves.
func (s *Store) Start(ctx context.Context, a broadcast.Announcement, now time.Time) (started bool, err error) {
	lists := map[channel.Network]*recipientList{}
	preview, err := s.sort(ctx, a, func(c broadcast.Candidate) {
		if lists[c.Network] == nil {
			lists[c.Network] = &recipientList{network: c.Network}
		}
		lists[c.Network].add(c.AddressID)
	})
	if err != nil {
		return false, fmt.Errorf("freeze announcement %d: %w", a.ID, err)
	}
	expires := time.Time{}
	if a.ValidFor > 0 {
		expires = now.Add(a.ValidFor)
		a.ExpiresAt = expires
	}
	mine := newKey()
	if going, err := s.freeze(ctx, a.ID, mine, lists); err != nil || !going {
		return false, err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE announcement SET state = 'sending', started_at = $2, expires_at = $3, updated_at = $2, freezing = ''
			WHERE id = $1 AND state = 'approved' AND freezing = $4`, a.ID, now.UnixMilli(), millis(expires), mine)
		if err != nil {
			return fmt.Errorf("start announcement %d: %w", a.ID, err)
		}
		if started = affected(r) == 1; !started {
			return nil
		}
		if err := freezeBodies(ctx, tx, a); err != nil {
			return err
		}
		for _, l := range lists {
			if _, err := tx.ExecContext(ctx, `INSERT INTO fanout (announcement_id, network, total) VALUES ($1, $2, $3)`, a.ID, l.network, l.total); err != nil {
				return fmt.Errorf("freeze the audience of announcement %d: %w", a.ID, err)
			}
		}
		return postInRooms(ctx, tx, a, preview.Rooms, expires, now)
	})
	return started && err == nil, err
}

// blocksAtOnce is how many blocks of recipients one transaction writes: fifty thousand people take it some ten
// milliseconds.
const blocksAtOnce = 50

// freeze writes the audience down. What a start that was cut short left behind goes first. It reports false when
// the announcement is not this start's any more.
func (s *Store) freeze(ctx context.Context, id int64, mine string, lists map[channel.Network]*recipientList) (going bool, err error) {
	claim := func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE announcement SET freezing = $2 WHERE id = $1 AND state = 'approved'`, id, mine)
		if err != nil {
			return fmt.Errorf("freeze announcement %d: %w", id, err)
		}
		if going = affected(r) == 1; !going {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM recipients WHERE announcement_id = $1`, id); err != nil {
			return fmt.Errorf("remove what an earlier start of announcement %d left: %w", id, err)
		}
		return nil
	}
	if err := s.inTx(ctx, claim); err != nil || !going {
		return false, err
	}
	for _, l := range lists {
		for first := 0; first < len(l.blocks) && going; first += blocksAtOnce {
			err := s.inTx(ctx, func(tx *sql.Tx) error {
				going, err = freezeBlocks(ctx, tx, id, mine, l, first, min(len(l.blocks), first+blocksAtOnce))
				return err
			})
			if err != nil {
				return false, err
			}
		}
	}
	return going, nil
}

func freezeBlocks(ctx context.Context, tx *sql.Tx, id int64, mine string, l *recipientList, first, end int) (going bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM announcement WHERE id = $1 AND state = 'approved' AND freezing = $2)`, id, mine).Scan(&going)
	if err != nil {
		return false, fmt.Errorf("freeze announcement %d: %w", id, err)
	}
	for i := first; going && i < end; i++ {
		if _, err := tx.ExecContext(ctx, `INSERT INTO recipients (announcement_id, network, block, size, addresses) VALUES ($1, $2, $3, $4, $5)`, id, l.network, i, l.sizes[i], l.blocks[i]); err != nil {
			return false, fmt.Errorf("freeze the audience of announcement %d: %w", id, err)
		}
	}
	return going, nil
}

func freezeBodies(ctx context.Context, tx *sql.Tx, a broadcast.Announcement) error {
	for variant, content := range a.Bodies() {
		body, err := json.Marshal(content)
		if err != nil {
			return fmt.Errorf("write the body of announcement %d: %w", a.ID, err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO announcement_body (announcement_id, variant, body) VALUES ($1, $2, $3)`, a.ID, variant, string(body)); err != nil {
			return fmt.Errorf("freeze the body of announcement %d: %w", a.ID, err)
		}
	}
	return nil
}

const insertPost = `
INSERT INTO delivery (key, lane, network, chat, topic, body, variant, announcement_id, due_at, expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, '{}', 'both', $6, $7, $8, $7)`

func postInRooms(ctx context.Context, tx *sql.Tx, a broadcast.Announcement, rooms []broadcast.RoomPost, expires, now time.Time) error {
	for _, r := range rooms {
		if _, err := tx.ExecContext(ctx, insertPost, newKey(), a.Class.Lane(), r.Network, r.ID, r.Topic, a.ID, now.UnixMilli(), millis(expires)); err != nil {
			return fmt.Errorf("post announcement %d in the room of %s: %w", a.ID, r.Slug, err)
		}
	}
	return nil
}
