package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/outbox"
	"chasqui/store"
)

// network is a far side that can be told to fail.
type network struct {
	mu     sync.Mutex
	got    []string
	keys   map[string]int
	faults map[string][]error
	// at is when each text left, by the test's clock.
	inChat, most map[string]int
	seen         chan string
	hold         chan struct{}
}

func newNetwork() *network {
	return &network{keys: map[string]int{}, faults: map[string][]error{}, inChat: map[string]int{}, most: map[string]int{}, seen: make(chan string, 10000)}
}

func (n *network) Send(_ context.Context, out channel.Outgoing) (string, error) {
	n.mu.Lock()
	n.inChat[out.To.ID]++
	n.most[out.To.ID] = max(n.most[out.To.ID], n.inChat[out.To.ID])
	hold := n.hold
	n.mu.Unlock()
	if hold != nil {
		<-hold
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inChat[out.To.ID]--
	text := out.Content.Text
	if waiting := n.faults[text]; len(waiting) > 0 {
		n.faults[text] = waiting[1:]
		if waiting[0] != nil {
			n.seen <- text
			return "", waiting[0]
		}
	}
	n.keys[out.Key]++
	n.got = append(n.got, text)
	n.seen <- text
	return fmt.Sprint(len(n.got)), nil
}

func (n *network) wait(t *testing.T, count int) []string {
	t.Helper()
	for range count {
		select {
		case <-n.seen:
		case <-time.After(20 * time.Second):
			t.Fatal("nothing leaves any more")
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got)
}

type world struct {
	t     *testing.T
	store *store.Store
	net   *network
	now   func() time.Time
}

func newWorld(t *testing.T) *world {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &world{t: t, store: s, net: newNetwork(), now: time.Now}
}

func (w *world) queue(lane outbox.Lane, chat string, texts ...string) {
	w.t.Helper()
	var drafts []outbox.Draft
	for _, text := range texts {
		drafts = append(drafts, outbox.Draft{Lane: lane, To: channel.Address{Network: channel.Telegram, ID: chat}, Content: channel.Content{Text: text}})
	}
	if err := w.store.Enqueue(w.t.Context(), drafts, w.now()); err != nil {
		w.t.Fatal(err)
	}
}

// run starts the outbox and returns how to stop it.
func (w *world) run(o outbox.Options) (box *outbox.Outbox, stop func()) {
	box = outbox.New(w.store, w.net, outbox.Account{Network: channel.Telegram}, o, slog.New(slog.DiscardHandler), w.now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	return box, func() {
		w.t.Helper()
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

func fault(f channel.Fault) error { return &channel.SendError{Fault: f, Err: errors.New("scripted")} }

func TestEverythingLeavesOnceAndInOrder(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprintf("a%02d", i))
		w.queue(outbox.Reply, "a", want[i])
		w.queue(outbox.Reply, fmt.Sprintf("chat %d", i), fmt.Sprintf("b%02d", i))
	}
	_, stop := w.run(outbox.Options{})
	got := w.net.wait(t, 100)
	stop()
	toA := slices.DeleteFunc(got, func(s string) bool { return s[0] != 'a' })
	if !slices.Equal(toA, want) {
		t.Errorf("chat a got %v", toA)
	}
	if w.net.most["a"] != 1 {
		t.Errorf("%d at once in one chat", w.net.most["a"])
	}
	for key, n := range w.net.keys {
		if n != 1 {
			t.Errorf("%s left %d times", key, n)
		}
	}
}

func TestTryingAgain(t *testing.T) {
	w := newWorld(t)
	w.net.faults["shaky"] = []error{fault(channel.Temporary), nil}
	w.net.faults["unsure"] = []error{fault(channel.Ambiguous), nil}
	w.net.faults["never sure"] = []error{fault(channel.Ambiguous), fault(channel.Ambiguous), nil}
	w.net.faults["refused"] = []error{fault(channel.Rejected)}
	for _, text := range []string{"shaky", "unsure", "never sure", "refused"} {
		w.queue(outbox.Reply, text, text)
	}
	_, stop := w.run(outbox.Options{})
	got := w.net.wait(t, 7)
	stop()
	slices.Sort(got)
	if !slices.Equal(got, []string{"shaky", "unsure"}) {
		t.Errorf("arrived: %q", got)
	}
	f, err := w.store.Figures(t.Context(), w.now())
	if err != nil || f.Queued != 0 || f.Unknown != 1 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestAnOrderlyStopLeavesNothingInFlight(t *testing.T) {
	w := newWorld(t)
	w.net.hold = make(chan struct{})
	for i := range 10 {
		w.queue(outbox.Reply, fmt.Sprint(i), fmt.Sprint(i))
	}
	box := outbox.New(w.store, w.net, outbox.Account{Network: channel.Telegram}, outbox.Options{}, slog.New(slog.DiscardHandler), w.now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	for w.net.flying() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	close(w.net.hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
	requeued, unknown, err := w.store.Recover(t.Context(), outbox.Account{Network: channel.Telegram}, w.now())
	if requeued+unknown > 0 || err != nil {
		t.Errorf("%d requeued, %d unknown after an orderly stop, %v", requeued, unknown, err)
	}
}

func (n *network) flying() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.inChat)
}

func BenchmarkReplyAfterCommit(b *testing.B) {
	s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "chasqui.db"), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := newNetwork()
	box := outbox.New(s, n, outbox.Account{Network: channel.Telegram}, outbox.Options{Rate: 1000}, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	var waits []time.Duration
	for i := 0; b.Loop(); i++ {
		d := []outbox.Draft{{Lane: outbox.Reply, To: channel.Address{Network: channel.Telegram, ID: fmt.Sprint(i)}, Content: channel.Content{Text: "x"}}}
		if err := s.Enqueue(ctx, d, time.Now()); err != nil {
			b.Fatal(err)
		}
		committed := time.Now()
		box.Wake()
		<-n.seen
		waits = append(waits, time.Since(committed))
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// TestA429HoldsItsChatAndEverythingUnasked: the network asks one delivery to wait for two seconds. News to others
// waits as long, what they asked for does not.
func TestA429HoldsItsChatAndEverythingUnasked(t *testing.T) {
	w := newWorld(t)
	w.net.faults["too fast"] = []error{&channel.SendError{Fault: channel.Throttled, RetryAfter: 2 * time.Second, Err: errors.New("429")}, nil}
	w.queue(outbox.Reply, "a", "too fast")
	_, stop := w.run(outbox.Options{Window: 1})
	began := time.Now()
	w.net.wait(t, 1)
	w.queue(outbox.News, "b", "news")
	w.queue(outbox.Alert, "a", "alert to a")
	w.queue(outbox.Reply, "c", "reply")
	if got := w.net.wait(t, 1); !slices.Equal(got, []string{"reply"}) {
		t.Errorf("meanwhile %q left", got)
	}
	got := w.net.wait(t, 3)
	stop()
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("all had left after %v", took)
	}
	if !slices.Equal(got[1:], []string{"alert to a", "too fast", "news"}) {
		t.Errorf("after it %q left", got[1:])
	}
}
