package outbox_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/outbox"
	"chasqui/store"
)

// clockworld is a world whose clock jumps, with the database's file to look at.
type clockworld struct {
	*world
	clock *clock
	path  string
}

func newClockworld(t *testing.T) *clockworld {
	c := &clock{}
	path := filepath.Join(t.TempDir(), "chasqui.db")
	s, err := store.Open(t.Context(), path, c.now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &clockworld{&world{t: t, store: s, net: newNetwork(), now: c.now}, c, path}
}

func (w *clockworld) run(o outbox.Options) (stop func()) {
	return running(w.t, outbox.New(w.store, w.net, outbox.Account{Network: channel.Telegram}, o, slog.New(slog.DiscardHandler), w.now))
}

// everythingOnce checks that all is sent, each once, but for what is listed.
func (w *clockworld) everythingOnce(but map[string]outbox.State) {
	w.t.Helper()
	for _, d := range settledIn(w.t, w.path) {
		want, listed := but[d.text]
		if !listed {
			want = outbox.Sent
		}
		if d.state != want {
			w.t.Errorf("%q is %s, want %s", d.text, d.state, want)
		}
	}
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	for key, n := range w.net.keys {
		if n != 1 {
			w.t.Errorf("%s left %d times", key, n)
		}
	}
}

// TestTheClockGoesBackTwoDays plans first and further tries, asks for patience and uses the rate up by a clock that is two days
// ahead, then sets it right: all of it leaves now and not in two days, and nothing twice.
func TestTheClockGoesBackTwoDays(t *testing.T) {
	t.Parallel()
	w := newClockworld(t)
	w.clock.jump(48 * time.Hour)
	w.net.faults["offline"] = []error{fault(channel.Temporary), nil}
	w.net.faults["too fast"] = []error{&channel.SendError{Fault: channel.Throttled, RetryAfter: time.Hour, Err: fmt.Errorf("429")}, nil}
	w.queue(outbox.Reply, "a", "offline", "behind it")
	w.queue(outbox.News, "b", "too fast", "news behind it")
	stop := w.run(outbox.Options{Rate: 25, Chat: outbox.Pace{Burst: 2, Every: time.Second}})
	waitForKept(t, w.path, func(all []kept) bool {
		tried := 0
		for _, d := range all {
			if d.fault != "" {
				tried++
			}
		}
		return tried == 2
	})
	for i := range 20 {
		w.queue(outbox.Reply, fmt.Sprint("r", i), fmt.Sprint("reply ", i))
	}
	w.clock.jump(-48 * time.Hour)
	w.queue(outbox.News, "c", "made after")
	w.everythingOnce(nil)
	stop()
}

// TestTheClockIsSetBackWhileNothingRuns queues by a clock that is two days ahead and starts after it was set right. What
// somebody asked to leave later does so still.
func TestTheClockIsSetBackWhileNothingRuns(t *testing.T) {
	t.Parallel()
	w := newClockworld(t)
	w.queue(outbox.Reply, "early", "before the clock was wrong")
	later := outbox.Draft{Lane: outbox.News, To: channel.Address{Network: channel.Telegram, ID: "later"}, Content: channel.Content{Text: "later"}, Due: w.now().Add(time.Hour)}
	if err := w.store.Enqueue(t.Context(), []outbox.Draft{later}, w.now()); err != nil {
		t.Fatal(err)
	}
	w.clock.jump(48 * time.Hour)
	w.queue(outbox.Reply, "a", "reply")
	w.queue(outbox.News, "b", "news")
	w.clock.jump(-48 * time.Hour)
	stop := w.run(outbox.Options{})
	got := w.net.wait(t, 3)
	stop()
	slices.Sort(got)
	if !slices.Equal(got, []string{"before the clock was wrong", "news", "reply"}) {
		t.Errorf("%q left", got)
	}
	w.clock.jump(time.Hour)
	stop = w.run(outbox.Options{})
	w.everythingOnce(nil)
	stop()
}

// TestTheClockJumpsTwoDaysAhead lets it jump while the network is out of reach: what is old now all the same is tried
// again, only what has an end is over, and that is recorded.
func TestTheClockJumpsTwoDaysAhead(t *testing.T) {
	t.Parallel()
	w := newClockworld(t)
	w.net.hold = make(chan struct{})
	ending := outbox.Draft{Lane: outbox.Alert, To: channel.Address{Network: channel.Telegram, ID: "r0"}, Content: channel.Content{Text: "has an end"}, Expires: w.now().Add(time.Hour)}
	for i, lane := range lanes {
		w.queue(lane, fmt.Sprint("r", i), fmt.Sprint("offline ", i))
		w.net.faults[fmt.Sprint("offline ", i)] = []error{fault(channel.Temporary), nil}
	}
	if err := w.store.Enqueue(t.Context(), []outbox.Draft{ending}, w.now()); err != nil {
		t.Fatal(err)
	}
	stop := w.run(outbox.Options{Rate: 25})
	waitForKept(t, w.path, func(all []kept) bool {
		return all[0].state == outbox.Sending
	})
	w.clock.jump(48 * time.Hour)
	close(w.net.hold)
	w.everythingOnce(map[string]outbox.State{"has an end": outbox.Expired})
	stop()
}
