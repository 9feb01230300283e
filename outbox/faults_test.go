package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/telegram"
	"chasqui/channel/telegramtest"
	"chasqui/outbox"
	"chasqui/store"
)

// fate is what became of one delivery: how often it arrived and the state that is recorded.
type fate struct {
	arrived int
	state   outbox.State
}

var lanes = []outbox.Lane{outbox.Alert, outbox.Reply, outbox.Reminder, outbox.News}

// TestWhatANetworkMayDoToADelivery sends one delivery of each lane through the real channel while the network does something
// to each first try. When it behaves again, all that had to leave has left and so does what comes after.
func TestWhatANetworkMayDoToADelivery(t *testing.T) {
	everybody := [4]fate{{1, outbox.Sent}, {1, outbox.Sent}, {1, outbox.Sent}, {1, outbox.Sent}}
	onlyAsked := [4]fate{{1, outbox.Sent}, {1, outbox.Sent}, {0, outbox.Unknown}, {0, outbox.Unknown}}
	faults := map[string]struct {
		fault telegramtest.Fault
		away  bool          // nobody listens
		later time.Duration // how much later it is when the network behaves again
		want  [4]fate
	}{
		"cut before the request left":      {away: true, want: everybody},
		"cut after the request left":       {fault: telegramtest.Cut(), want: onlyAsked},
		"the answer is lost":               {fault: telegramtest.LostAnswer(), want: [4]fate{{2, outbox.Sent}, {2, outbox.Sent}, {1, outbox.Unknown}, {1, outbox.Unknown}}},
		"a gateway finds nobody behind it": {fault: telegramtest.BadGateway(), want: everybody},
		"a gateway waits too long":         {fault: telegramtest.GatewayTimeout(), want: onlyAsked},
		"no answer in time":                {fault: telegramtest.Hang(), want: onlyAsked},
		"too many requests":                {fault: telegramtest.TooMany(1), want: everybody},
		"the token is refused for a while": {fault: telegramtest.Refuse(http.StatusUnauthorized, "Unauthorized"), later: 2 * time.Minute, want: everybody},
	}
	// All are on their way before the first is looked at: they wait for their next try together.
	fars := map[string]*far{}
	for name, c := range faults {
		f := newFar(t, c.away)
		fars[name] = f
		if !c.away {
			f.server.Next("sendMessage", c.fault, c.fault, c.fault, c.fault)
		}
		f.queue("first")
		f.run()
	}
	for name, c := range faults {
		fars[name].behave(c.later)
	}
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			f := fars[name]
			f.T = t
			states := f.settled("first")
			for i, lane := range lanes {
				got := fate{f.arrived(i, "first"), states[lane]}
				if got != c.want[i] {
					t.Errorf("%s arrived %d times and is %s, want %+v", lane, got.arrived, got.state, c.want[i])
				}
				if n := f.arrived(i, "after"); n != 1 {
					t.Errorf("the %s after it arrived %d times", lane, n)
				}
			}
			f.stop()
		})
	}
}

// clock is a clock on the wall that jumps when it is told to.
type clock struct{ ahead atomic.Int64 }

// now holds no steady time beside the wall's: what would be helped by it must not be.
func (c *clock) now() time.Time {
	return time.Now().Round(0).Add(time.Duration(c.ahead.Load()))
}

func (c *clock) jump(by time.Duration) { c.ahead.Add(int64(by)) }

// far is the emulated network with one person a lane, at an address where perhaps nobody listens yet.
type far struct {
	*testing.T
	server *telegramtest.Server
	users  []*telegramtest.User
	store  *store.Store
	path   string
	clock  clock
	tries  chan outbox.Result
	api    string
	// listen lets somebody listen at the reserved address.
	listen func()
	stop   func()
}

// behave waits until each first try has met its fault, lets the network behave again, so much later, and queues what
// comes after.
func (f *far) behave(later time.Duration) {
	f.Helper()
	for range lanes {
		f.waitForTry()
	}
	if later > 0 {
		waitForKept(f.T, f.path, func(all []kept) bool {
			return !slices.ContainsFunc(all, func(d kept) bool { return d.fault == "" })
		})
		f.clock.jump(later)
	}
	f.listen()
	f.queue("after")
}

