// Package bench measures the outbox and the turns on the machine that it runs on: what chasqui bench prints and
// docs/performance.md is made of.
//
// What must stay true: everything but the network is what serve uses, the store's file and its synchronous
// FULL included.
package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
	"chasqui/store"
)

// World is a database in a directory of its own, with a crowd of members in it.
type World struct {
	Store  *store.Store
	dir    string
	people int
}

// crowd is put in by SQL, since an import of a million would take minutes and is not what is measured.
var crowd = []string{
	`INSERT INTO member (name, language, consent, created_at, updated_at)
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < $1)
		SELECT 'P' || n, CASE n % 3 WHEN 0 THEN 'es' ELSE 'fr' END, 'enrolled', 1, 1 FROM i`,
	`INSERT INTO address (member_id, network, chat, preferred, created_at) SELECT id, 'telegram', 1000000000 + id, 1, 1 FROM member WHERE $1 > 0`,
}

// NewWorld makes a database with so many people in dir.
func NewWorld(ctx context.Context, dir string, people int) (*World, error) {
	dir, err := os.MkdirTemp(dir, "world")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	file := filepath.Join(dir, "chasqui.db")
	st, err := store.Open(ctx, file, time.Now())
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the crowd's database: %w", err), st.Close())
	}
	for _, statement := range crowd {
		if _, err := db.ExecContext(ctx, statement, people); err != nil {
			return nil, errors.Join(fmt.Errorf("make a crowd: %w", err), db.Close(), st.Close())
		}
	}
	if err := db.Close(); err != nil {
		return nil, errors.Join(fmt.Errorf("close the crowd's database: %w", err), st.Close())
	}
	return &World{Store: st, dir: dir, people: people}, nil
}

// Close closes and removes the database.
func (w *World) Close() error { return errors.Join(w.Store.Close(), os.RemoveAll(w.dir)) }

// Bytes is how large the database's files are.
func (w *World) Bytes() int64 {
	var sum int64
	entries, _ := os.ReadDir(w.dir) // what cannot be read counts as nothing
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// Announce starts an announcement to everybody and says how long freezing it took.
func (w *World) Announce(ctx context.Context, class broadcast.Class) (id int64, took time.Duration, err error) {
	now := time.Now()
	a := broadcast.Announcement{Class: class, Audience: "all", Texts: map[i18n.Lang]string{i18n.French: "bonjour", i18n.Spanish: "hola"},
		Nonce: "n", NonceUntil: now.Add(time.Hour), StartAt: now}
	for _, verb := range []broadcast.Verb{broadcast.Save, broadcast.Ask, broadcast.Approve} {
		if id, err = w.Store.Announce(ctx, now, broadcast.Change{Verb: verb, ID: id, Announcement: a, Actor: "bench"}); err != nil {
			return 0, 0, err
		}
	}
	approved, _, err := w.Store.Announcement(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	started, err := w.Store.Start(ctx, approved, now)
	if err != nil || !started {
		return 0, 0, errors.Join(err, errors.New("the announcement did not start"))
	}
	return id, time.Since(began), nil
}

var account = outbox.Account{Network: channel.Telegram}

// run sends through a sender until stop is called, which returns when everything is recorded.
func (w *World) run(ctx context.Context, to outbox.Sender, o outbox.Options) (box *outbox.Outbox, stop func() error) {
	box = outbox.New(w.Store, to, account, o, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	return box, func() error { cancel(); return <-done }
}

// RSS is the most memory that the process has used, in bytes; zero where the system does not say.
func RSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return 0
}
