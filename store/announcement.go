package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/i18n"
	"chasqui/outbox"
)

const announcementColumns = `n.id, n.class, n.state, COALESCE(n.author_id, 0), n.author, n.approved_by, n.text_fr, n.text_es, n.text_en, n.audience,
	COALESCE(f.id, 0), COALESCE(f.name, ''), COALESCE(f.image, 0), COALESCE(LENGTH(f.data), 0), n.buttons, n.start_at, n.start_local, n.start_zone,
	n.valid_for, n.expires_at, n.nonce, n.nonce_until, n.shown_network, n.shown_chat, n.shown_message, n.shown_language,
	n.created_at, n.updated_at, n.started_at, n.paused_at, n.finished_at, n.retracted_at`

const fromAnnouncement = ` FROM announcement n LEFT JOIN attachment f ON f.id = n.attachment_id `

func scanAnnouncement(row interface{ Scan(...any) error }) (broadcast.Announcement, error) {
	var a broadcast.Announcement
	var fr, es, en, buttons string
	var file broadcast.Attachment
	var validFor int64
	var start, expires, nonce, created, updated, started, paused, finished, retracted sql.NullInt64
	err := row.Scan(&a.ID, &a.Class, &a.State, &a.AuthorID, &a.Author, &a.ApprovedBy, &fr, &es, &en, &a.Audience,
		&file.ID, &file.Name, &file.Image, &file.Size, &buttons, &start, &a.StartLocal, &a.Zone,
		&validFor, &expires, &a.Nonce, &nonce, &a.Shown.Network, &a.Shown.ID, &a.ShownMessage, &a.ShownLanguage,
		&created, &updated, &started, &paused, &finished, &retracted)
	if err != nil {
		return a, err
	}
	a.Texts = map[i18n.Lang]string{}
	for l, text := range map[i18n.Lang]string{i18n.French: fr, i18n.Spanish: es, i18n.English: en} {
		if text != "" {
			a.Texts[l] = text
		}
	}
	if file.ID != 0 {
		a.File = &file
	}
	if buttons != "" {
		if err := json.Unmarshal([]byte(buttons), &a.Buttons); err != nil {
			return a, fmt.Errorf("read an announcement's buttons: %w", err)
		}
	}
	a.ValidFor = time.Duration(validFor) * time.Millisecond
	a.StartAt, a.ExpiresAt, a.NonceUntil = instant(start), instant(expires), instant(nonce)
	a.CreatedAt, a.UpdatedAt, a.StartedAt, a.PausedAt, a.FinishedAt, a.RetractedAt = instant(created), instant(updated), instant(started), instant(paused), instant(finished), instant(retracted)
	return a, nil
}

