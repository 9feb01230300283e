package bench

import (
	"context"
	"errors"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/outbox"
)

// FirstFigures are what a person waits for when an announcement to very many starts.
type FirstFigures struct {
	// Frozen is how long reading and writing the audience took; LongestWait the longest that another change waited
	// for the writer meanwhile.
	Frozen, LongestWait time.Duration
	// FirstLeft is how long after that the first delivery left.
	FirstLeft time.Duration
	// Progress is how long reading the progress took, the slower of two; Cancelled how long the cancellation took.
	Progress, Cancelled time.Duration
}

// first hears the first delivery leave.
type first struct{ left chan time.Time }

// Send implements outbox.Sender.
func (f first) Send(context.Context, channel.Outgoing) (string, error) {
	select {
	case f.left <- time.Now():
	default:
	}
	return "1", nil
}

// First starts an announcement to everybody, waits for the first delivery and cancels it.
func (w *World) First(ctx context.Context, o outbox.Options) (f FirstFigures, err error) {
	probing, probed := make(chan struct{}), make(chan time.Duration, 1)
	go func() { probed <- w.probe(ctx, probing) }()
	id, took, err := w.Announce(ctx, broadcast.News)
	close(probing)
	f.LongestWait, f.Frozen = <-probed, took
	if err != nil {
		return f, err
	}
	to := first{make(chan time.Time, 1)}
	began := time.Now()
	_, stop := w.run(ctx, to, o)
	defer func() { err = errors.Join(err, stop()) }()
	select {
	case at := <-to.left:
		f.FirstLeft = at.Sub(began)
	case <-ctx.Done():
		return f, ctx.Err()
	}
	for range 2 {
		began = time.Now()
		if _, _, err := w.Store.Standing(ctx, id); err != nil {
			return f, err
		}
		f.Progress = max(f.Progress, time.Since(began))
	}
	began = time.Now()
	_, err = w.Store.Announce(ctx, began, broadcast.Change{Verb: broadcast.Cancel, ID: id, Actor: "bench"})
	f.Cancelled = time.Since(began)
	return f, err
}

// probe queues an alert every few milliseconds and returns the longest that one took.
func (w *World) probe(ctx context.Context, until <-chan struct{}) (longest time.Duration) {
	for {
		select {
		case <-until:
			return longest
		case <-time.After(5 * time.Millisecond):
		}
		began := time.Now()
		alert := outbox.Draft{Lane: outbox.Alert, To: channel.Address{Network: channel.Web, ID: "probe"}, Content: channel.Content{Text: "alerte"}}
		if err := w.Store.Enqueue(ctx, []outbox.Draft{alert}, began); err != nil {
			return longest
		}
		longest = max(longest, time.Since(began))
	}
}
