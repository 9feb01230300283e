package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sync"

	"chasqui/broadcast"
	"chasqui/channel"
)

// mostFrozen is how many announcements are on their way at once before the memory of them begins anew.
const mostFrozen = 16

// frozenTexts keeps what announcements on their way read again for everybody. The database refuses to
// change any of it, and numbers are never given twice, so nothing here grows stale.
type frozenTexts struct {
	sync.Mutex
	bodies map[int64]map[broadcast.Variant]channel.Content
	blocks map[int64]readBlock
}

// blockAt says where a block of recipients stands.
type blockAt struct {
	announcementID int64
	network        channel.Network
	number         int
}

// readBlock is the block that was read last of an announcement.
type readBlock struct {
	at  blockAt
	ids []int64
}

func (f *frozenTexts) block(at blockAt) ([]int64, bool) {
	f.Lock()
	defer f.Unlock()
	b := f.blocks[at.announcementID]
	return b.ids, b.at == at
}

func (f *frozenTexts) keepBlock(at blockAt, ids []int64) {
	f.Lock()
	defer f.Unlock()
	if f.blocks == nil || len(f.blocks) >= mostFrozen {
		f.blocks = map[int64]readBlock{}
	}
	f.blocks[at.announcementID] = readBlock{at, ids}
}

// frozenContent is what an announcement says to readers of a variant, with its attachment.
func (s *Store) frozenContent(ctx context.Context, tx *sql.Tx, f fan, variant broadcast.Variant) (channel.Content, error) {
	content, err := s.frozenBody(ctx, tx, f.id, variant)
	if err != nil {
		return content, err
	}
	content.File, err = s.file(ctx, tx, f.attachment)
	return content, err
}

func (s *Store) frozenBody(ctx context.Context, tx *sql.Tx, id int64, variant broadcast.Variant) (channel.Content, error) {
	s.frozen.Lock()
	defer s.frozen.Unlock()
	if content, ok := s.frozen.bodies[id][variant]; ok {
		return content, nil
	}
	var body string
	var content channel.Content
	if err := tx.QueryRowContext(ctx, `SELECT body FROM announcement_body WHERE announcement_id = $1 AND variant = $2`, id, variant).Scan(&body); err != nil {
		return content, fmt.Errorf("read the frozen body: %w", err)
	}
	if err := json.Unmarshal([]byte(body), &content); err != nil {
		return content, fmt.Errorf("read the frozen body: %w", err)
	}
	if s.frozen.bodies == nil || len(s.frozen.bodies) >= mostFrozen {
		s.frozen.bodies = map[int64]map[broadcast.Variant]channel.Content{}
	}
	if s.frozen.bodies[id] == nil {
		s.frozen.bodies[id] = map[broadcast.Variant]channel.Content{}
	}
	s.frozen.bodies[id][variant] = content
	return content, nil
}

// file reads an attachment. The last one is kept in memory, since an announcement reads the same one
// for everybody.
func (s *Store) file(ctx context.Context, q querier, id sql.NullInt64) (*channel.File, error) {
	if !id.Valid {
		return nil, nil
	}
	s.lastFile.Lock()
	defer s.lastFile.Unlock()
	if s.lastFile.id != id.Int64 {
		f := channel.File{Key: fmt.Sprintf("attachment %d", id.Int64)}
		if err := q.QueryRowContext(ctx, `SELECT name, image, data FROM attachment WHERE id = $1`, id.Int64).Scan(&f.Name, &f.Image, &f.Data); err != nil {
			return nil, fmt.Errorf("read attachment %d: %w", id.Int64, err)
		}
		s.lastFile.id, s.lastFile.file = id.Int64, f
	}
	f := s.lastFile.file
	return &f, nil
}