func oneAnnouncement(ctx context.Context, q querier, where string, args ...any) (broadcast.Announcement, bool, error) {
	a, err := scanAnnouncement(q.QueryRowContext(ctx, `SELECT `+announcementColumns+fromAnnouncement+`WHERE `+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("read an announcement: %w", err)
	}
	return a, true, nil
}

// Announcement finds one by number.
func (s *Store) Announcement(ctx context.Context, id int64) (broadcast.Announcement, bool, error) {
	return oneAnnouncement(ctx, s.read, `n.id = $1`, id)
}

// DraftOf finds the draft that a member is writing.
func (s *Store) DraftOf(ctx context.Context, authorID int64) (broadcast.Announcement, bool, error) {
	return oneAnnouncement(ctx, s.read, `n.author_id = $1 AND n.state = 'draft'`, authorID)
}

// Announcements lists the newest n that are no drafts, newest last; 0 lists all of them.
func (s *Store) Announcements(ctx context.Context, n int) ([]broadcast.Announcement, error) {
	if n == 0 {
		n = -1
	}
	return s.announcements(ctx, `n.id IN (SELECT id FROM announcement WHERE state <> 'draft' ORDER BY id DESC LIMIT $1) ORDER BY n.id`, n)
}

// OpenAnnouncements lists those that somebody must still do something for: to be started, on their way, or
// being taken back.
func (s *Store) OpenAnnouncements(ctx context.Context) ([]broadcast.Announcement, error) {
	return s.announcements(ctx, `n.state IN ('approved', 'sending') OR (n.retracted_at IS NOT NULL AND n.retract_done = 0) ORDER BY n.id`)
}

func (s *Store) announcements(ctx context.Context, where string, args ...any) ([]broadcast.Announcement, error) {
	var all []broadcast.Announcement
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		a, err := scanAnnouncement(rows)
		all = append(all, a)
		return err
	}, `SELECT `+announcementColumns+fromAnnouncement+`WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list announcements: %w", err)
	}
	return all, nil
}

// Announce makes changes outside a conversation, in one transaction: what the command line does.
func (s *Store) Announce(ctx context.Context, now time.Time, changes ...broadcast.Change) (id int64, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		for _, c := range changes {
			if c.ID == 0 {
				c.ID = id
			}
			if id, err = changeAnnouncement(ctx, tx, c, now); err != nil {
				return err
			}
		}
		return nil
	})
	return id, err
}

// changeAnnouncement does one change and returns the announcement's number. A change that does not fit
// the state that it finds is bot.ErrStale: whoever decided saw something else.
func changeAnnouncement(ctx context.Context, tx *sql.Tx, c broadcast.Change, now time.Time) (int64, error) {
	if c.Verb == broadcast.Save {
		return saveDraft(ctx, tx, c, now)
	}
	a := c.Announcement
	shown := []any{a.Shown.Network, a.Shown.ID, a.ShownMessage, a.ShownLanguage}
	statement, args := "", []any{c.ID, now.UnixMilli()}
	switch c.Verb {
	case broadcast.Discard:
		statement = `DELETE FROM announcement WHERE id = $1 AND state = 'draft' AND $2 > 0`
	case broadcast.Ask:
		statement, args = `UPDATE announcement SET nonce = $3, nonce_until = $4, updated_at = $2 WHERE id = $1 AND state = 'draft'`, append(args, a.Nonce, millis(a.NonceUntil))
	case broadcast.Approve:
		statement = `UPDATE announcement SET state = 'approved', nonce = '', nonce_until = NULL, approved_by = $4, start_at = $5, updated_at = $2,
			shown_network = $6, shown_chat = $7, shown_message = $8, shown_language = $9
			WHERE id = $1 AND state = 'draft' AND nonce = $3 AND nonce <> '' AND nonce_until >= $2`
		args = append(append(args, a.Nonce, c.Actor, millis(a.StartAt)), shown...)
	case broadcast.Undo:
		// Its author may be writing the next one by now, and has one draft only.
		statement = `UPDATE announcement SET approved_by = '', start_at = CASE WHEN start_local = '' THEN NULL ELSE start_at END, updated_at = $2,
			state = CASE WHEN ` + writesAnother + ` THEN 'cancelled' ELSE 'draft' END, finished_at = CASE WHEN ` + writesAnother + ` THEN $2 END
			WHERE id = $1 AND state IN ('approved', 'late')`
	case broadcast.StartLate:
		statement = `UPDATE announcement SET state = 'approved', start_at = $2, start_local = '', updated_at = $2, shown_network = $3, shown_chat = $4, shown_message = $5, shown_language = $6
			WHERE id = $1 AND state = 'late'`
		args = append(args, shown...)
	case broadcast.Pause:
		statement = `UPDATE announcement SET paused_at = $2, updated_at = $2 WHERE id = $1 AND state = 'sending' AND paused_at IS NULL`
	case broadcast.Resume:
		statement = `UPDATE announcement SET paused_at = NULL, updated_at = $2 WHERE id = $1 AND state = 'sending' AND paused_at IS NOT NULL`
	case broadcast.Cancel:
		return c.ID, cancelAnnouncement(ctx, tx, c, now)
	case broadcast.Retry, broadcast.SendUnknown:
		return c.ID, sendAgain(ctx, tx, c, now)
	case broadcast.LeaveUnknown:
		statement = `UPDATE delivery SET reason = '` + broadcast.LeftUnknown + `' WHERE announcement_id = $1 AND state = 'unknown' AND reason <> '` + broadcast.LeftUnknown + `' AND $2 > 0`
	case broadcast.Retract:
		return c.ID, retract(ctx, tx, c, now)
	default:
		return 0, fmt.Errorf("an announcement cannot be changed by %q", c.Verb)
	}
	return c.ID, changed(ctx, tx, c, now, statement, args...)
}

// changed runs a statement that must find something, and writes the audit log.
func changed(ctx context.Context, tx *sql.Tx, c broadcast.Change, now time.Time, statement string, args ...any) error {
	r, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("%s announcement %d: %w", c.Verb, c.ID, err)
	}
	if affected(r) == 0 {
		return bot.ErrStale
	}
	if c.Verb == broadcast.Ask {
		return nil
	}
	return audit(ctx, tx, c.Actor, "announcement: "+string(c.Verb), fmt.Sprint(c.ID), now)
}

const writesAnother = `EXISTS (SELECT 1 FROM announcement d WHERE d.author_id = announcement.author_id AND d.state = 'draft')`

const insertDraft = `
INSERT INTO announcement (class, author_id, author, text_fr, text_es, text_en, audience, attachment_id, buttons, start_at, start_local, start_zone, valid_for, created_at, updated_at)
VALUES ($1, NULLIF($2, 0), $3, $4, $5, $6, $7, NULLIF($8, 0), $9, $10, $11, $12, $13, $14, $14) RETURNING id`

const updateDraft = `
UPDATE announcement SET class = $1, author = $3, text_fr = $4, text_es = $5, text_en = $6, audience = $7, attachment_id = NULLIF($8, 0), buttons = $9,
	start_at = $10, start_local = $11, start_zone = $12, valid_for = $13, updated_at = $14, nonce = '', nonce_until = NULL
WHERE id = $15 AND state = 'draft' AND author_id IS NULLIF($2, 0)`

func saveDraft(ctx context.Context, tx *sql.Tx, c broadcast.Change, now time.Time) (int64, error) {
	a := c.Announcement
	buttons := ""
	if len(a.Buttons) > 0 {
		data, err := json.Marshal(a.Buttons)
		if err != nil {
			return 0, fmt.Errorf("write an announcement's buttons: %w", err)
		}
		buttons = string(data)
	}
	file, err := keepFile(ctx, tx, c, now)
	if err != nil {
		return 0, err
	}
	args := []any{cmp.Or(a.Class, broadcast.News), a.AuthorID, c.Actor, a.Texts[i18n.French], a.Texts[i18n.Spanish], a.Texts[i18n.English], a.Audience, file, buttons,
		millis(a.StartAt), a.StartLocal, a.Zone, a.ValidFor.Milliseconds(), now.UnixMilli()}
	if a.ID == 0 {
		var id int64
		if err := tx.QueryRowContext(ctx, insertDraft, args...).Scan(&id); err != nil {
			return 0, fmt.Errorf("keep a draft: %w", err)
		}
		return id, nil
	}
	r, err := tx.ExecContext(ctx, updateDraft, append(args, a.ID)...)
	if err != nil {
		return 0, fmt.Errorf("keep draft %d: %w", a.ID, err)
	}
	if affected(r) == 0 {
		return 0, bot.ErrStale
	}
	return a.ID, nil
}

// keepFile returns the number of a draft's attachment: a new one, the one that it had, or 0.
func keepFile(ctx context.Context, tx *sql.Tx, c broadcast.Change, now time.Time) (id int64, err error) {
	if c.File == nil {
		if c.Announcement.File == nil {
			return 0, nil
		}
		return c.Announcement.File.ID, nil
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO attachment (name, image, data, created_at) VALUES ($1, $2, $3, $4) RETURNING id`,
		c.File.Name, c.File.Image, c.File.Data, now.UnixMilli()).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("keep an attachment: %w", err)
	}
	return id, nil
}

