package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
)

// LinkRoom makes a chat the room of a group on its network, in place of any other.
func (s *Store) LinkRoom(ctx context.Context, slug string, room channel.Address, actor string, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO room (slug, network, chat, topic) VALUES ($1, $2, $3, $4)
			ON CONFLICT (slug, network) DO UPDATE SET chat = excluded.chat, topic = excluded.topic`, slug, room.Network, room.ID, room.Topic)
		if err != nil {
			return fmt.Errorf("link the room of %s: %w", slug, err)
		}
		return audit(ctx, tx, actor, "linked a room", slug, now)
	})
}

// Rooms lists the rooms of all groups, with how many people are known to be in each.
func (s *Store) Rooms(ctx context.Context) ([]broadcast.RoomPost, error) {
	var rooms []broadcast.RoomPost
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var r broadcast.RoomPost
		err := rows.Scan(&r.Slug, &r.Network, &r.ID, &r.Topic, &r.Readers)
		rooms = append(rooms, r)
		return err
	}, `SELECT slug, network, chat, topic, (SELECT COUNT(*) FROM presence p WHERE p.network = r.network AND p.chat = r.chat) FROM room r ORDER BY slug, network`)
	if err != nil {
		return nil, fmt.Errorf("list rooms: %w", err)
	}
	return rooms, nil
}

const present = `
INSERT INTO presence (network, chat, member_id, seen_at)
SELECT $1, $2, a.member_id, $4 FROM address a
WHERE a.network = $1 AND a.chat = $3 AND EXISTS (SELECT 1 FROM room r WHERE r.network = $1 AND r.chat = $2)
ON CONFLICT (network, chat, member_id) DO UPDATE SET seen_at = excluded.seen_at`

// SeenInRoom notes that somebody is in a room, or has left it. Rooms that belong to no group and people
// whom nobody knows leave no trace. What is known already is not written again before a day is over,
// since a lively room would otherwise write with every message.
func (s *Store) SeenInRoom(ctx context.Context, m channel.Message, left bool, now time.Time) error {
	if left {
		_, err := s.write.ExecContext(ctx, `DELETE FROM presence WHERE network = $1 AND chat = $2 AND member_id = (SELECT member_id FROM address WHERE network = $1 AND chat = $3)`,
			m.Chat.Network, m.Chat.ID, m.From.ID)
		if err != nil {
			return fmt.Errorf("note who left a room: %w", err)
		}
		return nil
	}
	var fresh bool
	err := s.read.QueryRowContext(ctx, `SELECT NOT EXISTS (SELECT 1 FROM room WHERE network = $1 AND chat = $2) OR EXISTS (
		SELECT 1 FROM presence p JOIN address a ON a.member_id = p.member_id AND a.network = $1 AND a.chat = $3 WHERE p.network = $1 AND p.chat = $2 AND p.seen_at > $4)`,
		m.Chat.Network, m.Chat.ID, m.From.ID, now.Add(-24*time.Hour).UnixMilli()).Scan(&fresh)
	if err != nil {
		return fmt.Errorf("look who is in a room: %w", err)
	}
	if fresh {
		return nil
	}
	if _, err := s.write.ExecContext(ctx, present, m.Chat.Network, m.Chat.ID, m.From.ID, now.UnixMilli()); err != nil {
		return fmt.Errorf("note who is in a room: %w", err)
	}
	return nil
}
