package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"chasqui/outbox"
)

// KeptBackups is how many nightly copies stay.
const KeptBackups = 14

// Backup writes a consistent copy to file while everything goes on, mode 0600. An existing file is
// never overwritten.
func (s *Store) Backup(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("%s exists already: name another file", file)
	}
	// A connection of its own: the writer must go on meanwhile, and readers may not write, not even
	// into another file.
	db, err := open(s.path, false)
	if err != nil {
		return err
	}
	if err := errors.Join(vacuumInto(ctx, db, file), db.Close()); err != nil {
		return fmt.Errorf("back up to %s: %w", file, err)
	}
	return nil
}

func vacuumInto(ctx context.Context, db *sql.DB, file string) error {
	// The file is made first so that it is never readable by others, not even while it grows; VACUUM INTO
	// takes an empty file as it is.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, file); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return syncFile(file)
}

func syncFile(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// BackupNightly writes backups/chasqui-YYYYMMDD.db beside the database, unless today's is there, and
// keeps the newest KeptBackups of them.
func (s *Store) BackupNightly(ctx context.Context, day string) (string, error) {
	dir := filepath.Join(filepath.Dir(s.path), "backups")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the backup directory: %w", err)
	}
	file := filepath.Join(dir, "chasqui-"+strings.ReplaceAll(day, "-", "")+".db")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	// Under its final name only when it is whole: a copy cut short must not pass for last night's.
	growing := file + ".part"
	if err := os.Remove(growing); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("remove an unfinished backup: %w", err)
	}
	if err := s.Backup(ctx, growing); err != nil {
		return "", err
	}
	if err := os.Rename(growing, file); err != nil {
		return "", fmt.Errorf("name the backup: %w", err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "chasqui-????????.db"))
	if err != nil {
		return "", fmt.Errorf("list backups: %w", err)
	}
	sort.Strings(kept)
	for _, old := range kept[:max(0, len(kept)-KeptBackups)] {
		if err := os.Remove(old); err != nil {
			return "", fmt.Errorf("remove an old backup: %w", err)
		}
	}
	return file, nil
}

// Held is what a restored database would send, by lane and by how.
type Held struct {
	Lane     outbox.Lane
	Network  string
	Count    int
	InFlight int
	// AnnouncementID is set for an announcement that was on its way or about to start: it waits for a person of
	// its own, since whoever got it after the backup was taken would get it again. Count is what is left of it.
	AnnouncementID int64
	// Started is true for one on its way, false for one that was about to start.
	Started bool
}

// Restore makes the database at path out of the backup at file. The new database starts paused:
// what was waiting in the backup may have left since it was taken, and only a person can tell. It takes
// the old one's place only when it is whole; the old one is kept beside it, never overwritten.
func Restore(ctx context.Context, file, path string, now time.Time) ([]Held, error) {
	growing := path + ".restoring"
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(growing + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("remove an unfinished restore: %w", err)
		}
	}
	if err := copyFile(file, growing); err != nil {
		return nil, fmt.Errorf("copy the backup: %w", err)
	}
	held, err := prepare(ctx, growing, now)
	if err != nil {
		return nil, errors.Join(err, os.Remove(growing))
	}
	if _, err := os.Stat(path); err == nil {
		if err := setAside(path, path+".before-restore-"+now.UTC().Format("20060102-150405")); err != nil {
			return nil, err
		}
	}
	if err := os.Rename(growing, path); err != nil {
		return nil, fmt.Errorf("put the backup in place: %w", err)
	}
	return held, nil
}

// prepare brings a copy up to date, checks it and holds what it would send.
func prepare(ctx context.Context, path string, now time.Time) ([]Held, error) {
	s, err := Open(ctx, path, now)
	if err != nil {
		return nil, fmt.Errorf("open the backup: %w", err)
	}
	err = s.Integrity(ctx)
	var held []Held
	if err == nil {
		held, err = s.hold(ctx, now)
	}
	return held, errors.Join(err, s.Close())
}

// setAside moves a database with its write-ahead log: the one without the other is not whole.
func setAside(path, aside string) error {
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("keep the present database: %w", err)
		}
	}
	return nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

const heldDeliveries = `
SELECT lane, network, COUNT(*), SUM(state = 'sending') FROM delivery
WHERE state IN ('queued', 'sending') GROUP BY lane, network ORDER BY lane, network`

func (s *Store) hold(ctx context.Context, now time.Time) ([]Held, error) {
	var held []Held
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if err := each(ctx, tx, func(rows *sql.Rows) error {
			var h Held
			if err := rows.Scan(&h.Lane, &h.Network, &h.Count, &h.InFlight); err != nil {
				return err
			}
			held = append(held, h)
			return nil
		}, heldDeliveries); err != nil {
			return fmt.Errorf("count what waits: %w", err)
		}
		announcements, err := holdAnnouncements(ctx, tx, now)
		if err != nil {
			return err
		}
		held = append(held, announcements...)
		var last int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM delivery`).Scan(&last); err != nil {
			return fmt.Errorf("find the last delivery: %w", err)
		}
		if err := setSetting(ctx, tx, "held_until", strconv.FormatInt(last, 10)); err != nil {
			return err
		}
		// What was due before now may have left after the backup was taken.
		if err := setSetting(ctx, tx, "reminders_from", strconv.FormatInt(now.UnixMilli(), 10)); err != nil {
			return err
		}
		return pause(ctx, tx, now)
	})
	return held, err
}

const heldAnnouncements = `
SELECT n.id, COALESCE((SELECT SUM(total - made) FROM fanout f WHERE f.announcement_id = n.id), 0), n.started_at IS NOT NULL FROM announcement n
WHERE n.state IN ('approved', 'sending') ORDER BY n.id`

// holdAnnouncements pauses those on their way and leaves those about to start to a person.
func holdAnnouncements(ctx context.Context, tx *sql.Tx, now time.Time) ([]Held, error) {
	var held []Held
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var h Held
		err := rows.Scan(&h.AnnouncementID, &h.Count, &h.Started)
		held = append(held, h)
		return err
	}, heldAnnouncements)
	if err != nil {
		return nil, fmt.Errorf("list announcements on their way: %w", err)
	}
	for _, statement := range []string{
		`UPDATE announcement SET paused_at = $1 WHERE state = 'sending' AND paused_at IS NULL`,
		`UPDATE announcement SET state = 'late', updated_at = $1 WHERE state = 'approved'`,
	} {
		if _, err := tx.ExecContext(ctx, statement, now.UnixMilli()); err != nil {
			return nil, fmt.Errorf("hold announcements: %w", err)
		}
	}
	return held, nil
}

// pause holds reminders and news; alerts and replies go on.
func pause(ctx context.Context, q querier, now time.Time) error {
	return setSetting(ctx, q, "paused_at", strconv.FormatInt(now.UnixMilli(), 10))
}

// resume lets everything leave again, what a restore held included.
func resume(ctx context.Context, q querier) error {
	_, err := q.ExecContext(ctx, `DELETE FROM setting WHERE key IN ('paused_at', 'held_until')`)
	return err
}

// Paused reports whether reminders and news are held, since when, and whether by a restore.
func (s *Store) Paused(ctx context.Context) (since time.Time, restored bool, err error) {
	value, err := setting(ctx, s.read, "paused_at")
	if err != nil || value == "" {
		return time.Time{}, false, err
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read since when it is paused: %w", err)
	}
	held, err := setting(ctx, s.read, "held_until")
	return time.UnixMilli(ms).UTC(), held != "", err
}
