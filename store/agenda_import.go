package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chasqui/agenda"
	"chasqui/i18n"
)

// sameEvent finds one that is planned already: the same title at the same time by the same clock.
const sameEvent = `SELECT id FROM event WHERE state <> 'draft' AND title_fr = $1 AND start_wall = $2 AND zone = $3 LIMIT 1`

const insertEvent = `
INSERT INTO event (uid, title_fr, title_es, title_en, start_wall, end_wall, zone, place, link, seats, audience, rule, state, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'planned', $13, $13) RETURNING id`

// ImportEvents adds the events of a calendar file, or with commit false only says which lines hold one that
// is there already. It is all or nothing: with a refused row nothing is written.
func (s *Store) ImportEvents(ctx context.Context, rows []agenda.Row, commit bool, now time.Time) (known map[int]bool, written bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		known = map[int]bool{}
		refused := false
		for _, r := range rows {
			if refused = refused || r.Fault != nil; r.Fault != nil {
				continue
			}
			e := r.Event
			err := tx.QueryRowContext(ctx, sameEvent, e.Titles[i18n.French], e.Start, e.Zone).Scan(new(int64))
			if err == nil {
				known[r.Line] = true
				continue
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return fmt.Errorf("line %d: look for the event: %w", r.Line, err)
			}
			err = tx.QueryRowContext(ctx, insertEvent, newKey(), e.Titles[i18n.French], e.Titles[i18n.Spanish], e.Titles[i18n.English],
				e.Start, e.End, e.Zone, e.Place, e.Link, e.Seats, e.Audience, e.Rule, now.UnixMilli()).Scan(&e.ID)
			if err == nil {
				err = makeOccurrences(ctx, tx, e, now)
			}
			if err != nil {
				return fmt.Errorf("line %d: add the event: %w", r.Line, err)
			}
		}
		if !commit || refused {
			return errPreview
		}
		return audit(ctx, tx, "operator", "imported events", fmt.Sprint(len(rows)), now)
	})
	if errors.Is(err, errPreview) {
		return known, false, nil
	}
	return known, err == nil, err
}