func cancelAnnouncement(ctx context.Context, tx *sql.Tx, c broadcast.Change, now time.Time) error {
	if err := changed(ctx, tx, c, now, `UPDATE announcement SET state = 'cancelled', finished_at = $2, updated_at = $2
		WHERE id = $1 AND state IN ('approved', 'late', 'sending')`, c.ID, now.UnixMilli()); err != nil {
		return err
	}
	// Few: deliveries are made just ahead of sending. What was not made yet never will be.
	_, err := tx.ExecContext(ctx, `UPDATE delivery SET state = 'stopped', done_at = $2, reason = $3 WHERE announcement_id = $1 AND state = 'queued'`,
		c.ID, now.UnixMilli(), broadcast.WasCancelled)
	if err != nil {
		return fmt.Errorf("stop what waits of announcement %d: %w", c.ID, err)
	}
	return nil
}

// again are the deliveries that are worth another try: those whose fate is unknown, or which failed
// although their address still works.
var again = map[broadcast.Verb]string{
	broadcast.SendUnknown: `state = 'unknown'`,
	broadcast.Retry: `state = 'failed' AND fault <> 'rejected' AND NOT EXISTS (
		SELECT 1 FROM address a WHERE a.network = delivery.network AND a.chat = delivery.chat AND a.state = 'gone')`,
}

