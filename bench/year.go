package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// A year of a community that writes a lot.
const (
	yearDeliveries = 2_000_000
	yearTurns      = 100_000
)

// year is put in by SQL: two hundred finished announcements to the whole crowd, as far as they are needed, and a year's
// messages.
var year = []string{
	`INSERT INTO announcement (class, state, text_fr, text_es, audience, created_at, updated_at, started_at, finished_at)
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 1 + $1 / (SELECT COUNT(*) FROM member))
		SELECT 'news', 'done', 'bonjour', 'hola', 'all', 1, 1, 1, 2 FROM i`,
	`INSERT INTO delivery (key, lane, network, chat, member_id, body, variant, announcement_id, state, attempt, due_at, created_at, done_at, provider_id)
		SELECT 'year ' || n.id || ' ' || a.id, 3, a.network, a.chat, a.member_id, '{}', 'fr', n.id, 'sent', 1, 1, 1, 2, 'x' || a.id
		FROM announcement n CROSS JOIN address a ORDER BY n.id, a.id LIMIT $1`,
	`INSERT INTO turn (network, chat, external_id, at)
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < $1) SELECT 'telegram', 1000000000 + n % 1000, n, n FROM i`,
	`INSERT INTO line (member_id, who, text, at)
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < $1) SELECT 1 + n % (SELECT COUNT(*) FROM member), 'member', 'une question', n FROM i`,
}

// AgeByAYear puts a year of data into the database.
func (w *World) AgeByAYear(ctx context.Context) error {
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "chasqui.db"))
	if err != nil {
		return fmt.Errorf("open the database of the year: %w", err)
	}
	for i, statement := range year {
		n := yearDeliveries
		if i > 1 {
			n = yearTurns
		}
		if _, err := db.ExecContext(ctx, statement, n); err != nil {
			return errors.Join(fmt.Errorf("put a year in: %w", err), db.Close())
		}
	}
	return db.Close()
}
