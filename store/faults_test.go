package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/outbox"
)

// trouble is something that keeps the database from taking anything in.
type trouble struct {
	begin func(*testing.T, *Store) (end func())
	// says is a part of what is reported.
	says string
}

var troubles = map[string]trouble{
	"the disk takes nothing more":               {refusedByDisk, "disk I/O error"},
	"there is no room for another page":         {noPageLeft, "full"},
	"another process keeps the database locked": {lockedByAnother, "locked"},
}

// refusedByDisk lets the system refuse every write to a file, which needs no right and no disk of its own.
func refusedByDisk(t *testing.T, _ *Store) func() {
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := func(most uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: before.Max}); err != nil {
			t.Error(err)
		}
	}
	limit(0)
	return func() { limit(before.Cur); signal.Reset(syscall.SIGXFSZ) }
}

// noPageLeft lets the database grow no more: what the scripted network answers is too long for the room there is.
func noPageLeft(t *testing.T, s *Store) func() {
	limit := func(most uint32) {
		if _, err := s.write.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count(%d)`, most)); err != nil {
			t.Error(err)
		}
	}
	limit(1) // SQLite takes the size that it has
	return func() { limit(1 << 30) }
}

// lockedByAnother holds a write transaction for longer than the writer waits.
func lockedByAnother(t *testing.T, s *Store) func() {
	if _, err := s.write.ExecContext(t.Context(), `PRAGMA busy_timeout(30)`); err != nil {
		t.Fatal(err)
	}
	other, err := open(s.path, false)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
}

// witness is a Store that tells of each Advance that fails.
type witness struct {
	*Store
	failed chan error
}

func (w *witness) Advance(ctx context.Context, a outbox.Account, now time.Time, r []outbox.Result, c outbox.Claim) ([]outbox.Delivery, time.Time, error) {
	claimed, next, err := w.Store.Advance(ctx, a, now, r, c)
	if err != nil {
		if len(claimed) > 0 {
			err = fmt.Errorf("%d were claimed by what failed: %w", len(claimed), err)
		}
		w.failed <- err
	}
	return claimed, next, err
}

// network takes everything, when it is let, and answers at length.
type network struct {
	sync.Mutex
	arrived map[string]int
	begun   chan string
	let     chan struct{}
}

func (n *network) Send(_ context.Context, out channel.Outgoing) (string, error) {
	n.begun <- out.Content.Text
	<-n.let
	n.Lock()
	defer n.Unlock()
	n.arrived[out.Content.Text]++
	return strings.Repeat("7", 9000), nil
}

// outage is an outbox whose deliveries are all on their way when the trouble begins.
type outage struct {
	*testing.T
	store *witness
	net   *network
	chats int
	// stop ends the outbox.
	stop func() error
}

func newOutage(t *testing.T) *outage {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &outage{T: t, store: &witness{s, make(chan error, 1000)}, net: &network{arrived: map[string]int{}, begun: make(chan string, 100_000), let: make(chan struct{})}}
}

func (o *outage) queue(lane outbox.Lane, text string) error {
	o.chats++
	return o.store.Enqueue(o.Context(), []outbox.Draft{{Lane: lane, To: channel.Address{Network: channel.Telegram, ID: fmt.Sprint(o.chats)}, Content: channel.Content{Text: text}}}, time.Now())
}

func (o *outage) run() {
	box := outbox.New(o.store, o.net, outbox.Account{Network: channel.Telegram}, outbox.Options{}, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	o.stop = func() error { cancel(); return <-done }
}

// next waits for something that a goroutine tells.
func next[T any](t *testing.T, told chan T, what string) T {
	t.Helper()
	select {
	case v := <-told:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("waited twenty seconds for %s", what)
		panic("unreachable")
	}
}

// inTrouble brings one delivery of each lane on its way, begins the trouble, lets them arrive and returns when the outbox
// has failed to record that, twice.
func (o *outage) inTrouble(tr trouble) (end func()) {
	o.Helper()
	for lane := outbox.Alert; lane <= outbox.News; lane++ {
		if err := o.queue(lane, lane.String()); err != nil {
			o.Fatal(err)
		}
	}
	o.run()
	for range 4 {
		next(o.T, o.net.begun, "a delivery to leave")
	}
	end = tr.begin(o.T, o.store.Store)
	close(o.net.let)
	for range 2 {
		if err := next(o.T, o.store.failed, "an outcome that cannot be recorded"); !strings.Contains(err.Error(), tr.says) || strings.Contains(err.Error(), "were claimed") {
			end()
			o.Fatalf("it failed for another reason: %v", err)
		}
	}
	if len(o.net.begun) > 0 {
		o.Errorf("%q left although nothing could be recorded", <-o.net.begun)
	}
	return end
}

// settled waits until nothing is open and holds how often each text arrived, and its state, against what is wanted.
func (o *outage) settled(want map[string]string) {
	o.Helper()
	deadline := time.After(20 * time.Second)
	for open := 1; open > 0; {
		if err := o.store.read.QueryRowContext(o.Context(), `SELECT COUNT(*) FROM delivery WHERE state IN ('queued', 'sending')`).Scan(&open); err != nil {
			o.Fatal(err)
		}
		select {
		case <-deadline:
			o.Fatalf("%d are still open", open)
		case <-time.After(10 * time.Millisecond):
		}
	}
	o.net.Lock()
	defer o.net.Unlock()
	seen := 0
	err := each(o.Context(), o.store.read, func(rows *sql.Rows) error {
		var text, state string
		if err := rows.Scan(&text, &state); err != nil {
			return err
		}
		if got := fmt.Sprint(o.net.arrived[text], " ", state); got != want[text] {
			o.Errorf("%s: %s, want %s", text, got, want[text])
		}
		seen++
		return nil
	}, `SELECT body ->> 'text', state FROM delivery`)
	if err != nil || seen != len(want) {
		o.Errorf("%d deliveries are kept, want %d, %v", seen, len(want), err)
	}
}

// TestADatabaseThatTakesNothingIn lets deliveries arrive while their outcome cannot be recorded. Nothing else is claimed; when
// the trouble is over the outcomes are recorded, and all goes on without anything sent twice.
func TestADatabaseThatTakesNothingIn(t *testing.T) {
	for name, tr := range troubles {
		t.Run(name, func(t *testing.T) {
			o := newOutage(t)
			end := o.inTrouble(tr)
			// Who queues something meanwhile is told that it was not kept.
			want := map[string]string{"alert": "1 sent", "reply": "1 sent", "reminder": "1 sent", "news": "1 sent", "after": "1 sent"}
			if o.queue(outbox.Reply, "meanwhile"+strings.Repeat(".", 20_000)) == nil {
				t.Error("what cannot be kept was taken")
			}
			end()
			if err := o.queue(outbox.News, "after"); err != nil {
				t.Fatal(err)
			}
			o.settled(want)
			if err := o.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStoppedWhileTheDatabaseTakesNothingIn ends the process before the outcomes could be recorded: the next one does as after a
// kill. Alerts and replies go once more, nobody gets news twice, and whose fate nobody knows is listed.
func TestStoppedWhileTheDatabaseTakesNothingIn(t *testing.T) {
	for name, tr := range troubles {
		t.Run(name, func(t *testing.T) {
			o := newOutage(t)
			end := o.inTrouble(tr)
			if err := o.stop(); err == nil {
				t.Error("the outbox ended as if all had been recorded")
			}
			end()
			o.run()
			o.settled(map[string]string{"alert": "2 sent", "reply": "2 sent", "reminder": "1 unknown", "news": "1 unknown"})
			if err := o.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAStuckReaderHoldsNobodyUp reads for as long as twenty thousand deliveries need to leave. The log grows meanwhile, also
// over a night; the night after the reader has gone cuts it.
func TestAStuckReaderHoldsNobodyUp(t *testing.T) {
	const many = 20_000
	o := newOutage(t)
	s := o.store.Store
	log := func() int64 {
		info, err := os.Stat(s.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	reader, err := s.read.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Rollback() }() // else nothing could be closed after a failure
	var none int
	if err := reader.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM delivery`).Scan(&none); err != nil || none != 0 {
		t.Fatalf("%d, %v", none, err)
	}
	sendMany(t, s, many)
	grown := log()
	if grown < 20<<20 {
		t.Errorf("the log has %d bytes although it could not be used again", grown)
	}
	night := make(chan error, 1)
	go func() { night <- s.Prune(t.Context(), time.Now()) }()
	select {
	case err := <-night:
		if err != nil {
			t.Errorf("a night with a stuck reader: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the night keeps the writer for as long as the reader is stuck")
	}
	if err := reader.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM delivery`).Scan(&none); err != nil || none != 0 {
		t.Errorf("the reader sees %d, %v", none, err)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	waits, err := s.Pragma(t.Context(), "busy_timeout")
	if err != nil || slices.ContainsFunc(waits, func(ms string) bool { return ms != "15000" }) {
		t.Errorf("after it connections wait %v, %v", waits, err)
	}
	if err := s.Prune(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if left := log(); left != 0 {
		t.Errorf("the log has %d bytes after the night", left)
	}
}

// quick is a network that takes everything at once.
type quick struct{}

func (quick) Send(context.Context, channel.Outgoing) (string, error) { return "1", nil }

// sendMany queues and sends so many deliveries to as many chats.
func sendMany(t *testing.T, s *Store, many int) {
	t.Helper()
	drafts := make([]outbox.Draft, many)
	for i := range drafts {
		drafts[i] = outbox.Draft{Lane: outbox.News, To: channel.Address{Network: channel.Telegram, ID: fmt.Sprint(i)}, Content: channel.Content{Text: "x"}}
	}
	if err := s.Enqueue(t.Context(), drafts, time.Now()); err != nil {
		t.Fatal(err)
	}
	box := outbox.New(s, quick{}, outbox.Account{Network: channel.Telegram}, outbox.Options{}, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	deadline := time.After(60 * time.Second)
	for sent := 0; sent < many; {
		if err := s.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM delivery WHERE state = 'sent'`).Scan(&sent); err != nil {
			t.Fatal(err)
		}
		select {
		case <-deadline:
			t.Fatalf("%d of %d have left", sent, many)
		case <-time.After(20 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