func sendAgain(ctx context.Context, tx *sql.Tx, c broadcast.Change, now time.Time) error {
	if err := changed(ctx, tx, c, now, `UPDATE delivery SET state = 'queued', done_at = NULL, due_at = $2, expires_at = NULL WHERE announcement_id = $1 AND `+again[c.Verb], c.ID, now.UnixMilli()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE announcement SET state = 'sending', finished_at = NULL, updated_at = $2 WHERE id = $1`, c.ID, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("open announcement %d again: %w", c.ID, err)
	}
	return nil
}

func retract(ctx context.Context, tx *sql.Tx, c broadcast.Change, now time.Time) error {
	t := c.Announcement.Texts
	if err := changed(ctx, tx, c, now, `UPDATE announcement SET retracted_at = $2, retract_fr = $3, retract_es = $4, retract_en = $5, updated_at = $2
		WHERE id = $1 AND started_at IS NOT NULL AND retracted_at IS NULL`,
		c.ID, now.UnixMilli(), t[i18n.French], t[i18n.Spanish], t[i18n.English]); err != nil {
		return err
	}
	err := cancelAnnouncement(ctx, tx, broadcast.Change{Verb: broadcast.Cancel, ID: c.ID, Actor: c.Actor}, now)
	if errors.Is(err, bot.ErrStale) {
		return nil // it was done already
	}
	return err
}

// Finish marks an announcement of which nothing is left to send as done, and says so.
func (s *Store) Finish(ctx context.Context, id int64, say []outbox.Draft, now time.Time) (finished bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE announcement SET state = 'done', finished_at = $2, updated_at = $2
			WHERE id = $1 AND state = 'sending'
				AND NOT EXISTS (SELECT 1 FROM fanout WHERE announcement_id = $1 AND made < total)
				AND NOT EXISTS (SELECT 1 FROM tally WHERE announcement_id = $1 AND state = 'queued' AND n > 0)
				AND NOT EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_open WHERE announcement_id = $1 AND state IN ('queued', 'sending'))`, id, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("finish announcement %d: %w", id, err)
		}
		if finished = affected(r) == 1; !finished {
			return nil
		}
		return enqueueAll(ctx, tx, say, now)
	})
	return finished, err
}

// MarkLate leaves a scheduled announcement whose time has passed to a person, and asks them.
func (s *Store) MarkLate(ctx context.Context, id int64, ask []outbox.Draft, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE announcement SET state = 'late', updated_at = $2 WHERE id = $1 AND state = 'approved'`, id, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("mark announcement %d late: %w", id, err)
		}
		if affected(r) == 0 {
			return nil
		}
		return enqueueAll(ctx, tx, ask, now)
	})
}