func newFar(t *testing.T, away bool) *far {
	f := &far{T: t, path: filepath.Join(t.TempDir(), "chasqui.db"), tries: make(chan outbox.Result, 1000), listen: func() {}}
	f.server = telegramtest.New(telegramtest.Options{Token: telegramtest.Token, Username: "chasqui_bot", Overall: 1e6, PerChat: 1e6, PerRoom: 1e6, Fail: t.Errorf, Now: time.Now})
	t.Cleanup(f.server.Close)
	f.api = f.server.URL()
	if away {
		f.reserve()
	}
	for i := range lanes {
		u := f.server.User(int64(1+i), "P", "fr")
		u.Opened()
		f.users = append(f.users, u)
	}
	var err error
	if f.store, err = store.Open(t.Context(), f.path, f.clock.now()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.store.Close() })
	return f
}

// reserve binds a port without listening: whoever calls is refused, and nobody else can take it.
func (f *far) reserve() {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		f.Fatal(err)
	}
	file := os.NewFile(uintptr(socket), "reserved")
	f.Cleanup(func() { file.Close() })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		f.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		f.Fatal(err)
	}
	f.api = fmt.Sprintf("http://127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	f.listen = func() {
		if err := syscall.Listen(socket, 64); err != nil {
			f.Fatal(err)
		}
		l, err := net.FileListener(file)
		if err != nil {
			f.Fatal(err)
		}
		back := &http.Server{Handler: f.server}
		f.Cleanup(func() { back.Close() })
		go func() { _ = back.Serve(l) }() // ends when it is closed
	}
}

func (f *far) queue(text string) {
	f.Helper()
	var drafts []outbox.Draft
	for i, lane := range lanes {
		drafts = append(drafts, outbox.Draft{Lane: lane, To: channel.Address{Network: channel.Telegram, ID: fmt.Sprint(1 + i)}, Content: channel.Content{Text: text}})
	}
	if err := f.store.Enqueue(f.Context(), drafts, f.clock.now()); err != nil {
		f.Fatal(err)
	}
}

func (f *far) run() {
	quiet := slog.New(slog.DiscardHandler)
	tele := telegram.New(telegram.Settings{Token: telegramtest.Token, API: f.api}, quiet)
	box := outbox.New(f.store, tele, outbox.Account{Network: channel.Telegram}, outbox.Options{SendTimeout: 500 * time.Millisecond,
		Observe: func(_ outbox.Delivery, r outbox.Result, _ time.Duration) { f.tries <- r }}, quiet, f.clock.now)
	f.stop = running(f.T, box)
	f.Cleanup(f.stop)
}

// running runs an outbox and returns how to stop it.
func running(t *testing.T, box *outbox.Outbox) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	return sync.OnceFunc(func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (f *far) waitForTry() {
	f.Helper()
	select {
	case r := <-f.tries:
		if r.State == outbox.Sent {
			f.Fatal("a first try met no fault")
		}
	case <-time.After(20 * time.Second):
		f.Fatal("nothing is tried any more")
	}
}

// settled waits until nothing is open and returns the state of each lane's delivery of that text.
func (f *far) settled(text string) map[outbox.Lane]outbox.State {
	f.Helper()
	states := map[outbox.Lane]outbox.State{}
	for _, d := range settledIn(f.T, f.path) {
		if d.text == text {
			states[d.lane] = d.state
		}
	}
	return states
}

func (f *far) arrived(user int, text string) (n int) {
	for _, m := range f.users[user].Inbox() {
		if m.Text == text {
			n++
		}
	}
	return n
}

// kept is what the database keeps of a delivery.
type kept struct {
	text, fault string
	lane        outbox.Lane
	state       outbox.State
}

// settledIn waits until no delivery is open.
func settledIn(t *testing.T, path string) []kept {
	t.Helper()
	return waitForKept(t, path, func(all []kept) bool {
		for _, d := range all {
			if d.state == outbox.Queued || d.state == outbox.Sending {
				return false
			}
		}
		return true
	})
}

// waitForKept looks at the deliveries until what is expected of them holds.
func waitForKept(t *testing.T, path string, holds func([]kept) bool) []kept {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	deadline := time.After(20 * time.Second)
	for {
		all := keptIn(t, db)
		if holds(all) {
			return all
		}
		select {
		case <-deadline:
			t.Fatalf("after twenty seconds the deliveries are %+v", all)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func keptIn(t *testing.T, db *sql.DB) (all []kept) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT body ->> 'text', fault, lane, state FROM delivery ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var d kept
		if err := rows.Scan(&d.text, &d.fault, &d.lane, &d.state); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
