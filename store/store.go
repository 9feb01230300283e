// Package store keeps everything in SQLite, behind the interfaces that the domain declares.
//
// What must stay true: there is one writer connection and every change of a turn, a send or a command
// is one immediate transaction on it, synchronous FULL. What the constraints of the schema refuse
// does not happen, whatever the code above believes.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"

	"chasqui/channel"
)

// readers is the size of the read pool: enough for pages and a turn beside the outbox on the two
// cores this runs on.
const readers = 4

// busyTimeout is how long a writer waits for one in another process.
const busyTimeout = 15 * time.Second

// Store is one open database.
type Store struct {
	path  string
	write *sql.DB
	read  *sql.DB
	// lastFile is the attachment that was last sent.
	lastFile struct {
		sync.Mutex
		id   int64
		file channel.File
	}
	frozen   frozenTexts
	together together
}

// Open opens the database at path, making it when there is none, and brings its schema up to date.
// Before it changes an existing schema it takes a copy into the folder backups beside it. A database
// written by a newer Chasqui is refused.
func Open(ctx context.Context, path string, now time.Time) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	s := &Store{path: path}
	var err error
	if s.write, err = open(path, false); err != nil {
		return nil, err
	}
	s.write.SetMaxOpenConns(1)
	if err := s.migrate(ctx, migrations, now); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	// modernc makes files with the process's umask; the database is nobody else's to read.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect the database: %w", err), s.write.Close())
	}
	if s.read, err = open(path, true); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	// None is ever closed for being idle: opening one costs as much as ten questions, and loses its statements.
	s.read.SetMaxIdleConns(readers)
	if err := s.seed(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open sets every connection of a pool up by its address, since a PRAGMA run once would reach one
// connection only. query_only keeps a reader from ever taking the write lock.
func open(path string, readOnly bool) (*sql.DB, error) {
	pragmas := url.Values{"_pragma": {
		// auto_vacuum, which must be the first to touch a new file, lets free pages be given back in small steps.
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "auto_vacuum(2)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"temp_store(MEMORY)", "cache_size(-4000)",
		// 16 MB: a long announcement writes the same few pages again and again, and each time that the log is
		// copied into the database costs two waits for the disk.
		"wal_autocheckpoint(4000)",
	}}
	if readOnly {
		pragmas.Add("_pragma", "query_only(1)")
	} else {
		pragmas.Set("_txlock", "immediate")
		// The writer alone touches all indexes: after a year those of the deliveries are larger than what readers need.
		pragmas.Add("_pragma", "cache_size(-16000)")
	}
	address := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: pragmas.Encode()}
	connector, err := sqlite.NewConnector(address.String())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return sql.OpenDB(preparing{connector}), nil
}

// Close waits for what is running and closes both pools.
func (s *Store) Close() error {
	var errs []error
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	errs = append(errs, s.write.Close())
	return errors.Join(errs...)
}

// Ready reports whether the database answers.
func (s *Store) Ready(ctx context.Context) error {
	var one int
	if err := s.read.QueryRowContext(ctx, `SELECT 1 FROM setting LIMIT 1`).Scan(&one); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the database: %w", err)
	}
	return nil
}

// inTx runs f in one immediate transaction on the writer.
func (s *Store) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// querier is what a transaction and a pool have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// each runs a query and hands every row to scan.
func each(ctx context.Context, q querier, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// millis is how an instant is stored; the zero time is stored as NULL.
func millis(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: true}
}

func instant(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// setting reads one value of the setting table; "" when it is not there.
func setting(ctx context.Context, q querier, key string) (string, error) {
	var value string
	err := q.QueryRowContext(ctx, `SELECT value FROM setting WHERE key = $1`, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read setting %s: %w", key, err)
	}
	return value, nil
}

func setSetting(ctx context.Context, q querier, key, value string) error {
	_, err := q.ExecContext(ctx, `INSERT INTO setting (key, value) VALUES ($1, $2)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	if err != nil {
		return fmt.Errorf("write setting %s: %w", key, err)
	}
	return nil
}

// newKey is 128 random bits, as a delivery's key or this installation's own secret.
func newKey() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand.Read ends the process instead
	return hex.EncodeToString(b)
}

// newKeys are n keys that sort in the order in which they were made: what is written by the ten thousand then
// goes to the end of its index and not all over it. Half of each is random.
func newKeys(n int) []string {
	random := make([]byte, 8*n)
	rand.Read(random)
	keys := make([]string, n)
	b := make([]byte, 16)
	for i := range keys {
		binary.BigEndian.PutUint64(b, uint64(time.Now().UnixMicro())<<12|uint64(i&0xfff))
		copy(b[8:], random[8*i:])
		keys[i] = hex.EncodeToString(b)
	}
	return keys
}

// Integrity reads the whole database and every reference in it.
func (s *Store) Integrity(ctx context.Context) error {
	var verdict string
	if err := s.read.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("the database is damaged: %s", verdict)
	}
	broken := 0
	err := each(ctx, s.read, func(*sql.Rows) error { broken++; return nil }, `PRAGMA foreign_key_check`)
	if err != nil {
		return fmt.Errorf("check references: %w", err)
	}
	if broken > 0 {
		return fmt.Errorf("%d references lead nowhere", broken)
	}
	return nil
}

// Pragma reads one setting of SQLite on every connection that the pools may hold: what doctor and the
// tests go by, since a setting that one connection lacks breaks a promise now and then only.
func (s *Store) Pragma(ctx context.Context, name string) ([]string, error) {
	var values []string
	for _, pool := range []struct {
		db    *sql.DB
		conns int
	}{{s.write, 1}, {s.read, readers}} {
		var held []*sql.Conn
		for range pool.conns {
			c, err := pool.db.Conn(ctx)
			if err != nil {
				return nil, fmt.Errorf("take a connection: %w", err)
			}
			held = append(held, c)
			var value string
			if err := c.QueryRowContext(ctx, `SELECT * FROM pragma_`+name).Scan(&value); err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			values = append(values, value)
		}
		for _, c := range held {
			if err := c.Close(); err != nil {
				return nil, fmt.Errorf("give a connection back: %w", err)
			}
		}
	}
	return values, nil
}
